package command

import (
	"context"
	"path"
	"strings"
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
func GioQuerymodules(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "")
	if err != nil {
		return 1, err
	}
	if len(o.rest) == 0 {
		say(c, "Usage: gio-querymodules <directory1> [<directory2> ...]\nWill update giomodule.cache in the listed directories")
		return 1, nil
	}
	for _, dir := range o.rest {
		if err := c.gioQuery(dir); err != nil {
			return 1, err
		}
	}
	return 0, nil
}

func (c *Call) gioQuery(dir string) error {
	entries, err := c.FS.ReadDir(c.path(dir))
	if err != nil {
		_, _ = complain(c, 0, "Unable to open directory %s: %s", dir, errorText(err))
		return nil
	}
	var text strings.Builder
	for _, e := range entries { // sorted by name, as the tool sorts them
		if !strings.HasPrefix(e.Name(), "lib") || !strings.HasSuffix(e.Name(), ".so") {
			continue
		}
		points, ok := gioModules[e.Name()]
		if !ok {
			return unhonoured(c, "the module %q is none of Debian 13's: what it implements, only running it can tell", e.Name())
		}
		text.WriteString(e.Name() + ": " + points + "\n")
	}
	cache := path.Join(c.path(dir), "giomodule.cache")
	if text.Len() > 0 {
		return rewrite(c.FS, cache, []byte(text.String()), 0o644)
	}
	if present(c.FS, cache) {
		return c.FS.Remove(cache)
	}
	return nil
}
