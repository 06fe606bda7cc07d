package initrd_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/disk/cpio"
	"kiln/internal/initrd"
	"kiln/internal/kmod"
	"kiln/internal/kmod/kmodtest"
	"kiln/internal/linkage/linkagetest"
	"kiln/internal/tree"
)

const (
	release = "6.12.1-test"
	modules = kmod.Folder + "/" + release + "/"
	units   = "usr/lib/systemd/system/"
	libs    = "usr/lib/x86_64-linux-gnu/"
)

func amd64() kiln.Platform { return kiln.Platform{OS: "linux", Architecture: "amd64"} }

// program is a program that needs libraries.
func program(needed ...string) string {
	return string(linkagetest.File(linkagetest.Spec{Interpreter: "/lib64/ld-linux-x86-64.so.2", Needed: append(needed, "libc.so.6")}))
}

func library(spec linkagetest.Spec) string { return string(linkagetest.File(spec)) }

// files are those of a small system: all that the tables name, with what matters in it.
// What begins with "-> " is a link, what ends in "/" a folder.
func files() map[string]string {
	all := map[string]string{}
	for p := range initrd.Asked() {
		all[p] = "# " + path.Base(p) + "\n"
		if strings.HasPrefix(p, "usr/bin/") || strings.HasPrefix(p, "usr/sbin/") || strings.HasPrefix(p, "usr/lib/udev/") && !strings.HasSuffix(p, ".rules") || strings.HasPrefix(p, "usr/lib/systemd/systemd") || strings.Contains(p, "-generators/") {
			all[p] = program()
		}
	}
	module := func(m kmodtest.Module) string { return string(m.Bytes()) }
	maps.Copy(all, map[string]string{
		"bin": "-> usr/bin", "sbin": "-> usr/sbin", "lib": "-> usr/lib", "lib64": "-> usr/lib64",
		"usr/lib64/ld-linux-x86-64.so.2": "-> ../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
		libs + "ld-linux-x86-64.so.2":    library(linkagetest.Spec{Soname: "ld-linux-x86-64.so.2"}),
		libs + "libc.so.6":               library(linkagetest.Spec{Soname: "libc.so.6", Needed: []string{"ld-linux-x86-64.so.2"}}),

		"usr/lib/systemd/systemd":           library(linkagetest.Spec{Interpreter: "/lib64/ld-linux-x86-64.so.2", RunPath: "/" + libs + "systemd", Needed: []string{"libsystemd-shared.so", "libsystemd-core.so"}}),
		libs + "systemd/libsystemd-core.so": library(linkagetest.Spec{Needed: []string{"libsystemd-shared.so", "libm.so.6"}}),
		libs + "systemd/libsystemd-shared.so": library(linkagetest.Spec{Loads: `[{"feature":"kmod","description":"modules","priority":"recommended","soname":["libkmod.so.2"]},` +
			`{"feature":"tpm","description":"TPM","priority":"suggested","soname":["libtss2.so.0"]},{"feature":"odd","description":"odd","priority":"required","soname":["libodd.so.9","libodd.so.1"]}]`}),
		libs + "libm.so.6": "-> libm-2.so", libs + "libm-2.so": library(linkagetest.Spec{Soname: "libm.so.6"}),
		libs + "libkmod.so.2":   library(linkagetest.Spec{Needed: []string{"liblzma.so.5"}}),
		libs + "liblzma.so.5":   library(linkagetest.Spec{}),
		libs + "libtss2.so.0":   library(linkagetest.Spec{}),
		libs + "libodd.so.1":    library(linkagetest.Spec{}),
		libs + "libunused.so.1": library(linkagetest.Spec{}),

		"usr/sbin/modprobe": "-> ../bin/kmod", "usr/bin/kmod": program(), "usr/bin/systemctl": program(), "usr/bin/bash": program(),
		units + "initrd-cleanup.service": "[Service]\nExecStart=systemctl --no-block isolate initrd-switch-root.target\nExecStartPre=-/usr/bin/plymouth quit\n",
		units + "systemd-udevd.service":  "[Service]\nExecStart=/usr/lib/systemd/systemd-udevd\n", "usr/lib/systemd/systemd-udevd": "-> ../../bin/udevadm", "usr/bin/udevadm": program("libblkid.so.1"), libs + "libblkid.so.1": library(linkagetest.Spec{}),
		units + "systemd-udevd.service.d/a.conf": "[Service]\nExecStartPre=!/usr/bin/extra\n", "usr/bin/extra": program(),
		units + "sysinit.target.wants/systemd-udevd.service": "-> ../systemd-udevd.service", units + "sysinit.target.wants/ldconfig.service": "-> ../ldconfig.service", units + "ldconfig.service": "[Service]\nExecStart=/sbin/ldconfig\n",
		"usr/lib/udev/rules.d/50-udev-default.rules": `SUBSYSTEM=="block", GROUP="disk"` + "\n" + `KERNEL=="x", OWNER="someone", GROUP="$env{G}"` + "\n",
		"usr/lib/udev/rules.d/64-btrfs.rules":        "#\n",
		"usr/lib/modprobe.d/a.conf":                  "options x y=1\n", "etc/modprobe.d/": "",
		"usr/lib/os-release": "ID=debian\n", "etc/passwd": "root:x:0:0:root:/root:/bin/bash\nsomeone:x:7:7::/:/bin/sh\nother:x:8:8::/:/bin/sh\n", "etc/group": "root:x:0:\ndisk:x:6:\ntty:x:5:\nothers:x:9:other\n",
		"etc/ld.so.cache": "not looked at", "etc/fstab": "",

		modules + "modules.order": "kernel/fs/erofs.ko\n", modules + "modules.builtin": "kernel/drivers/nvme.ko\n", modules + "modules.builtin.modinfo": "nvme.alias=pci:nvme\x00",
		modules + "kernel/fs/erofs.ko": module(kmodtest.Module{Info: []string{"alias=fs-erofs"}}), modules + "kernel/md/dm-mod.ko": module(kmodtest.Module{Exports: []string{"dm"}, Info: []string{"alias=devname:mapper/control", "alias=char-major-10-236"}}),
		modules + "kernel/md/dm-verity.ko": module(kmodtest.Module{Needs: []string{"dm"}}), modules + "kernel/block/virtio_blk.ko": module(kmodtest.Module{Info: []string{"alias=virtio:d00000002v*"}}),
		modules + "kernel/net/e1000e.ko": module(kmodtest.Module{Info: []string{"firmware=e1000e.fw", "firmware=gone.fw"}}), "usr/lib/firmware/e1000e.fw": "-> real.fw", "usr/lib/firmware/real.fw": "firmware",
		modules + "kernel/drivers/scsi/hpsa.ko": module(kmodtest.Module{}), modules + "kernel/drivers/xen/xen-blkfront.ko": module(kmodtest.Module{}),
	})
	delete(all, "usr/lib/modprobe.d")
	delete(all, "etc/modprobe.d")
	return all
}

// treeOf makes a tree of files; programs and links are executable.
func treeOf(t *testing.T, files map[string]string) (*tree.Tree, tree.Bytes) {
	t.Helper()
	contents, tr := tree.Bytes{}, tree.New()
	var insert func(e tree.Entry)
	insert = func(e tree.Entry) {
		e.ModTime = 7
		if _, ok := tr.Lookup(tree.Parent(e.Path)); !ok {
			insert(tree.Entry{Path: tree.Parent(e.Path), Type: tree.Dir, Mode: 0o755})
		}
		if err := tr.Insert(e); err != nil {
			t.Fatal(err)
		}
	}
	for p, content := range files {
		e := tree.Entry{Path: strings.TrimSuffix(p, "/"), Type: tree.File, Mode: 0o644}
		to, link := strings.CutPrefix(content, "-> ")
		switch {
		case link:
			e.Type, e.Mode, e.Link = tree.Symlink, 0o777, to
		case strings.HasSuffix(p, "/"):
			e.Type, e.Mode = tree.Dir, 0o755
		default:
			if strings.HasPrefix(content, "\x7fELF") && !strings.Contains(p, ".so") && !strings.HasSuffix(p, ".ko") {
				e.Mode, e.Xattrs = 0o755, map[string]string{"security.capability": "x"}
			}
			e.Size, e.Content = int64(len(content)), contents.Add([]byte(content))
		}
		insert(e)
	}
	return tr, contents
}

func build(t *testing.T, files map[string]string, o initrd.Options) (*initrd.Initrd, error) {
	t.Helper()
	if o.Platform == (kiln.Platform{}) {
		o.Platform = amd64()
	}
	tr, contents := treeOf(t, files)
	return initrd.Build(t.Context(), tr, contents, o)
}

// text reads a file of an initrd.
func text(t *testing.T, i *initrd.Initrd, p string) string {
	t.Helper()
	return string(content(t, i.Tree, i.Contents, p))
}

// follows lists what is there beside what the tables name, and why.
const follows = `etc/group: groups that udev's rules name
etc/initrd-release: tells init that this is an initrd
etc/machine-id: the machine's id is the root's matter
etc/os-release: tells what the initrd is made of
etc/passwd: root's account
init: what the kernel starts
usr/bin/extra: run by systemd-udevd.service
usr/bin/kmod: the kernel asks it for modules
usr/bin/systemctl: run by initrd-cleanup.service
usr/bin/udevadm: run by systemd-udevd.service
usr/lib/modprobe.d/a.conf: options of modules
usr/lib/modules-load.d/root.conf: loads what the root needs at once
usr/lib/modules/6.12.1-test/kernel/block/virtio_blk.ko: virtio disks
usr/lib/modules/6.12.1-test/kernel/fs/erofs.ko: the root's file system
usr/lib/modules/6.12.1-test/kernel/md/dm-mod.ko: the root is verified
usr/lib/modules/6.12.1-test/kernel/md/dm-verity.ko: the root is verified
usr/lib/modules/6.12.1-test/modules.alias.bin: index of the initrd's modules
usr/lib/modules/6.12.1-test/modules.builtin.alias.bin: index of the initrd's modules
usr/lib/modules/6.12.1-test/modules.builtin.bin: index of the initrd's modules
usr/lib/modules/6.12.1-test/modules.dep.bin: index of the initrd's modules
usr/lib/modules/6.12.1-test/modules.devname: index of the initrd's modules
usr/lib/modules/6.12.1-test/modules.softdep: index of the initrd's modules
usr/lib/modules/6.12.1-test/modules.symbols.bin: index of the initrd's modules
usr/lib/modules/6.12.1-test/modules.weakdep: index of the initrd's modules
usr/lib/systemd/system/emergency.service: restarts the machine where the root cannot be reached
usr/lib/systemd/system/sysinit.target.wants/systemd-udevd.service: wanted by sysinit.target
usr/lib/systemd/system/systemd-udevd.service.d/a.conf: settings of systemd-udevd.service
usr/lib/systemd/systemd-udevd: run by systemd-udevd.service
usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2: loads programs
usr/lib/x86_64-linux-gnu/libblkid.so.1: library of udevadm
usr/lib/x86_64-linux-gnu/libc.so.6: library of systemd-executor
usr/lib/x86_64-linux-gnu/libkmod.so.2: udev and init load modules by it
usr/lib/x86_64-linux-gnu/liblzma.so.5: library of libkmod.so.2
usr/lib/x86_64-linux-gnu/libm-2.so: library of libsystemd-core.so
usr/lib/x86_64-linux-gnu/libm.so.6: library of libsystemd-core.so
usr/lib/x86_64-linux-gnu/libodd.so.1: odd
usr/lib/x86_64-linux-gnu/systemd/libsystemd-core.so: library of systemd
usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared.so: library of systemd
usr/lib64/ld-linux-x86-64.so.2: loads programs`

// What is asked for is there, and what that needs; nothing else is. Each path has a reason.
func TestBuild(t *testing.T) {
	i, err := build(t, files(), initrd.Options{})
	if err != nil {
		t.Fatal(err)
	}
	asked := initrd.Asked()
	var besides []string
	for e := range i.Tree.All() {
		if e.Path == "." {
			continue
		}
		if i.Why[e.Path] == "" || e.Origin.Why != i.Why[e.Path] || e.Origin.Rule != "initrd" || len(e.Xattrs) > 0 || e.ModTime != 7 {
			t.Errorf("%s: the reason is %q, its origin %+v, its attributes %v", e, i.Why[e.Path], e.Origin, e.Xattrs)
		}
		if _, ok := asked[e.Path]; !ok && e.Type != tree.Dir {
			besides = append(besides, e.Path+": "+i.Why[e.Path])
		}
	}
	if d := cmp.Diff(strings.Split(follows, "\n"), besides); d != "" {
		t.Errorf("beside what the tables name, want -, got +:\n%s", d)
	}
	for p, want := range map[string]string{
		"etc/group": "root:x:0:\ndisk:x:6:\n", "etc/passwd": "root:x:0:0:root:/root:/bin/bash\nsomeone:x:7:7::/:/bin/sh\n", "etc/initrd-release": "ID=debian\n", "etc/machine-id": "",
		modules + "modules.devname": "# Device nodes to trigger on-demand module loading.\ndm_mod mapper/control c10:236\n", "usr/lib/modules-load.d/root.conf": "dm_mod\ndm_verity\nerofs\n",
	} {
		if got := text(t, i, p); got != want {
			t.Errorf("%s is %q, want %q", p, got, want)
		}
	}
	if got := text(t, i, modules+"modules.builtin.bin"); !strings.Contains(got, "vme\x00") {
		t.Errorf("what is in the kernel is not known: %q", got)
	}
	var b bytes.Buffer
	if err := cpio.Write(t.Context(), &b, i.Tree, i.Contents); err != nil {
		t.Error(err)
	}
}

// The profile, and what the recipe says, choose the modules.
func TestModules(t *testing.T) {
	root := []string{"dm_mod", "dm_verity", "erofs"}
	for _, row := range []struct {
		options  initrd.Options
		modules  []string // besides those of the root
		firmware []string
	}{
		{initrd.Options{}, []string{"virtio_blk"}, nil},
		{initrd.Options{Profile: initrd.Virt}, []string{"virtio_blk"}, nil},
		{initrd.Options{Profile: initrd.Cloud}, []string{"virtio_blk", "xen_blkfront"}, nil},
		{initrd.Options{Profile: initrd.Metal, Kernel: release}, []string{"hpsa", "virtio_blk"}, nil},
		{initrd.Options{Profile: initrd.Metal, Deny: []string{"hpsa", "virtio-blk"}}, nil, nil},
		{initrd.Options{Modules: []string{"e1000e", "nvme"}}, []string{"e1000e", "virtio_blk"}, []string{"usr/lib/firmware/e1000e.fw"}},
	} {
		i, err := build(t, files(), row.options)
		if err != nil {
			t.Errorf("%+v: %v", row.options, err)
			continue
		}
		want := append(slices.Clone(root), row.modules...)
		slices.Sort(want)
		if !slices.Equal(i.Modules, want) || !slices.Equal(i.Firmware, row.firmware) {
			t.Errorf("%+v: %v and %v, want %v and %v", row.options, i.Modules, i.Firmware, want, row.firmware)
		}
		if row.firmware != nil {
			if got := text(t, i, "usr/lib/firmware/real.fw"); got != "firmware" || !slices.Equal(i.Missing, []string{"gone.fw"}) {
				t.Errorf("the firmware is %q, missing is %v", got, i.Missing)
			}
		}
	}
}

// The same source gives the same initrd, in whatever order it was put together.
func TestBuildTwice(t *testing.T) {
	var first kiln.Digest
	for range 4 { // treeOf ranges over a map
		i, err := build(t, files(), initrd.Options{Profile: initrd.Metal})
		if err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = i.Tree.Digest()
		}
		if i.Tree.Digest() != first {
			t.Error("built again, it is another")
		}
	}
}

// Whatever of the tables is missing and cannot be done without, the error names it.
func TestLacking(t *testing.T) {
	for p, optional := range initrd.Asked() {
		all := files()
		_, plain := all[p]
		delete(all, p)
		switch p {
		case "lib", "sbin", "usr/lib/modprobe.d", "etc/modprobe.d", "lib64":
			plain = false // other paths lead through it, or it is a folder
		}
		_, err := build(t, all, initrd.Options{})
		switch {
		case optional && plain && err != nil:
			t.Errorf("without %s: %v", p, err)
		case !optional && plain && (err == nil || !strings.Contains(err.Error(), "the tree has no /"+p+" (") || len(kiln.HintsOf(err)) == 0):
			t.Errorf("without %s: %v, hints %q", p, err, kiln.HintsOf(err))
		}
	}
}

func TestRefuses(t *testing.T) {
	with := func(p, content string) map[string]string {
		all := files()
		all[p] = content
		return all
	}
	without := func(p string) map[string]string {
		all := files()
		delete(all, p)
		return all
	}
	noModules := files()
	maps.DeleteFunc(noModules, func(p, _ string) bool { return strings.HasPrefix(p, kmod.Folder) })
	for _, row := range []struct {
		files   map[string]string
		options initrd.Options
		want    string
		hint    string
	}{
		{noModules, initrd.Options{}, "the tree has no kernel modules", "add a kernel to the recipe"},
		{with(kmod.Folder+"/6.13.0/kernel/x.ko", "x"), initrd.Options{}, "the tree has more than one kernel: 6.12.1-test, 6.13.0", "leave one"},
		{files(), initrd.Options{Kernel: "6.13"}, "no modules of the kernel 6.13; it has 6.12.1-test", "name one"},
		{files(), initrd.Options{Profile: "vm"}, `there is no profile "vm"`, "take virt, cloud or metal"},
		{files(), initrd.Options{Modules: []string{"e1000"}}, `has no module "e1000"; is "e1000e" meant?`, ""},
		{files(), initrd.Options{Deny: []string{"usb-storrage"}}, `has no module "usb-storrage"`, ""},
		{files(), initrd.Options{Deny: []string{"erofs"}}, `the module "erofs" is denied, and wanted: the root's file system`, ""},
		{files(), initrd.Options{Platform: kiln.Platform{OS: "linux", Architecture: "arm64"}}, "is for another machine (EM_X86_64) than linux/arm64", ""},
		{without(libs + "libblkid.so.1"), initrd.Options{}, "the tree has no library libblkid.so.1 (/usr/bin/udevadm needs it)", ""},
		{without(libs + "libkmod.so.2"), initrd.Options{}, "the tree has no library libkmod.so.2 (/usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared.so loads it: modules)", ""},
		{without("usr/bin/systemctl"), initrd.Options{}, "the tree has no systemctl (run by initrd-cleanup.service)", ""},
		{with("usr/bin/extra", "-> extra"), initrd.Options{}, "the tree has no /usr/bin/extra (run by systemd-udevd.service)", ""},
		{without("usr/lib/os-release"), initrd.Options{}, "the tree has no /usr/lib/os-release", "base-files"},
		{with(modules+"kernel/fs/erofs.ko", "no module"), initrd.Options{}, `cannot read the module "kernel/fs/erofs.ko"`, ""},
	} {
		_, err := build(t, row.files, row.options)
		if err == nil || !strings.Contains(err.Error(), row.want) || !strings.Contains(strings.Join(kiln.HintsOf(err), "\n"), row.hint) {
			t.Errorf("%+v: %v, hints %q; want %s", row.options, err, kiln.HintsOf(err), row.want)
		}
	}
}

// A build that is called off ends with the reason.
func TestCalledOff(t *testing.T) {
	tr, contents := treeOf(t, files())
	ctx, stop := context.WithCancelCause(t.Context())
	stop(errors.New("enough"))
	if _, err := initrd.Build(ctx, tr, contents, initrd.Options{Platform: amd64()}); err == nil || fmt.Sprint(err) != "enough" {
		t.Errorf("the error is %v", err)
	}
}
