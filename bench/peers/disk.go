package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"kiln/internal/lock"
)

// The bars of a bootable disk.
const (
	barDisk     = 12     // times faster than mkosi
	barDiskWarm = 4.0    // seconds
	barDiskCold = 15.0   // seconds
	barDiskFile = 2.0    // seconds
	diskRecipe  = "disk" // name of what is fetched for it
)

// disk is a recipe that boots, and the tree in which mkosi runs.
type disk struct {
	*whole
	store string
	tools mkosi
}

// measureDisk makes bootable disks: kiln from a store that lacks nothing but the
// disk, from a cold one, and with one file changed; mkosi with every package in its
// cache. Both are a raw disk with a boot loader, a kernel with its first file system,
// and a verified root of EROFS with zstd.
func measureDisk(ctx context.Context, b *bench) ([]row, error) {
	d, err := b.newDisk(ctx)
	if err != nil {
		return nil, err
	}
	warm, file, cold := d.warm(), d.file(), d.cold()
	all := []*contestant{warm, file, cold}
	if d.tools.root != "" {
		all = append(all, d.mkosi())
	}
	if err := takeTurns(ctx, "disk", b.options.runs, all); err != nil {
		return nil, err
	}
	prefix := fmt.Sprintf("disk (%d packages): ", len(packagesOf(d.lock)))
	var rows []row
	for _, t := range []timed{{warm, barDiskWarm}, {cold, barDiskCold}, {file, barDiskFile}} {
		rows = append(rows, row{Case: prefix + t.name, Kiln: t.series(), KilnCPU: t.cpu(), Peak: t.peaks(), Seconds: t.bar})
	}
	for _, peer := range all[3:] {
		rows = append(rows, pairing{warm.name, warm, peer, barDisk}.row(prefix), pairing{cold.name, cold, peer, 0}.row(prefix))
	}
	return rows, os.RemoveAll(d.dir)
}

// newDisk builds the disk once, so that all is cached, and makes the peer's tree.
func (b *bench) newDisk(ctx context.Context) (*disk, error) {
	text, err := os.ReadFile(filepath.Join(b.checkout, "examples", "system-minimal", "kiln.yaml"))
	if err != nil {
		return nil, err
	}
	one := strings.Replace(string(text), "platforms: [linux/amd64, linux/arm64]", "platforms: [linux/amd64]", 1)
	from, err := b.fetch(ctx, diskRecipe, one)
	if err != nil {
		return nil, err
	}
	l, err := lock.Load(filepath.Join(from, "kiln.lock"))
	if err != nil {
		return nil, err
	}
	d := &disk{whole: &whole{bench: b, name: diskRecipe, text: one, lock: l, dir: filepath.Join(b.work, diskRecipe)}}
	d.store = filepath.Join(d.dir, "store")
	if err := b.newStore(d.store, l); err != nil {
		return nil, err
	}
	if err := d.lay(d.at("first"), d.marked("")); err != nil {
		return nil, err
	}
	if _, _, err := d.build(d.at("first"), d.store, d.output("first")...).run(ctx); err != nil {
		return nil, err
	}
	d.tools, err = b.newMkosi(ctx)
	return d, err
}

func (d *disk) at(name string) string { return filepath.Join(d.dir, name) }

func (d *disk) output(name string) []string {
	return []string{"-o", "raw:" + filepath.Join(d.at(name), "disk.raw")}
}

// marked is the recipe with one file more, in a layer of its own above the others.
func (d *disk) marked(mark string) string {
	if mark == "" {
		mark = "none"
	}
	return aboveLayers(d.text, fmt.Sprintf("  - name: measured\n    files:\n      - {path: /usr/share/measured, content: %q, why: another image in each run}\n", mark))
}

// aboveLayers adds lines at the end of a recipe's layers.
func aboveLayers(text, lines string) string {
	head, rest, ok := strings.Cut(text, "\nlayers:\n")
	if !ok {
		return text
	}
	end := len(rest)
	for at := 0; at < len(rest); {
		next := strings.IndexByte(rest[at:], '\n') + at + 1
		if next == at {
			break
		}
		if line := rest[at:next]; line[0] != ' ' && line[0] != '\n' && line[0] != '#' {
			end = at
			break
		}
		at = next
	}
	return head + "\nlayers:\n" + rest[:end] + lines + rest[end:]
}

// warm builds with every package decoded, but a root, a disk and whatever else is
// made of the whole image that never were: in each run the lowest layer, from which
// the packages are configured, has another file.
func (d *disk) warm() *contestant {
	return &contestant{
		name: "everything cached but the image, to a raw disk",
		prepare: func(run int) error {
			if err := os.RemoveAll(d.at("warm")); err != nil {
				return err
			}
			file := fmt.Sprintf("      - {path: /usr/share/lowest, content: \"%d\", why: another image in each run}\n", run)
			head, rest, ok := strings.Cut(d.text, "\n    files:\n")
			if !ok {
				return fmt.Errorf("cannot measure the recipe: its lowest layer has no files")
			}
			return d.lay(d.at("warm"), head+"\n    files:\n"+file+rest)
		},
		command: func(int) child { return d.build(d.at("warm"), d.store, d.output("warm")...) },
	}
}

// file builds with one file of the uppermost layer changed, into the same output.
func (d *disk) file() *contestant {
	return &contestant{
		name:    "one files: entry changed, to a raw disk",
		prepare: func(run int) error { return d.lay(d.at("first"), d.marked(fmt.Sprint(run))) },
		command: func(int) child { return d.build(d.at("first"), d.store, d.output("first")...) },
	}
}

// cold builds with a store that holds the .debs and nothing else.
func (d *disk) cold() *contestant {
	store := filepath.Join(d.at("cold"), "store")
	return &contestant{
		name: "cold store, .debs at hand, to a raw disk",
		prepare: func(int) error {
			if err := os.RemoveAll(d.at("cold")); err != nil {
				return err
			}
			if err := d.lay(d.at("cold"), d.text); err != nil {
				return err
			}
			return d.newStore(store, d.lock)
		},
		command: func(int) child { return d.build(d.at("cold"), store, d.output("cold")...) },
	}
}

// mkosi makes a disk of the same packages. Which kernel that is, it finds by the package that
// depends on the newest: its archive has no security updates.
func (d *disk) mkosi() *contestant {
	names := slices.DeleteFunc(d.names(), func(name string) bool { return strings.HasPrefix(name, "linux-image-6") })
	return &contestant{
		name:    "mkosi, packages cached",
		prepare: func(int) error { return d.tools.configure(names) },
		command: func(run int) child { return d.tools.build(run > 0) },
	}
}
