package cli

import (
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/bake"
	"kiln/internal/debian"
	"kiln/internal/sandbox"
)

// stageCommand is the hidden command by which kiln runs itself as the first process of
// a stage's sandbox.
const stageCommand = "stage-init"

func (a *app) stageCommand() *cobra.Command {
	return &cobra.Command{
		Use:    stageCommand,
		Short:  "The first process of a stage's sandbox, which kiln build calls",
		Hidden: true,
		Args:   atMost(0),
		RunE: func(*cobra.Command, []string) error {
			if status := sandbox.Init(); status != 0 {
				return &kiln.Error{Code: kiln.Usage, Text: "the sandbox of a stage could not be begun: this command is kiln's own"}
			}
			return nil
		},
	}
}

// workshop is where the stages of a recipe are made.
func workshop(f *debian.Family, secrets bake.StageSecrets) *bake.Workshop {
	self := "/proc/self/exe"
	if runtime.GOOS != "linux" {
		self, _ = os.Executable() // nothing is started there
	}
	return &bake.Workshop{Store: f.Store, Build: f.Build, Self: []string{self, "kiln", stageCommand}, Secrets: secrets}
}
