package machine

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A machine's command line has what its type says, and nothing of what was not asked for.
func TestArgs(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		summary  string
		typ      string
		arch     string
		o        Options
		p        parts
		want     []string // neighbours, joined by spaces
		unwanted []string
	}{
		{"virtio, emulated", "virtio", "amd64", Options{Memory: 512 << 20}, parts{accelerator: "tcg", console: 3, report: 4},
			[]string{"-machine q35,pflash0=code,pflash1=variables,smm=off", "-accel tcg,thread=single -cpu max", "-icount shift=1 -smp 1", "-m 512M", "-no-reboot",
				"-device virtio-blk-pci,drive=disk,serial=kiln,bootindex=1,addr=0x3", "-netdev user,id=network,restrict=on -device virtio-net-pci,netdev=network,romfile=,addr=0x4",
				"-chardev socket,id=console,fd=3 -serial chardev:console -chardev socket,id=report,fd=4 -serial chardev:report"},
			[]string{"kvm", "hostfwd", "stdio", "-kernel", "-snapshot"}},
		{"kvm", "virtio", "amd64", Options{}, parts{accelerator: "kvm"}, []string{"-accel kvm -cpu host", "-smp 2"}, []string{"tcg", "icount"}},
		{"NVMe", "nvme", "amd64", Options{}, parts{}, []string{"-device nvme,drive=disk,serial=kiln,bootindex=1,addr=0x3", "-device e1000e,netdev=network,romfile=,addr=0x4"}, []string{"virtio-blk", "virtio-net"}},
		{"SATA", "sata", "amd64", Options{}, parts{}, []string{"-machine pc,pflash0=code,pflash1=variables,smm=off", "-device ich9-ahci,id=ahci,addr=0x3 -device ide-hd,drive=disk,bus=ahci.0,serial=kiln,bootindex=1"}, []string{"virtio-blk"}},
		{"a UKI", "uki", "amd64", Options{}, parts{uki: "/a/system.efi"}, []string{"-kernel /a/system.efi", "-device scsi-hd,drive=disk,bus=scsi.0,serial=kiln"}, nil},
		{"Secure Boot", "virtio", "amd64", Options{SecureBoot: true}, parts{firmware: Firmware{SMM: true}},
			[]string{"-machine q35,pflash0=code,pflash1=variables,smm=on", "-global driver=cfi.pflash01,property=secure,value=on"}, nil},
		{"network and a port", "virtio", "amd64", Options{Network: true, Forward: []Forward{{2222, 22}}}, parts{}, []string{"-netdev user,id=network,hostfwd=tcp:127.0.0.1:2222-:22"}, []string{"restrict"}},
		{"a terminal", "virtio", "amd64", Options{Interactive: true, Reboot: true}, parts{}, []string{"-chardev stdio,id=console,mux=on,signal=off -serial chardev:console -mon chardev=console,mode=readline", "-accel tcg,thread=multi", "-smp 2"}, []string{"icount", "report", "-no-reboot"}},
		{"arm64, emulated", "virt", "arm64", Options{}, parts{accelerator: "tcg"}, []string{"-machine virt,pflash0=code,pflash1=variables", "-cpu cortex-a72", "-device virtio-serial-pci,addr=0x1 -device virtserialport,chardev=report,name=kiln.report"}, []string{"smm"}},
		{"a credential", "virtio", "amd64", Options{}, parts{strings: []string{"/a,b/c"}}, []string{"-smbios type=11,path=/a,,b/c"}, nil},
		{"no disk", "uki", "amd64", Options{}, parts{uki: "/u"}, []string{"-kernel /u"}, nil},
	} {
		t.Run(row.summary, func(t *testing.T) {
			typ, err := TypeOf(row.typ, row.arch)
			if err != nil {
				t.Fatal(err)
			}
			row.p.typ, row.p.disk, row.p.diskFormat = typ, "/d.qcow2", "qcow2"
			got := strings.Join(args(row.o, row.p), " ") + " "
			for _, w := range row.want {
				if !strings.Contains(got, w+" ") {
					t.Errorf("it has no %q:\n%s", w, got)
				}
			}
			for _, w := range row.unwanted {
				if strings.Contains(got, w) {
					t.Errorf("it has %q:\n%s", w, got)
				}
			}
		})
	}
}

func TestMachineOfAnImage(t *testing.T) {
	t.Parallel()
	id := uuidOf("/images/a.raw")
	if id != uuidOf("/images/../images/a.raw") || id == uuidOf("/images/b.raw") {
		t.Error("a machine's id does not go by its image")
	}
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(id) {
		t.Error(id)
	}
}

// No character of a path means anything to qemu.
func TestPathsAreTakenAsTheyAre(t *testing.T) {
	t.Parallel()
	const path = `/a,b "c"/json:{}/d%n\.raw`
	p := parts{typ: Types()[0], disk: path, diskFormat: "raw"}
	if got := args(Options{}, p); !slices.Contains(got, `{"driver":"raw","file":{"driver":"file","filename":"/a,b \"c\"/json:{}/d%n\\.raw"},"node-name":"disk","read-only":false}`) {
		t.Errorf("got %q", got)
	}
}

func TestTypeOf(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, arch, want, err string }{
		{"", "amd64", "virtio", ""},
		{"", "arm64", "virt", ""},
		{"nvme", "amd64", "nvme", ""},
		{"nvme", "arm64", "", `there is no machine "nvme" for arm64`},
		{"", "riscv64", "", "there is no machine for riscv64"},
	} {
		got, err := TypeOf(row.name, row.arch)
		if got.Name != row.want || (err == nil) != (row.err == "") || err != nil && !strings.Contains(err.Error(), row.err) {
			t.Errorf("TypeOf(%q, %q) = %q, %v; want %q, %q", row.name, row.arch, got.Name, err, row.want, row.err)
		}
	}
}
