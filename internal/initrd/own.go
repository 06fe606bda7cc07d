package initrd

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/kmod"
	"kiln/internal/tree"
)

// takeModules takes the modules with all that they need, and makes their indexes.
func (b *builder) takeModules(ctx context.Context, release string) error {
	all, err := profileModules(b.options.Profile)
	if err != nil {
		return err
	}
	for _, m := range b.options.Modules {
		all = append(all, kmod.Want{Name: m, Why: "the recipe wants it"})
	}
	index, err := kmod.ReadIndex(ctx, b.source, b.contents, release)
	if err != nil {
		return err
	}
	if b.modules, err = index.Closure(all, b.options.Deny); err != nil {
		return &kiln.Error{Code: kiln.User, Text: "cannot choose the initrd's modules: " + err.Error(), Err: err}
	}
	for _, chosen := range slices.Concat(b.modules.Modules, b.modules.Firmware) {
		if err := b.take(chosen.Path, chosen.Why); err != nil {
			return err
		}
	}
	return b.index(ctx, release)
}

// used are the indexes that programs read when they run: modprobe and udev the .bin ones.
func used() []string {
	return []string{
		"modules.dep.bin", "modules.alias.bin", "modules.symbols.bin", "modules.builtin.bin", "modules.builtin.alias.bin",
		"modules.softdep", "modules.weakdep", "modules.devname",
	}
}

// index makes the indexes of the modules that are there.
func (b *builder) index(ctx context.Context, release string) error {
	s, err := kmod.FromTree(b.out, b, release)
	if err != nil {
		return err
	}
	dir := tree.Join(kmod.Folder, release)
	for _, own := range []struct {
		name string
		to   *[]byte
	}{{"modules.order", &s.Order}, {"modules.builtin", &s.Builtin}, {"modules.builtin.modinfo", &s.BuiltinInfo}} {
		if *own.to, err = b.readIfThere(tree.Join(dir, own.name)); err != nil {
			return err
		}
	}
	files, err := kmod.Make(ctx, s)
	if err != nil {
		return err
	}
	for _, f := range files {
		if !slices.Contains(used(), f.Name) {
			continue
		}
		if err := b.make(tree.Join(dir, f.Name), 0o644, append([]byte{}, f.Content...), "index of the initrd's modules"); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) readIfThere(p string) ([]byte, error) {
	if _, ok := b.source.Lookup(p); !ok {
		return nil, nil
	}
	return b.read(p)
}

// writeOwn writes what is the initrd's own.
func (b *builder) writeOwn() error {
	release, err := b.read("usr/lib/os-release")
	if err != nil {
		return lacking("/usr/lib/os-release", "it says what the initrd is", "base-files")
	}
	passwd, group, err := b.accounts()
	if err != nil {
		return err
	}
	for _, f := range folders() {
		mode := uint32(0o755)
		if strings.HasSuffix(f.path, "tmp") {
			mode = 0o1777
		}
		if err := b.make(f.path, mode, nil, f.why); err != nil {
			return err
		}
	}
	for _, f := range []struct {
		path, content, why string
	}{
		{"etc/initrd-release", string(release), "tells init that this is an initrd"},
		{"etc/machine-id", "", "the machine's id is the root's matter"},
		{"etc/passwd", passwd, "root's account"},
		{"etc/group", group, "groups that udev's rules name"},
		{"usr/lib/modules-load.d/root.conf", strings.Join(early(), "\n") + "\n", "loads what the root needs at once"},
		{tree.Join(unitFolder, "emergency.service"), emergency, "restarts the machine where the root cannot be reached"},
	} {
		if err := b.make(f.path, 0o644, []byte(f.content), f.why); err != nil {
			return err
		}
	}
	for _, l := range [][3]string{
		{"init", "usr/lib/systemd/systemd", "what the kernel starts"},
		{"etc/os-release", "initrd-release", "tells what the initrd is made of"},
	} {
		if err := b.place(tree.Entry{Path: l[0], Type: tree.Symlink, Mode: 0o777, Link: l[1]}, l[2]); err != nil {
			return err
		}
	}
	return nil
}

// named matches the groups and users in udev's rules.
var named = regexp.MustCompile(`(?:GROUP|OWNER)="([^"$]+)"`)

// accounts keeps root, and the groups that udev's rules name.
func (b *builder) accounts() (passwd, group string, err error) {
	keep := map[string]bool{"root": true}
	for _, p := range b.out.Children("usr/lib/udev/rules.d") {
		text, err := b.read(p)
		if err != nil {
			return "", "", err
		}
		for _, match := range named.FindAllSubmatch(text, -1) {
			keep[string(match[1])] = true
		}
	}
	var parts [2]string
	for i, p := range []string{"etc/passwd", "etc/group"} {
		text, err := b.read(p)
		if err != nil {
			return "", "", fmt.Errorf("cannot make the initrd: %w", err)
		}
		for line := range strings.Lines(string(text)) {
			name, _, _ := strings.Cut(line, ":")
			if keep[name] {
				parts[i] += strings.TrimSuffix(line, "\n") + "\n"
			}
		}
	}
	return parts[0], parts[1], nil
}
