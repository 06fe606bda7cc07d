package cli

import (
	"fmt"
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/apt"
	"kiln/internal/bake"
	"kiln/internal/debian"
	"kiln/internal/store"
)

// sourceFlags are the flags of every command that may read from archives.
type sourceFlags struct {
	mirrors []string
	at      string
}

func (f *sourceFlags) register(cmd *cobra.Command) {
	f.registerMirror(cmd)
	cmd.Flags().StringVar(&f.at, "at", "", "judge signatures and validity as of `TIME` (RFC 3339 or YYYY-MM-DD) when a lock is made or moved; the lock records it")
	complete(cmd, "at", words())
}

// registerMirror is register for a command that makes no lock.
func (f *sourceFlags) registerMirror(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.mirrors, "mirror", nil, "mirror of a known archive, `NAME=URL`: NAME is debian or debian-security; may be repeated")
	complete(cmd, "mirror", cobra.FixedCompletions([]string{"debian=", "debian-security="}, cobra.ShellCompDirectiveNoSpace|cobra.ShellCompDirectiveNoFileComp))
}

// update is the bake.Update of the flags.
func (f *sourceFlags) update() (bake.Update, error) {
	at, err := parseAt(f.at)
	return bake.Update{At: at}, err
}

// hostAptFolder is where a Debian host keeps its apt sources.
const hostAptFolder = "/etc/apt"

// family opens the store and the Debian family over it.
func (a *app) family(f sourceFlags) (*debian.Family, *store.Store, error) {
	conf, err := loadConfig(configPath(a.world.Getenv))
	if err != nil {
		return nil, nil, err
	}
	retry, err := patienceOf(a.world.Getenv)
	if err != nil {
		return nil, nil, err
	}
	st, err := a.openStore()
	if err != nil {
		return nil, nil, err
	}
	return &debian.Family{
		Store: st,
		Build: buildID(),
		Mirrors: apt.MirrorOptions{
			Flags:  f.mirrors,
			Getenv: a.world.Getenv,
			Config: conf.Mirrors,
			Host:   os.DirFS(hostAptFolder),
		},
		Retry: retry,
		Now:   a.world.Now,
		Sink:  a.ui.sink,
	}, st, nil
}

// nativePlatform is the platform of this machine as an image's: what a
// single-platform output holds when a recipe has several and none was named.
func nativePlatform() kiln.Platform {
	p, err := kiln.ParsePlatform(fmt.Sprintf("linux/%s", runtime.GOARCH))
	if err != nil {
		return kiln.Platform{}
	}
	return p
}
