package debian_test

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/apt/apttest"
	"kiln/internal/bake"
	"kiln/internal/deb/debtest"
)

// systemSuite has a kernel with what it asks for, and what boots is made of.
func systemSuite() apttest.Suite {
	spec := func(name, fields string, files ...string) apttest.Package {
		p := apttest.Package{Spec: debtest.Spec{Name: name, Version: "1", Architecture: "amd64"}}
		for line := range strings.Lines(fields) {
			p.Fields = append(p.Fields, strings.TrimSpace(line))
		}
		for _, f := range files {
			p.Entries = append(p.Entries, debtest.Entry{Path: f, Content: name + "\n"})
		}
		return p
	}
	return apttest.Suite{Name: "stable", Compress: []string{"gz"}, Packages: []apttest.Package{
		spec("base", "Essential: yes", "usr/lib/os-release"),
		spec("systemd", "Depends: libsystemd", "usr/lib/systemd/systemd"),
		spec("libsystemd", "", "usr/lib/libsystemd.so"),
		spec("linux-image-cloud-amd64", "Depends: linux-image-6.1-cloud-amd64"),
		spec("linux-image-6.1-cloud-amd64", "Depends: kmod, initramfs-tools | linux-initramfs-tool", "boot/vmlinuz-6.1", "usr/lib/modules/6.1/kernel/x.ko"),
		spec("linux-image-5.0-amd64", "", "boot/vmlinuz-5.0", "usr/lib/modules/5.0/kernel/x.ko"),
		spec("kmod", "", "usr/bin/kmod"),
		spec("initramfs-tools", "", "usr/sbin/mkinitramfs"),
		spec("systemd-boot", "Depends: systemd-boot-efi, systemd-boot-tools", "usr/lib/systemd/systemd-bless-boot", "usr/lib/systemd/system-generators/systemd-bless-boot-generator",
			"usr/lib/systemd/system/systemd-bless-boot.service", "usr/share/doc/systemd-boot/copyright", "usr/lib/systemd/system/systemd-boot-update.service"),
		spec("systemd-boot-tools", "", "usr/bin/bootctl"),
		spec("systemd-boot-efi", "", "usr/lib/systemd/boot/efi/linuxx64.efi.stub"),
		spec("systemd-cryptsetup", "Depends: libcryptsetup, libsystemd", "lib/systemd/systemd-veritysetup"),
		spec("libcryptsetup", "", "lib/libcryptsetup.so"),
	}}
}

const systemLayers = "layers:\n  - {name: base, packages: [{systemd: the first process}]}\nsystem: {kernel: {why: virtio guests}, modules: {deny: [{module: x, why: not here}]}}\n"

// The image has its kernel and no program that makes initrds; what only boots is in the
// lock, and not in the image.
func TestSystemPackages(t *testing.T) {
	b := newBenchOf(t, systemSuite(), systemLayers)
	l := b.lock(nil, bake.Update{})
	var locked []string
	for _, p := range l.Platforms[b.platform].Packages {
		locked = append(locked, p.Name+" <- "+strings.Join(p.RequiredBy, ", "))
	}
	want := []string{
		"base <- essential", "kmod <- linux-image-6.1-cloud-amd64", "libcryptsetup <- systemd-cryptsetup", "libsystemd <- systemd, systemd-cryptsetup",
		"linux-image-6.1-cloud-amd64 <- linux-image-cloud-amd64", "linux-image-cloud-amd64 <- recipe", "systemd <- recipe",
		"systemd-boot <- recipe", "systemd-boot-efi <- boot", "systemd-cryptsetup <- boot",
	}
	if diff := cmp.Diff(want, locked); diff != "" {
		t.Errorf("the lock (-want +got):\n%s", diff)
	}
	ctx := context.Background()
	if err := b.family.Fetch(ctx, b.recipe, l, []kiln.Platform{b.platform}); err != nil {
		t.Fatal(err)
	}
	root, err := b.family.Assemble(ctx, b.recipe, l, b.platform, nil)
	if err != nil {
		t.Fatal(err)
	}
	var layers []string
	for _, l := range root.Layers {
		layers = append(layers, l.Name)
	}
	if diff := cmp.Diff([]string{"base", "kernel", "system", "dpkg"}, layers); diff != "" {
		t.Errorf("layers (-want +got):\n%s", diff)
	}
	boot, contents, err := b.family.Boot(ctx, l, b.platform, root)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		path          string
		image, booted bool
	}{
		{"boot/vmlinuz-6.1", true, true},
		{"usr/sbin/mkinitramfs", false, false},
		{"usr/lib/systemd/systemd-bless-boot", true, true},
		{"usr/lib/systemd/system/systemd-boot-update.service", false, false},
		{"usr/lib/systemd/boot/efi/linuxx64.efi.stub", false, true},
		{"usr/lib/systemd/systemd-veritysetup", false, true}, // shipped below /lib
		{"usr/lib/libcryptsetup.so", false, true},
	} {
		_, image := root.Tree.Lookup(row.path)
		e, booted := boot.Lookup(row.path)
		if image != row.image || booted != row.booted {
			t.Errorf("%s: in the image %v, in what boots %v", row.path, image, booted)
		}
		if booted {
			f, err := contents.OpenContent(e.Content)
			if err != nil {
				t.Fatal(err)
			}
			if text, err := io.ReadAll(f); err != nil || len(text) == 0 {
				t.Errorf("%s: %q, %v", row.path, text, err)
			}
			f.Close()
		}
	}
	e, _ := root.Tree.Lookup("usr/lib/modprobe.d/kiln-deny-x.conf")
	if e.Origin.Recipe != "system.modules.deny[0]" || e.Origin.Why != "not here" {
		t.Errorf("the denial comes of %+v", e.Origin)
	}
	if kernel, _ := root.Tree.Lookup("boot/vmlinuz-6.1"); kernel.Origin.Package != "linux-image-6.1-cloud-amd64" {
		t.Errorf("the kernel comes of %+v", kernel.Origin)
	}
}

// An older lock's packages stay, whoever asks for them.
func TestSystemLockStays(t *testing.T) {
	b := newBenchOf(t, systemSuite(), systemLayers)
	l := b.lock(nil, bake.Update{})
	if again := b.lock(l, bake.Update{}); string(again.Marshal()) != string(l.Marshal()) {
		t.Errorf("another lock:\n%s", cmp.Diff(string(l.Marshal()), string(again.Marshal())))
	}
}

func TestSystemKernels(t *testing.T) {
	for _, row := range []struct{ summary, rest, want string }{
		{"two", "layers:\n  - {name: base, packages: [{systemd: x}, {linux-image-5.0-amd64: old}]}\nsystem: {kernel: {why: virtio guests}}\n",
			"cannot lock the image: it has 2 kernels, linux-image-5.0-amd64 and linux-image-6.1-cloud-amd64, and boots one"},
		{"named", "layers:\n  - {name: base, packages: [{systemd: x}]}\nsystem: {kernel: {package: linux-image-5.0-amd64, why: old}}\n", ""},
		{"none of the name", "layers:\n  - {name: base, packages: [{systemd: x}]}\nsystem: {kernel: {package: linux-image-7, why: new}}\n", `system.kernel: no package is called "linux-image-7"`},
		{"an initrd maker that is asked for", "layers:\n  - {name: base, packages: [{systemd: x}, {initramfs-tools: hooks}]}\nsystem: {kernel: {why: virtio guests}}\n", ""},
	} {
		b := newBenchOf(t, systemSuite(), row.rest)
		l, err := b.family.Lock(context.Background(), b.recipe, nil, bake.Update{})
		switch {
		case row.want == "" && err != nil:
			t.Errorf("%s: %v", row.summary, err)
		case row.want != "" && (err == nil || !strings.Contains(err.Error()+strings.Join(kiln.HintsOf(err), "\n"), row.want)):
			t.Errorf("%s: %v, want %s", row.summary, err, row.want)
		case row.want == "" && strings.Contains(row.rest, "hooks") && !slices.Contains(strings.Split(b.versions(l), ", "), "initramfs-tools 1"):
			t.Errorf("%s: it has %s", row.summary, b.versions(l))
		}
	}
}
