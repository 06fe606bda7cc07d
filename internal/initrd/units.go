package initrd

// unit is a unit of systemd that the initrd has.
type unit struct {
	name, from, why string
	optional        bool
}

// units lists them. A unit's program is taken along, and of what a unit wants that which
// is here.
func units() []unit {
	return []unit{
		{name: "initrd.target", why: "what init starts in an initrd"},
		{name: "initrd-root-device.target", why: "the root's device is there"},
		{name: "initrd-root-fs.target", why: "the root is mounted"},
		{name: "initrd-usr-fs.target", why: "/usr of the root is mounted"},
		{name: "initrd-fs.target", why: "all that the root's fstab wants before it starts is mounted"},
		{name: "initrd-parse-etc.service", why: "reads the root's fstab"},
		{name: "initrd-cleanup.service", why: "ends what runs in the initrd"},
		{name: "initrd-udevadm-cleanup-db.service", why: "the root's udev begins anew"},
		{name: "initrd-switch-root.target", why: "goes over to the root"},
		{name: "initrd-switch-root.service", why: "goes over to the root"},

		{name: "basic.target", why: "what initrd.target needs"},
		{name: "sysinit.target", why: "what basic.target needs"},
		{name: "sockets.target", why: "what basic.target needs"},
		{name: "slices.target", why: "what basic.target needs"},
		{name: "paths.target", why: "what basic.target needs"},
		{name: "timers.target", why: "what basic.target needs"},
		{name: "local-fs.target", why: "what sysinit.target orders by"},
		{name: "local-fs-pre.target", why: "what sysinit.target orders by"},
		{name: "swap.target", why: "what sysinit.target orders by"},

		{name: "veritysetup.target", why: "verified partitions are open"},
		{name: "veritysetup-pre.target", from: "systemd-cryptsetup", why: "what verified partitions wait for"},
		{name: "remote-veritysetup.target", from: "systemd-cryptsetup", why: "the root's device may be one", optional: true},
		{name: `system-systemd\x2dveritysetup.slice`, from: "systemd-cryptsetup", why: "what verified partitions run in", optional: true},

		{name: "systemd-journald.service", why: "the log from the first second, which the root takes over"},
		{name: "systemd-journald.socket", why: "of the journal"},
		{name: "systemd-journald-dev-log.socket", why: "of the journal"},
		{name: "systemd-udevd.service", from: "udev", why: "finds the disks"},
		{name: "systemd-udevd-control.socket", from: "udev", why: "of udev"},
		{name: "systemd-udevd-kernel.socket", from: "udev", why: "of udev"},
		{name: "systemd-udev-trigger.service", from: "udev", why: "devices that were there before udev"},
		{name: "systemd-modules-load.service", why: "loads what the root needs at once"},
		{name: "kmod-static-nodes.service", why: "device nodes whose modules are loaded when they are opened: /dev/mapper/control"},
		{name: "systemd-tmpfiles-setup-dev-early.service", why: "makes these nodes"},
		{name: "systemd-tmpfiles-setup-dev.service", why: "makes these nodes"},
		{name: "modprobe@.service", why: "other units ask for modules by it"},
		{name: "systemd-fsck-root.service", why: "sysroot.mount asks for it; there is no fsck for what is read-only"},
		{name: "systemd-fsck@.service", why: "sysroot.mount may ask for it"},

		{name: "shutdown.target", why: "to restart the machine"},
		{name: "umount.target", why: "to restart the machine"},
		{name: "final.target", why: "to restart the machine"},
		{name: "reboot.target", why: "to restart the machine"},
		{name: "systemd-reboot.service", why: "to restart the machine"},
		{name: "poweroff.target", why: "to switch the machine off"},
		{name: "systemd-poweroff.service", why: "to switch the machine off"},
		{name: "ctrl-alt-del.target", why: "to restart the machine, by who sits at it", optional: true},
		{name: "emergency.target", why: "what comes where the root cannot be reached"},
	}
}

// emergency stands in the place of systemd's shell for who knows root's password: there is
// none here. The machine restarts, so that the boot loader can count it as failed and
// take the version before.
const emergency = `[Unit]
Description=Restart, as the Root Cannot Be Reached
DefaultDependencies=no
Conflicts=shutdown.target
Before=shutdown.target

[Service]
Type=oneshot
StandardOutput=journal+console
StandardError=journal+console
ExecStart=systemctl --no-pager --lines=0 status sysroot.mount systemd-veritysetup@root.service
SuccessExitStatus=0 1 2 3 4
TimeoutStartSec=10s
ExecStopPost=systemctl --no-block --force reboot
`
