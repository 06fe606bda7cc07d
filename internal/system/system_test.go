package system_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/recipe"
	"kiln/internal/system"
	"kiln/internal/tree"
)

func parse(t *testing.T, section string) *recipe.Recipe {
	t.Helper()
	r, problems := recipe.Parse("kiln.yaml", []byte("kiln: v1\nname: web\nversion: \"2\"\nplatforms: [linux/amd64, linux/arm64]\nlayers: [{name: base}]\nsystem:\n"+section))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return r
}

func TestArguments(t *testing.T) {
	const rest = "  kernel: {why: x}\n  modules: {deny: [{module: usb-storage, why: a}, {module: rds, why: b}]}\n  cmdline: [{arg: quiet, why: less to read}]\n"
	for _, row := range []struct{ profile, arch, disk, want string }{
		{"virt", "amd64", "", "console=tty0 console=ttyS0 panic=30 module_blacklist=usb_storage,rds quiet"},
		{"cloud", "arm64", "", "console=tty0 console=ttyAMA0 panic=30 module_blacklist=usb_storage,rds quiet"},
		{"metal", "amd64", "", "panic=30 module_blacklist=usb_storage,rds quiet"},
		{"metal", "amd64", "  disk: {state: {minimum: 1G}}\n", "panic=30 systemd.machine_id=firmware module_blacklist=usb_storage,rds quiet"},
	} {
		list := system.Arguments(parse(t, "  profile: "+row.profile+"\n"+row.disk+rest), kiln.Platform{OS: "linux", Architecture: row.arch})
		if diff := cmp.Diff(row.want, strings.Join(system.Words(list), " ")); diff != "" {
			t.Errorf("%s on %s (-want +got):\n%s", row.profile, row.arch, diff)
		}
		for _, a := range list {
			if a.Why == "" || a.Place == "" {
				t.Errorf("%s has no reason or place", a.Arg)
			}
		}
	}
}

// What is written, where, for which part of the recipe.
func TestFiles(t *testing.T) {
	r := parse(t, `  kernel: {why: x}
  modules: {deny: [{module: usb-storage, why: no sticks}]}
  disk: {state: {minimum: 1G, encrypt: tpm2}, update: {url: "https://u.example/%41", keyring: u.gpg, why: ours}}
  mutable:
    - {path: /etc/ssh, class: seeded, why: a}
    - {path: /srv/da-ta, class: managed, why: b}
    - {path: /var/lib/x, class: managed, why: c}
    - {path: /root, class: volatile, why: d}
    - {path: /opt, class: immutable, why: e}
  services: {enable: [{unit: ssh.service, why: f}]}
`)
	var got []string
	texts := map[string]string{}
	for _, f := range system.Files(r) {
		kind := "file"
		switch {
		case f.Link != "":
			kind = "-> " + f.Link
		case f.Directory:
			kind = "folder"
		case f.From != "":
			kind = "from " + f.From
		default:
			texts[f.Path] = *f.Content
		}
		got = append(got, fmt.Sprintf("%s %s %s", f.Place, f.Path, kind))
		if f.Why == "" {
			t.Errorf("%s has no reason", f.Path)
		}
	}
	const u = "/usr/lib/systemd/system/"
	want := []string{
		"system.services /usr/lib/systemd/system-preset/00-kiln.preset file",
		"system.disk /efi folder",
		"system.modules.deny[0] /usr/lib/modprobe.d/kiln-deny-usb_storage.conf file",
		"system.disk.state /etc/crypttab file",
		"system.disk.state /usr/lib/repart.d/50-state.conf file",
		`system.disk.state ` + u + `dev-disk-by\x2dpartlabel-state.device.d/50-kiln.conf file`,
		"system.disk.state " + u + "var.mount file",
		"system.disk.state " + u + "local-fs.target.requires/var.mount -> ../var.mount",
		"system.disk.update /usr/lib/sysupdate.d/50-verity.transfer file",
		"system.disk.update /usr/lib/sysupdate.d/60-root.transfer file",
		"system.disk.update /usr/lib/sysupdate.d/70-kernel.transfer file",
		"system.disk.update /usr/lib/systemd/import-pubring.gpg from u.gpg",
		"system.mutable[0] " + u + "etc-ssh.mount file",
		"system.mutable[0] " + u + "local-fs.target.wants/etc-ssh.mount -> ../etc-ssh.mount",
		"system.mutable[1] /srv/da-ta folder",
		`system.mutable[1] ` + u + `srv-da\x2dta.mount file`,
		`system.mutable[1] ` + u + `local-fs.target.wants/srv-da\x2dta.mount -> ../srv-da\x2dta.mount`,
		"system.mutable[3] " + u + "root.mount file",
		"system.mutable[3] " + u + "local-fs.target.wants/root.mount -> ../root.mount",
		"system.disk /usr/lib/kiln/seed.conf file",
		"system.disk " + u + "kiln-seed.service file",
		"system.disk " + u + "local-fs.target.wants/kiln-seed.service -> ../kiln-seed.service",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for path, part := range map[string]string{
		"/usr/lib/kiln/seed.conf":                        "C+ /var - - - - /usr/share/factory/var\nC /var/lib/kiln/seeded/etc/ssh - - - - /etc/ssh\nd /var/lib/kiln/managed/srv/da-ta 0755 root root -\nd /var/lib/x 0755 root root -\nC /run/kiln/root - - - - /root\n",
		"/usr/lib/repart.d/50-state.conf":                "Type=linux-generic\nLabel=state\nFormat=ext4\nSizeMinBytes=1G\nFactoryReset=yes\nEncrypt=tpm2\n",
		"/etc/crypttab":                                  "state /dev/disk/by-partlabel/state - tpm2-device=auto,discard\n",
		u + "var.mount":                                  "What=/dev/mapper/state\nWhere=/var\n",
		u + "etc-ssh.mount":                              "What=/var/lib/kiln/seeded/etc/ssh\nWhere=/etc/ssh\nType=none\nOptions=bind\n",
		"/usr/lib/modprobe.d/kiln-deny-usb_storage.conf": "# no sticks\nblacklist usb_storage\ninstall usb_storage /bin/false\n",
		"/usr/lib/systemd/system-preset/00-kiln.preset":  "enable ssh.service\ndisable *\n",
		"/usr/lib/sysupdate.d/60-root.transfer":          "Path=https://u.example/%%41\n",
	} {
		if !strings.Contains(texts[path], part) {
			t.Errorf("%s is\n%swithout\n%s", path, texts[path], part)
		}
	}
}

func TestMemoryInPlaceOfState(t *testing.T) {
	for _, f := range system.Files(parse(t, "  kernel: {why: x}\n")) {
		if f.Path == "/usr/lib/systemd/system/var.mount" && !strings.Contains(*f.Content, "Type=tmpfs") {
			t.Errorf("var.mount is\n%s", *f.Content)
		}
		if strings.Contains(f.Path, "repart") {
			t.Errorf("%s is written, and there is no state", f.Path)
		}
	}
}

// files makes a tree of paths; one that ends in a slash is a folder, "a=b" a file with content.
func files(t *testing.T, paths ...string) (*tree.Tree, tree.Bytes) {
	t.Helper()
	out, c := tree.New(), tree.Bytes{}
	for _, p := range paths {
		name, text, _ := strings.Cut(p, "=")
		e := tree.Entry{Path: name, Type: tree.File, Mode: 0o644, ModTime: 5, Size: int64(len(text)), Content: c.Add([]byte(text))}
		if dir, ok := strings.CutSuffix(name, "/"); ok {
			e = tree.Entry{Path: dir, Type: tree.Dir, Mode: 0o755, ModTime: 4}
		}
		if err := out.Insert(e); err != nil {
			t.Fatal(err)
		}
	}
	return out, c
}

func TestRoot(t *testing.T) {
	in, c := files(t, "boot/", "boot/vmlinuz-1=k", "usr/", "usr/lib/", "usr/lib/os-release=ID=debian\nIMAGE_ID=other", "usr/share/", "var/", "var/lib/", "var/lib/a=seed")
	twin, _ := in.Lookup("var/lib/a")
	twin.Path, twin.Hard, twin.Link = "var/lib/b", true, "var/lib/a"
	if err := in.Insert(twin); err != nil {
		t.Fatal(err)
	}
	out, contents, err := system.Root(in, c, parse(t, "  kernel: {why: x}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := "boot dev efi proc run sys tmp usr usr/lib usr/lib/os-release usr/share usr/share/factory usr/share/factory/var usr/share/factory/var/lib usr/share/factory/var/lib/a usr/share/factory/var/lib/b var var/tmp"
	if diff := cmp.Diff(want, strings.TrimPrefix(strings.Join(out.Paths(), " "), ". ")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	e, _ := out.Lookup("usr/lib/os-release")
	f, err := contents.OpenContent(e.Content)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("ID=debian\nIMAGE_ID=web\nIMAGE_VERSION=2\n", string(text)); diff != "" {
		t.Errorf("os-release (-want +got):\n%s", diff)
	}
	if names := out.Names("usr/share/factory/var/lib/b"); len(names) != 2 {
		t.Errorf("the hard link has the names %q", names)
	}
}

func TestCheck(t *testing.T) {
	sound := []string{"boot/", "boot/vmlinuz-1=k", "etc/", "etc/x=", "usr/", "usr/bin/", "usr/bin/kmod=", "usr/lib/", "usr/lib/modules/", "usr/lib/modules/1/", "usr/lib/modules/1/usb-storage.ko.xz=", "usr/lib/modules/1/rds.ko=",
		"usr/lib/modules/1/modules.builtin=kernel/fs/ext4/ext4.ko\n", "usr/lib/systemd/", "usr/lib/systemd/systemd=", "usr/lib/systemd/systemd-udevd="}
	without := func(path string) []string {
		var list []string
		for _, p := range sound {
			if name, _, _ := strings.Cut(p, "="); name != path {
				list = append(list, p)
			}
		}
		return list
	}
	for _, row := range []struct {
		summary, section string
		files            []string
		want             string
	}{
		{"sound", "  modules: {deny: [{module: usb_storage, why: x}], initrd: [{module: ext4, why: x}, {module: rds, why: x}]}\n  mutable: [{path: /etc/x, class: volatile, why: x}]\n", sound, ""},
		{"no kernel", "", without("boot/vmlinuz-1"), "kiln.yaml:7:11: error: the image has no kernel"},
		{"two kernels", "", append(without(""), "boot/vmlinuz-2=k", "usr/lib/modules/2/"), "kiln.yaml:7:11: error: the image has 2 kernels, 1 and 2, and boots one"},
		{"no systemd", "", without("usr/lib/systemd/systemd"), "an image that boots needs systemd"},
		{"unknown module", "  modules: {deny: [{module: usb_storag, why: x}]}\n", sound, "kiln.yaml:8:29: error: the kernel 1 has no module \"usb_storag\"\n" + `      modules: {deny: [{module: usb_storag, why: x}]}` + "\n                                ^~~~~~~~~~\n" + `did you mean "usb_storage"?`},
		{"built in", "  modules: {deny: [{module: ext4, why: x}]}\n", sound, `has "ext4" built in`},
		{"no seed", "  mutable: [{path: /etc/y, class: volatile, why: x}]\n", sound, "error: the image has no /etc/y to begin with"},
	} {
		tr, c := files(t, row.files...)
		err := system.Check(tr, c, parse(t, "  kernel: {why: x}\n"+row.section))
		got := ""
		if err != nil {
			got = err.Error() + "\n" + strings.Join(kiln.HintsOf(err), "\n")
		}
		if row.want == "" && err != nil || !strings.Contains(got, row.want) {
			t.Errorf("%s: %s\nwant %s", row.summary, got, row.want)
		}
	}
}

func TestMicrocode(t *testing.T) {
	in, c := files(t, "usr/", "usr/lib/", "usr/lib/firmware/", "usr/lib/firmware/amd-ucode/", "usr/lib/firmware/amd-ucode/a.bin=A", "usr/lib/firmware/amd-ucode/a.bin.asc=no", "usr/lib/firmware/amd-ucode/b.bin=B")
	out, made, err := system.Microcode(in, c)
	if err != nil {
		t.Fatal(err)
	}
	e, ok := out.Lookup("kernel/x86/microcode/AuthenticAMD.bin")
	f, err := made.OpenContent(e.Content)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	defer f.Close()
	if text, err := io.ReadAll(f); err != nil || string(text) != "AB" {
		t.Errorf("%q, %v", text, err)
	}
	if out, _, err := system.Microcode(tree.New(), c); out != nil || err != nil {
		t.Errorf("%v, %v where there is none", out, err)
	}
}
