package cli

import (
	"fmt"
	"os"
	"runtime"

	"github.com/spf13/pflag"

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

func (f *sourceFlags) register(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.mirrors, "mirror", nil, "NAME=URL: mirror of a known archive (debian, debian-security); may be repeated")
	flags.StringVar(&f.at, "at", "", "judge signatures and validity as of this time (RFC 3339 or YYYY-MM-DD), which the lock records")
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
	st, err := a.openStore()
	if err != nil {
		return nil, nil, err
	}
	return &debian.Family{
		Store: st,
		Mirrors: apt.MirrorOptions{
			Flags:  f.mirrors,
			Getenv: a.world.Getenv,
			Config: conf.Mirrors,
			Host:   os.DirFS(hostAptFolder),
		},
		Now:  a.world.Now,
		Sink: a.ui.sink,
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
