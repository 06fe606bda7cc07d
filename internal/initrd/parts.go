package initrd

// part is a path that the initrd takes out of the source tree. A folder is taken with all
// that is in it.
type part struct {
	path     string
	from     string // Debian's package that has it, for who lacks it
	why      string
	optional bool // the initrd works without it
}

// parts lists what is taken by name. What these need is not in it: the programs that
// units start, libraries, modules, firmware; nor units (units.go).
func parts() []part {
	return []part{
		{path: "usr/lib/systemd/systemd", from: "systemd", why: "init"},
		{path: "usr/lib/systemd/systemd-executor", from: "systemd", why: "init starts programs by it"},
		{path: "usr/lib/systemd/systemd-shutdown", from: "systemd", why: "what init becomes to restart the machine"},
		{path: "usr/lib/systemd/system-generators/systemd-fstab-generator", from: "systemd", why: "makes sysroot.mount of the kernel's command line"},
		{path: "usr/lib/systemd/system-generators/systemd-veritysetup-generator", from: "systemd-cryptsetup", why: "finds the root's partitions by roothash="},
		{path: "usr/lib/systemd/systemd-veritysetup", from: "systemd-cryptsetup", why: "what that generator's unit starts: it opens the root"},
		{path: "usr/bin/mount", from: "mount", why: "init mounts by it"},
		{path: "usr/bin/umount", from: "mount", why: "init unmounts by it"},
		{path: "usr/sbin/modprobe", from: "kmod", why: "the kernel asks it for modules"},

		{path: "usr/lib/udev/rules.d/50-udev-default.rules", from: "udev", why: "modes and groups of devices"},
		{path: "usr/lib/udev/rules.d/60-block.rules", from: "udev", why: "watches disks for changes"},
		{path: "usr/lib/udev/rules.d/60-persistent-storage.rules", from: "udev", why: "/dev/disk/by-partuuid, by which the root is found"},
		{path: "usr/lib/udev/rules.d/80-drivers.rules", from: "udev", why: "loads the modules of devices"},
		{path: "usr/lib/udev/rules.d/99-systemd.rules", from: "udev", why: "makes device units, which the root waits for"},
		{path: "usr/lib/udev/ata_id", from: "udev", why: "60-persistent-storage.rules asks it for serial numbers"},
		{path: "usr/lib/udev/scsi_id", from: "udev", why: "60-persistent-storage.rules asks it for serial numbers"},
		{path: "usr/lib/udev/rules.d/55-dm.rules", from: "dmsetup", why: "names of mapped devices: veritysetup waits until they are done"},
		{path: "usr/lib/udev/rules.d/60-persistent-storage-dm.rules", from: "dmsetup", why: "what is on mapped devices"},
		{path: "usr/lib/udev/rules.d/95-dm-notify.rules", from: "dmsetup", why: "tells veritysetup that udev is done"},
		{path: "usr/sbin/dmsetup", from: "dmsetup", why: "what these rules ask"},

		{path: "usr/lib/modprobe.d", why: "options of modules", optional: true},
		{path: "etc/modprobe.d", why: "options of modules", optional: true},
		{path: "bin", from: "base-files", why: "merged /usr"},
		{path: "sbin", from: "base-files", why: "merged /usr: the kernel knows modprobe as /sbin/modprobe"},
		{path: "lib", from: "base-files", why: "merged /usr"},
		{path: "lib64", why: "merged /usr, where the machine has it", optional: true},
	}
}

// folders are those that are there, empty: for what is mounted on them.
func folders() []part {
	return []part{
		{path: "dev", why: "devices"}, {path: "proc", why: "the kernel's"}, {path: "sys", why: "the kernel's"},
		{path: "run", why: "state of the running system, which the root takes over"},
		{path: "tmp", why: "temporary files"}, {path: "var/tmp", why: "temporary files"},
		{path: "sysroot", why: "the root is mounted here"}, {path: "root", why: "home of root"},
	}
}

// features are what programs load when they come to need it, by the name that their
// notes (.note.dlopen) give it.
func features() map[string]string {
	return map[string]string{
		"kmod": "udev and init load modules by it",
		"xz":   "kmod reads compressed modules by it",
		"zstd": "kmod reads compressed modules by it, the journal compresses by it",
	}
}
