package cli

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"kiln/internal/lock"
)

// version is what kiln tells of itself.
type version struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Format   int    `json:"format"`
}

func versionOf() version {
	v := version{Version: "unreleased", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Format: lock.Format}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v.Revision = s.Value
		}
	}
	return v
}

// tool is how documents name the kiln that made them.
func tool() string { return "kiln-" + versionOf().Version }

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "version",
		Short:             "Print the version of kiln and of the formats that it writes",
		Args:              atMost(0),
		ValidArgsFunction: words(),
		RunE: func(*cobra.Command, []string) error {
			v := versionOf()
			return a.ui.result(v, func(w io.Writer) {
				fmt.Fprintf(w, "kiln %s (format %d, %s, %s)\n", v.Version, v.Format, v.Go, v.Platform)
			})
		},
	}
}
