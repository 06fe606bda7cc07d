package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"kiln/internal/apt"
	"kiln/internal/bake"
	"kiln/internal/debian"
	"kiln/internal/recipe"
	"kiln/internal/store"
)

// secondCommand is the hidden command by which kiln prove runs itself.
const secondCommand = "prove-second"

func (a *app) secondCommand() *cobra.Command {
	return &cobra.Command{
		Use:    secondCommand,
		Short:  "The second build of kiln prove, which calls it",
		Hidden: true,
		Args:   atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var in secondInput
			if err := json.NewDecoder(cmd.InOrStdin()).Decode(&in); err != nil {
				return fmt.Errorf("cannot read what is to be built: %w", err)
			}
			ctx, cancel := context.WithCancel(cmd.Context())
			defer cancel()
			if in.Watched {
				go endWith(os.NewFile(3, "the first build"), cancel)
			}
			return a.second(ctx, in)
		},
	}
}

// endWith ends the build where the process at the other end of a pipe does, however
// that ends: nobody would read the result.
func endWith(other io.Reader, end func()) {
	_, _ = io.Copy(io.Discard, other)
	end()
}

func (a *app) second(ctx context.Context, in secondInput) error {
	out := secondOutput{UID: os.Getuid(), Sealed: sealed()}
	if in.HostName != "" {
		if err := setHostName(in.HostName); err != nil {
			return fmt.Errorf("cannot set the host name: %w", err)
		}
	}
	out.HostName, _ = os.Hostname()
	out.Umask = syscall.Umask(0)
	syscall.Umask(otherUmask(out.Umask))
	now := a.world.Now
	ahead := func() time.Time { return now().AddDate(0, 0, in.Days) }
	st, err := store.Open(in.Store, store.Options{Now: ahead})
	if err != nil {
		return err
	}
	defer st.Close()
	r, err := recipe.Load(in.Recipe)
	if err != nil {
		return err
	}
	family := &debian.Family{Store: st, Build: buildID(), Files: func(f fs.FS) fs.FS { return reversed{f} }, Now: ahead, Mirrors: apt.MirrorOptions{Getenv: a.world.Getenv}}
	out.Result, err = bake.Build(ctx, bake.Options{
		Lock:  bake.LockOptions{Family: family, Recipe: r, Path: lockPath(r.Path()), Locked: true, Workshop: workshop(family, in.stageSecrets())},
		Store: st, Platforms: in.Platforms, Outputs: in.Outputs, Compression: in.Compression, Native: nativePlatform(), Tool: tool(), Unjudged: true, Build: family.Build,
	})
	if err != nil {
		return err
	}
	a.ui.json = true
	return a.ui.result(out, func(io.Writer) {})
}

// stageSecrets are the secrets that came with what is to be built.
func (in *secondInput) stageSecrets() bake.StageSecrets {
	all := bake.StageSecrets{}
	for id, value := range in.Secrets {
		all[id] = func(context.Context) ([]byte, error) { return bytes.Clone(value), nil }
	}
	return all
}

// sealed reports whether there is no network but the machine's own, which is down.
func sealed() bool {
	all, err := net.Interfaces()
	for _, i := range all {
		if i.Flags&net.FlagUp != 0 {
			return false
		}
	}
	return err == nil
}
