package kmod_test

import (
	"bytes"
	"encoding/hex"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/txtar"
	encoder "github.com/ulikunitz/xz"

	"kiln/internal/kmod"
	"kiln/internal/kmod/kmodtest"
)

var depmod = flag.String("depmod", "", "`program` that makes testdata/indexes.txtar anew: depmod of kmod 34")

const (
	release = "6.12.1-test"
	golden  = "testdata/indexes.txtar"
)

func xzOf(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := encoder.NewWriter(&out)
	if err == nil {
		_, err = w.Write(b)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zstdOf(t *testing.T, b []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(b, nil)
}

// folder is a release's folder: each rule of depmod's that a real kernel may come to. The
// names m0 to m9 are not in modules.order.
func folder(t *testing.T) map[string][]byte {
	module := func(info, exports, needs string) []byte {
		m := kmodtest.Module{Exports: strings.Fields(exports), Needs: strings.Fields(needs), Versions: append([]string{"module_layout"}, strings.Fields(needs)...)}
		if info != "" {
			m.Info = strings.Split(info, "|")
		}
		return m.Bytes()
	}
	files := map[string][]byte{
		"kernel/crypto/hash-core.ko":      module("alias=crypto-hash|alias=hash[0-9a-f]-x|license=GPL", "hash_init hash_done", "printk"),
		"kernel/crypto/hash_fast.ko":      module("alias=crypto-hash|alias=crypto-hash-fast|alias=bad]bracket|depends=hash-core|softdep=pre: cpu-x", "", "hash_init hash_done"),
		"kernel/drivers/md/dm-mod.ko.xz":  xzOf(t, module("alias=devname:mapper/control|alias=char-major-10-236|softdep=post: dm-verity", "dm_register dm_get", "")),
		"kernel/drivers/md/dm-bufio.ko":   module("", "bufio_new", "dm_get"),
		"kernel/drivers/md/dm-verity.ko":  module("alias=dm-verity|weakdep=erofs|softdep=pre: crypto-hash|firmware=none.bin", "", "dm_register bufio_new hash_init"),
		"kernel/fs/erofs.ko.zst":          zstdOf(t, module("alias=fs-erofs|firmware=a/b.fw", "", "zstd_go .hash_done")),
		"kernel/lib/zstd.ko":              module("", "zstd_go", ""),
		"kernel/drivers/loop.ko":          module("alias=block-major-7-*|alias=block-major-7-0|alias=devname:loop-control", "", ""),
		"kernel/drivers/pci.ko":           module("alias=pci:v00001AF4d*sv*sd*bc*sc*i*|alias=pci:v00001AF4d00001041sv*|alias=pci:v0000|alias=pci", "", ""),
		"kernel/drivers/twice.ko":         module("alias=the-older", "twice", ""),
		"updates/dkms/twice.ko":           module("alias=the-newer", "twice", ""),
		"build/not.ko":                    module("alias=not", "", ""),
		"kernel/drivers/no.ko.gz":         []byte("x"),
		"kernel/drivers/z-old.ko":         kmodtest.Module{Sums: []string{"by_sum", "twice"}, Needs: []string{"twice"}, Info: []string{"alias=old"}}.Bytes(),
		"kernel/drivers/named-nowhere.ko": module("alias=devname:nowhere", "", ""),
	}
	for i := range 10 {
		n := string(rune('0' + i))
		files["kernel/more/m"+n+".ko"] = module("alias=more-"+n, "more"+n+" other_symbol_"+n, "by_sum more"+string(rune('0'+(i+3)%10)))
		if i >= 7 {
			files["kernel/more/m"+n+".ko"] = module("", "more"+n, "")
		}
	}
	files["modules.order"] = []byte("kernel/fs/erofs.ko\nkernel/drivers/md/dm-verity.ko\nkernel/drivers/md/dm-mod.ko\nkernel/gone.ko\nkernel/crypto/hash_fast.ko\nkernel/crypto/hash-core.ko\nkernel/drivers/md/dm-bufio.ko\nkernel/drivers/twice.ko\n")
	files["modules.builtin"] = []byte("kernel/fs/ext4/ext4.ko\nkernel/drivers/virtio/virtio-ring.ko\nkernel/fs/ext2/ext2.ko\n")
	files["modules.builtin.modinfo"] = []byte("ext4.license=GPL\x00ext4.alias=fs-ext4\x00ext4.alias=fs-ext2\x00virtio_ring.alias=virtio-[a-z]-ring\x00ext4.softdep=pre: crc32c\x00")
	return files
}

func sourceOf(files map[string][]byte) *kmod.Source {
	s := &kmod.Source{Release: release, Order: files["modules.order"], Builtin: files["modules.builtin"], BuiltinInfo: files["modules.builtin.modinfo"]}
	for name, content := range files {
		s.Modules = append(s.Modules, kmod.Module{Path: name, Open: func() ([]byte, error) { return content, nil }})
	}
	return s
}

// What Make makes is what depmod of kmod 34.2 made of the same folder, byte for byte.
func TestMakeIsDepmods(t *testing.T) {
	files := folder(t)
	if *depmod != "" {
		remake(t, files)
	}
	made, err := kmod.Make(t.Context(), sourceOf(files))
	if err != nil {
		t.Fatal(err)
	}
	want, err := txtar.ParseFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	var got txtar.Archive
	for _, f := range made {
		got.Files = append(got.Files, txtar.File{Name: f.Name, Data: shown(f.Name, f.Content)})
	}
	if d := cmp.Diff(string(txtar.Format(&txtar.Archive{Files: want.Files})), string(txtar.Format(&got))); d != "" {
		t.Errorf("depmod -, Make +:\n%s", d)
	}
}

// shown is an index as text.
func shown(name string, content []byte) []byte {
	if strings.HasSuffix(name, ".bin") {
		return []byte(hex.Dump(content))
	}
	return content
}

// remake lets depmod make the indexes.
func remake(t *testing.T, files map[string][]byte) {
	t.Helper()
	root := t.TempDir()
	dir := filepath.Join(root, "lib/modules", release)
	for name, content := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command(*depmod, "-b", root, release).CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
	a := txtar.Archive{Comment: []byte("Made by depmod of kmod 34.2 (go test -run TestMakeIsDepmods -depmod PROGRAM), of the folder in make_test.go.\n")}
	for _, name := range kmod.Indexes() {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		a.Files = append(a.Files, txtar.File{Name: name, Data: shown(name, content)})
	}
	if err := os.WriteFile(golden, txtar.Format(&a), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The order in which modules come, as a disk lists them, is not in the result.
func TestMakeInAnyOrder(t *testing.T) {
	s := sourceOf(folder(t))
	first, err := kmod.Make(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		s.Modules = append(s.Modules[5:], s.Modules[:5]...)
		slices.Reverse(s.Modules)
		if again, err := kmod.Make(t.Context(), s); err != nil || cmp.Diff(first, again) != "" {
			t.Errorf("another order gives something else: %v", err)
		}
	}
}

func TestMakeRefuses(t *testing.T) {
	plain := func(m kmodtest.Module) []byte { return m.Bytes() }
	for _, row := range []struct {
		what  string
		files map[string][]byte
		want  string
	}{
		{"a circle", map[string][]byte{
			"a.ko": plain(kmodtest.Module{Exports: []string{"a"}, Needs: []string{"b"}}),
			"b.ko": plain(kmodtest.Module{Exports: []string{"b"}, Needs: []string{"a"}}),
			"c.ko": plain(kmodtest.Module{}),
		}, "cannot order the modules of " + release + ": modules need each other in a circle, or are needed by such: a, b"},
		{"no ELF file", map[string][]byte{"kernel/a.ko": []byte("no")}, `cannot read the module "kernel/a.ko": EOF`},
		{"no xz", map[string][]byte{"kernel/a.ko.xz": []byte("no")}, `cannot decompress the module "kernel/a.ko.xz"`},
		{"cut off", map[string][]byte{"kernel/a.ko.xz": xzOf(t, plain(kmodtest.Module{Exports: []string{"a"}}))[:60]}, `cannot decompress the module "kernel/a.ko.xz"`},
		{"no ASCII", map[string][]byte{"a.ko": plain(kmodtest.Module{Info: []string{"alias=ä"}})}, `cannot make modules.alias.bin of ` + release + `: "ä" is not ASCII`},
	} {
		_, err := kmod.Make(t.Context(), sourceOf(row.files))
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %s", row.what, err, row.want)
		}
	}
}

// depmod.d decides which of two modules of one name is taken.
func TestConfig(t *testing.T) {
	module := func(alias string) []byte { return kmodtest.Module{Info: []string{"alias=" + alias}}.Bytes() }
	files := map[string][]byte{"kernel/x.ko": module("plain"), "updates/x.ko": module("update"), "extra/x.ko": module("extra"), "updates/y.ko": module("y")}
	for _, row := range []struct{ config, want string }{
		{"", "update"},
		{"search built-in updates\n", "extra"},
		{"# a remark\nsearch extra \\\n updates built-in", "extra"},
		{"search built-in\noverride x 6.12.* kernel", "plain"},
		{"search built-in\noverride x ^6\\.13 extra", "extra"},
		{"exclude updates", "extra"},
		{"make_map_files no", "update"},
	} {
		s := sourceOf(files)
		if err := s.Config.Read("/etc/depmod.d/x.conf", []byte(row.config), release); err != nil {
			t.Fatal(err)
		}
		made, err := kmod.Make(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(made[2].Content), "alias "+row.want+" x\n") {
			t.Errorf("%q: got %s, want %s", row.config, made[2].Content, row.want)
		}
	}
	var c kmod.Config
	if err := c.Read("/etc/depmod.d/x.conf", []byte("external * /opt"), release); err == nil || err.Error() != `/etc/depmod.d/x.conf: "external" is not understood here` {
		t.Errorf("external: %v", err)
	}
}
