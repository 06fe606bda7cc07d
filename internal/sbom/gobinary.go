package sbom

import (
	"debug/buildinfo"
	"io"
	"runtime/debug"
	"strings"
)

// GoBinary is what the Go linker wrote into a program of what it is made of.
type GoBinary struct {
	Go      string     `json:"go"` // version of the toolchain, and so of the standard library: "1.26.8"
	Main    GoModule   `json:"main"`
	Modules []GoModule `json:"modules,omitempty"` // that it depends on
}

// GoModule is a module in a program. Where one was replaced, it is the one that is in
// the program.
type GoModule struct {
	Path    string `json:"path"`
	Version string `json:"version,omitempty"` // empty where it was built from a checkout
}

// mostModules bounds what a program may claim to be made of.
const mostModules = 20000

// ReadGo reads the build information of a program; nil where it has none. The standard
// library's readers of programs are not made for those that were made to do harm:
// where they panic, there is none.
func ReadGo(r io.ReaderAt) (g *GoBinary) {
	defer func() {
		if recover() != nil {
			g = nil
		}
	}()
	info, err := buildinfo.Read(r)
	if err != nil || len(info.Deps) > mostModules {
		return nil
	}
	version, _, _ := strings.Cut(strings.TrimPrefix(info.GoVersion, "go"), " ")
	g = &GoBinary{Go: version, Main: moduleOf(&info.Main)}
	if g.Main.Path == "" {
		g.Main.Path = info.Path
	}
	for _, m := range info.Deps {
		g.Modules = append(g.Modules, moduleOf(m))
	}
	return g
}

func moduleOf(m *debug.Module) GoModule {
	if m.Replace != nil && m.Replace.Version != "" {
		m = m.Replace
	}
	return GoModule{Path: m.Path, Version: strings.TrimSuffix(m.Version, "(devel)")}
}

// PURL names the module; purl's type golang wants what is before the last slash as
// the namespace.
func (m GoModule) PURL() PURL {
	p := PURL{Type: "golang", Name: m.Path, Version: m.Version}
	if i := strings.LastIndexByte(m.Path, '/'); i >= 0 {
		p.Namespace, p.Name = m.Path[:i], m.Path[i+1:]
	}
	return p
}

// all are the modules in the program, the standard library among them, without the
// main one.
func (g *GoBinary) all() []GoModule {
	var list []GoModule
	if g.Go != "" {
		list = append(list, GoModule{Path: "stdlib", Version: g.Go})
	}
	return append(list, g.Modules...)
}
