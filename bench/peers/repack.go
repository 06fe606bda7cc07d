package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"kiln"
	"kiln/internal/lock"
)

// withDeb adds a local .deb to the sources of one of bench/recipes.
func withDeb(text, file string) string {
	return strings.Replace(text, "\nlayers:", "\n  - deb: "+file+"\nlayers:", 1)
}

// repack makes a .deb like a locked one, of a version with the suffix behind it
// and with some bytes more at the end of its largest file: as an update has them.
func (b *bench) repack(p lock.Package, suffix, to string) error {
	ctx := context.Background()
	tree, err := os.MkdirTemp(b.work, "repack-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tree)
	from := blobPath(b.fetched, kiln.Digest("sha256:"+p.SHA256))
	if _, _, err := (child{argv: []string{"dpkg-deb", "-R", from, tree}}).run(ctx); err != nil {
		return err
	}
	control := filepath.Join(tree, "DEBIAN", "control")
	data, err := os.ReadFile(control)
	if err != nil {
		return err
	}
	text := strings.Replace(string(data), "\nVersion: "+p.Version+"\n", "\nVersion: "+p.Version+suffix+"\n", 1)
	if text == string(data) {
		return fmt.Errorf("cannot change the version of %s: its control file does not have %s", p.Name, p.Version)
	}
	if err := write(control, text); err != nil {
		return err
	}
	if err := appendToLargest(tree, suffix); err != nil {
		return err
	}
	_, _, err = child{argv: []string{"dpkg-deb", "--root-owner-group", "-b", tree, to}}.run(ctx)
	return err
}

// appendToLargest changes the largest file that an unpacked package ships.
func appendToLargest(tree, text string) error {
	largest, size := "", int64(-1)
	err := filepath.WalkDir(tree, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			if err == nil && d.IsDir() && d.Name() == "DEBIAN" {
				return fs.SkipDir
			}
			return err
		}
		info, err := d.Info()
		if err == nil && info.Size() > size {
			largest, size = path, info.Size()
		}
		return err
	})
	if err != nil {
		return err
	}
	if largest == "" {
		return fmt.Errorf("cannot change a file of the package: it ships none")
	}
	f, err := os.OpenFile(largest, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(text)
	return err
}
