package configtool

import (
	"context"
	"fmt"
	"path"
	"strings"
	"unicode"

	"kiln/internal/kmod"
	"kiln/internal/maint/command"
	"kiln/internal/maint/vfs"
	"kiln/internal/tree"
)

const (
	modulesFolder = "/lib/modules"
	indexMode     = 0o644
)

// Depmod is depmod(8): it makes the indexes of a release's modules. Without a release it
// is about the kernel that runs, and is noted. What it would say of the kernel's own
// symbols is not said.
func Depmod(ctx context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("all,a quick,A basedir,b= symvers,E= filesyms,F= errsyms,e verbose,v warn,w")
	if err != nil {
		return 1, err
	}
	if strings.Trim(o.Value("basedir", ""), "/") != "" {
		return 1, c.Unhonoured("it makes the tree's own indexes")
	}
	if len(o.Rest) == 0 {
		c.Note(c.Name, strings.Join(c.Args, " "))
		return 0, nil
	}
	release := o.Rest[0]
	if len(release) < 3 || !unicode.IsDigit(rune(release[0])) || strings.ContainsAny(release, "/") {
		return c.Complain(1, "Bad version passed %s", release)
	}
	dir, err := c.FS.Resolve(path.Join(modulesFolder, release))
	if err != nil || !c.FS.IsDir(dir) {
		return c.Complain(1, "could not open directory %s: No such file or directory", path.Join(modulesFolder, release))
	}
	return 0, makeIndexes(ctx, c, dir, release)
}

// makeIndexes makes the indexes in a folder. They are all made at once, where any is
// not known of an earlier time.
func makeIndexes(ctx context.Context, c *command.Call, dir, release string) error {
	s, from, err := moduleSource(c, dir, release)
	if err != nil {
		return err
	}
	made := map[string][]byte{}
	for _, name := range kmod.Indexes() {
		if err := c.Compile(command.Compilation{
			To: path.Join(dir, name), Mode: indexMode, What: fmt.Sprintf("depmod 34 %s of %s", name, dir), From: from,
			Make: func() ([]byte, error) {
				if len(made) == 0 {
					files, err := kmod.Make(ctx, s)
					if err != nil {
						return nil, c.Unhonoured("%v", err)
					}
					for _, f := range files {
						made[f.Name] = f.Content
					}
				}
				return made[name], nil
			},
		}); err != nil {
			return err
		}
	}
	return nil
}

// moduleSource is the folder of a release, and the paths of all that its indexes are made of.
func moduleSource(c *command.Call, dir, release string) (*kmod.Source, []string, error) {
	s := &kmod.Source{Release: release}
	var from []string
	err := c.FS.Visit(dir, func(p string, info vfs.Info) bool {
		if info.Kind() == tree.File && kmod.IsModule(p) {
			s.Modules = append(s.Modules, kmod.Module{Path: strings.TrimPrefix(p, dir+"/"), Open: func() ([]byte, error) { return c.FS.ReadFile(p) }})
			from = append(from, p)
		}
		return true
	})
	if err != nil {
		return nil, nil, err
	}
	for _, own := range []struct {
		name string
		to   *[]byte
	}{{"modules.order", &s.Order}, {"modules.builtin", &s.Builtin}, {"modules.builtin.modinfo", &s.BuiltinInfo}} {
		p := path.Join(dir, own.name)
		if !c.FS.IsFile(p) {
			continue
		}
		if *own.to, err = c.FS.ReadFile(p); err != nil {
			return nil, nil, err
		}
		from = append(from, p)
	}
	err = kmod.ReadConfig(&s.Config, release, func(folder string) []string {
		infos, _ := c.FS.ReadDir(folder) // most are not there
		var names []string
		for _, i := range infos {
			names = append(names, i.Name())
		}
		return names
	}, func(file string) ([]byte, error) {
		from = append(from, file)
		return c.FS.ReadFile(file)
	})
	if err != nil {
		return nil, nil, c.Unhonoured("%v", err)
	}
	return s, from, nil
}
