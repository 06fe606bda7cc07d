package drills_test

import (
	"debug/elf"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What an example leaves out nothing else in it needs: each link leads somewhere,
// and each library that a program or library names is there.
func TestNothingIsMissingInTheExamples(t *testing.T) {
	real(t)
	for _, name := range exampleNames {
		for _, platform := range []string{"linux/amd64", "linux/arm64"} {
			t.Run(name+"/"+platform, func(t *testing.T) {
				dir := example(t, name)
				build(t, dir, "--platform", platform, "-o", "folder:root")
				c := newCensus(t, filepath.Join(dir, "root"))
				for _, link := range c.links {
					if !c.leads(link) {
						t.Errorf("%s leads nowhere", link)
					}
				}
				for file, needed := range c.needed {
					for _, library := range needed {
						if !c.names[library] {
							t.Errorf("%s needs %s", file, library)
						}
					}
				}
				if len(c.links) == 0 || name != "static" && len(c.needed) < 10 {
					t.Errorf("found %d links and %d programs and libraries", len(c.links), len(c.needed))
				}
			})
		}
	}
}

// census is what is in a root file system.
type census struct {
	root   string
	links  []string            // paths in it
	names  map[string]bool     // of all files
	needed map[string][]string // program or library -> libraries that it names
}

func newCensus(t *testing.T, root string) *census {
	t.Helper()
	c := &census{root: root, names: map[string]bool{}, needed: map[string][]string{}}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		in := strings.TrimPrefix(path, root)
		c.names[d.Name()] = true
		if d.Type() == fs.ModeSymlink {
			c.links = append(c.links, in)
			return nil
		}
		f, err := elf.Open(path)
		if err != nil {
			return nil // no program
		}
		defer f.Close()
		c.needed[in], err = f.ImportedLibraries()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// leads reports whether path, with all links on the way followed inside the root,
// is something.
func (c *census) leads(path string) bool {
	todo := strings.Split(path, "/")
	at := "/"
	for hops := 0; len(todo) > 0; {
		next := filepath.Join(at, todo[0])
		todo = todo[1:]
		info, err := os.Lstat(filepath.Join(c.root, next))
		if err != nil {
			return false
		}
		if info.Mode().Type() != fs.ModeSymlink {
			at = next
			continue
		}
		target, err := os.Readlink(filepath.Join(c.root, next))
		if hops++; err != nil || hops > 40 {
			return false
		}
		if filepath.IsAbs(target) {
			at = "/"
		}
		todo = append(strings.Split(target, "/"), todo...)
	}
	return true
}
