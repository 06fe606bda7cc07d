package kmod_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/kmod"
	"kiln/internal/tree"
)

// treeOf is a tree of files, and links "-> target".
func treeOf(t *testing.T, files map[string][]byte) (*tree.Tree, tree.Bytes) {
	t.Helper()
	contents, tr := tree.Bytes{}, tree.New()
	var insert func(e tree.Entry)
	insert = func(e tree.Entry) {
		if _, ok := tr.Lookup(tree.Parent(e.Path)); !ok {
			insert(tree.Entry{Path: tree.Parent(e.Path), Type: tree.Dir, Mode: 0o755})
		}
		if err := tr.Insert(e); err != nil {
			t.Fatal(err)
		}
	}
	for p, content := range files {
		e := tree.Entry{Path: p, Type: tree.File, Mode: 0o644, Size: int64(len(content)), Content: contents.Add(content)}
		if to, ok := strings.CutPrefix(string(content), "-> "); ok {
			e = tree.Entry{Path: p, Type: tree.Symlink, Mode: 0o777, Link: to}
		}
		insert(e)
	}
	return tr, contents
}

// system is the tree of a release, with the indexes or without.
func system(t *testing.T, indexed bool) (*tree.Tree, tree.Bytes) {
	t.Helper()
	files := map[string][]byte{
		"usr/lib/firmware/a/b.fw.xz": []byte("-> ../real.xz"), "usr/lib/firmware/real.xz": []byte("firmware"),
	}
	for name, content := range folder(t) {
		files[kmod.Folder+"/"+release+"/"+name] = content
	}
	if indexed {
		made, err := kmod.Make(t.Context(), sourceOf(folder(t)))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range made {
			files[kmod.Folder+"/"+release+"/"+f.Name] = f.Content
		}
	}
	return treeOf(t, files)
}

func TestClosure(t *testing.T) {
	for _, indexed := range []bool{true, false} {
		tr, contents := system(t, indexed)
		x, err := kmod.ReadIndex(t.Context(), tr, contents, release)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range []struct {
			wants []kmod.Want
			deny  []string
			want  string // names, then firmware, then what is missing
			fails string
		}{
			{wants: []kmod.Want{{Name: "zstd", Why: "x"}}, want: "zstd: x"},
			{wants: []kmod.Want{{Name: "ext4"}, {Name: "virtio-ring"}}, want: ""},
			{wants: []kmod.Want{{Name: "hash-fast"}}, want: "hash_core: needed by hash_fast, hash_fast: wanted"},
			{wants: []kmod.Want{{Name: "dm-verity", Why: "root"}}, want: "hash_core: needed by dm_verity, hash_fast: softdep of dm_verity, dm_bufio: needed by dm_verity, dm_mod: needed by dm_bufio, dm_verity: root, " +
				"erofs: softdep of dm_verity, zstd: needed by erofs; usr/lib/firmware/a/b.fw.xz: firmware of erofs; none.bin"},
			{wants: []kmod.Want{{Name: "dm-verity", Why: "root"}}, deny: []string{"erofs", "hash-fast"}, want: "hash_core: needed by dm_verity, dm_bufio: needed by dm_verity, dm_mod: needed by dm_bufio, dm_verity: root; none.bin"},
			{wants: []kmod.Want{{Name: "kernel/crypto/"}}, deny: []string{"hash-fast"}, want: "hash_core: wanted"},
			{wants: []kmod.Want{{Name: "kernel/more/", Except: []string{"m6"}}}, want: "z_old: needed by m4, m1: wanted, m2: wanted, m4: needed by m1, m5: needed by m2, m7: needed by m4, m8: needed by m5, m9: wanted, twice: needed by z_old"},
			{wants: []kmod.Want{{Name: "kernel/net/", Optional: true}, {Name: "e1000e", Optional: true}}, want: ""},
			{wants: []kmod.Want{{Name: "kernel/net/"}}, fails: `the kernel 6.12.1-test has no modules in "kernel/net/"`},
			{wants: []kmod.Want{{Name: "dm-veritty"}}, fails: `the kernel 6.12.1-test has no module "dm-veritty"; is "dm_verity" meant?`},
			{wants: []kmod.Want{{Name: "something-else"}}, fails: `the kernel 6.12.1-test has no module "something-else"`},
			{deny: []string{"ext5"}, fails: `the kernel 6.12.1-test has no module "ext5"; is "ext2" meant?`},
			{wants: []kmod.Want{{Name: "erofs", Why: "root"}}, deny: []string{"erofs"}, fails: `the module "erofs" is denied, and wanted: root`},
			{wants: []kmod.Want{{Name: "erofs", Why: "root"}}, deny: []string{"zstd"}, fails: `the module "erofs" needs "zstd", which is denied`},
		} {
			c, err := x.Closure(row.wants, row.deny)
			if err != nil || row.fails != "" {
				if err == nil || err.Error() != row.fails {
					t.Errorf("%v without %v: %v, want %s", row.wants, row.deny, err, row.fails)
				}
				continue
			}
			if d := cmp.Diff(row.want, told(c)); d != "" {
				t.Errorf("%v without %v: %s", row.wants, row.deny, d)
			}
		}
	}
}

func told(c *kmod.Closure) string {
	var parts, modules, firmware []string
	for _, m := range c.Modules {
		modules = append(modules, m.Name+": "+m.Why)
	}
	for _, f := range c.Firmware {
		firmware = append(firmware, f.Path+": "+f.Why)
	}
	for _, part := range [][]string{modules, firmware, c.Missing} {
		if len(part) > 0 {
			parts = append(parts, strings.Join(part, ", "))
		}
	}
	return strings.Join(parts, "; ")
}

// FromTree finds what a folder has, and what depmod.d says.
func TestFromTree(t *testing.T) {
	tr, contents := system(t, false)
	if got := kmod.Releases(tr); !slices.Equal(got, []string{release}) {
		t.Errorf("the releases are %v", got)
	}
	s, err := kmod.FromTree(tr, contents, release)
	if err != nil {
		t.Fatal(err)
	}
	got, err := kmod.Make(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	want, err := kmod.Make(t.Context(), sourceOf(folder(t)))
	if err != nil || cmp.Diff(want, got) != "" {
		t.Errorf("a tree's folder gives other indexes: %v", err)
	}
	if _, err := kmod.FromTree(tr, contents, "1.2.3"); err == nil || err.Error() != "there are no modules of the kernel 1.2.3 in the tree: it has none in /usr/lib/modules/1.2.3" {
		t.Errorf("another release: %v", err)
	}
}
