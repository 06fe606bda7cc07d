package desktoptool

import (
	"context"
	"path"
	"strings"

	"kiln/internal/maint/command"
)

// gioModules are the extension points that each GIO module of Debian 13 says it
// implements when it is asked, which takes running its code.
var gioModules = map[string]string{
	"libdconfsettings.so":            "gsettings-backend",
	"libgiognomeproxy.so":            "gio-proxy-resolver",
	"libgiognutls.so":                "gio-tls-backend",
	"libgiolibproxy.so":              "gio-proxy-resolver",
	"libgioremote-volume-monitor.so": "gio-native-volume-monitor,gio-volume-monitor",
	"libgvfsdbus.so":                 "gio-vfs,gio-volume-monitor",
	"libxfconfgsettingsbackend.so":   "gsettings-backend",
}

// GioQuerymodules is gio-querymodules(1): it writes what the modules of a folder
// implement into giomodule.cache, so that programs load only those they need.
func GioQuerymodules(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("")
	if err != nil {
		return 1, err
	}
	if len(o.Rest) == 0 {
		c.Say("Usage: gio-querymodules <directory1> [<directory2> ...]\nWill update giomodule.cache in the listed directories")
		return 1, nil
	}
	for _, dir := range o.Rest {
		if err := gioQuery(c, dir); err != nil {
			return 1, err
		}
	}
	return 0, nil
}

func gioQuery(c *command.Call, dir string) error {
	entries, err := c.FS.ReadDir(c.Path(dir))
	if err != nil {
		_, _ = c.Complain(0, "Unable to open directory %s: %s", dir, command.ErrorText(err))
		return nil
	}
	var text strings.Builder
	for _, e := range entries { // sorted by name, as the tool sorts them
		if !strings.HasPrefix(e.Name(), "lib") || !strings.HasSuffix(e.Name(), ".so") {
			continue
		}
		points, ok := gioModules[e.Name()]
		if !ok {
			return c.Unhonoured("the module %q is none of Debian 13's: what it implements, only running it can tell", e.Name())
		}
		text.WriteString(e.Name() + ": " + points + "\n")
	}
	cache := path.Join(c.Path(dir), "giomodule.cache")
	if text.Len() > 0 {
		return c.FS.Rewrite(cache, []byte(text.String()), 0o644)
	}
	if c.FS.Present(cache) {
		return c.FS.Remove(cache)
	}
	return nil
}
