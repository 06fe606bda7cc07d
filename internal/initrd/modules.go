package initrd

import (
	"fmt"
	"slices"

	"kiln"
	"kiln/internal/kmod"
)

// The profiles: what a system runs on.
const (
	Virt  = "virt"  // virtual machines: qemu, libvirt, VMware
	Cloud = "cloud" // these, and the clouds' own: Hyper-V, Xen
	Metal = "metal" // machines themselves
)

// Profiles lists them.
func Profiles() []string { return []string{Virt, Cloud, Metal} }

func must(why string, names ...string) []kmod.Want { return wants(false, why, names) }
func may(why string, names ...string) []kmod.Want  { return wants(true, why, names) }

func wants(optional bool, why string, names []string) []kmod.Want {
	var all []kmod.Want
	for _, n := range names {
		all = append(all, kmod.Want{Name: n, Why: why, Optional: optional})
	}
	return all
}

// rootModules are what the root is read by, on every machine.
func rootModules() []kmod.Want {
	return slices.Concat(
		must("the root's file system", "erofs"),
		must("the root is verified", "dm-mod", "dm-verity"),
		may("dm-verity's sums", "sha256_generic", "sha256-ssse3", "sha2-ce", "sha256-arm64", "libsha256"),
		may("checks of file systems", "crc32c_generic", "crc32c-intel", "crc32c"),
		may("file systems over the root, and in files", "overlay", "loop"),
		may("init reads what the firmware says of the boot", "efivarfs"),
		may("init takes credentials of the machine", "dmi-sysfs", "qemu_fw_cfg"),
		may("init looks for it", "autofs4"),
	)
}

// virtModules are the disks of virtual machines.
func virtModules() []kmod.Want {
	return slices.Concat(
		may("virtio devices", "virtio_pci", "virtio_mmio", "virtio_ring"),
		may("virtio disks", "virtio_blk", "virtio_scsi"),
		may("random numbers of the host", "virtio-rng"),
		may("the console hvc0", "virtio_console"),
		may("NVMe disks", "nvme"),
		may("SATA and IDE disks", "ahci", "ata_piix"),
		may("SCSI disks", "sd_mod"),
		may("disks of VMware", "vmw_pvscsi", "mptspi", "mptsas"),
	)
}

// cloudModules are the disks of clouds.
func cloudModules() []kmod.Want {
	return slices.Concat(
		may("disks of Hyper-V and Azure", "hv_vmbus", "hv_storvsc", "pci-hyperv"),
		may("disks of Xen", "xen-blkfront", "xen-scsifront"),
	)
}

// metalModules are the disks and the buses of machines themselves.
func metalModules() []kmod.Want {
	all := slices.Concat(
		may("SATA and IDE disks", "kernel/drivers/ata/"),
		may("SCSI and SAS disks and controllers", "kernel/drivers/scsi/", "kernel/drivers/message/fusion/"),
		may("NVMe disks", "kernel/drivers/nvme/host/", "vmd"),
		may("disks on USB", "uas", "usb-storage", "kernel/drivers/usb/host/"),
		may("cards and soldered memory", "kernel/drivers/mmc/", "kernel/drivers/ufs/"),
		may("virtual machines, too", "virtio_pci", "virtio_blk", "virtio_scsi", "virtio_mmio", "vmw_pvscsi"),
	)
	for i := range all {
		all[i].Except = notMetal()
	}
	return all
}

// notMetal are modules in those folders that no root is read by here: disks over a network,
// which is not up, disks that the machine offers to others, cards of old notebooks, and what
// is for tests.
func notMetal() []string {
	return []string{
		"libiscsi", "iscsi_boot_sysfs", "libcxgbi", "csiostor", "qed", "cnic", "libfcoe", "nvme_tcp", "rdma_cm", "ib_core",
		"target_core_mod", "pcmcia", "scsi_debug", "mptlan", "mptctl", "st", "ch", "sg", "ses", "sdio_uart",
	}
}

// profileModules lists what a profile wants.
func profileModules(profile string) ([]kmod.Want, error) {
	switch profile {
	case "", Virt:
		return slices.Concat(rootModules(), virtModules()), nil
	case Cloud:
		return slices.Concat(rootModules(), virtModules(), cloudModules()), nil
	case Metal:
		return slices.Concat(rootModules(), metalModules()), nil
	}
	return nil, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot make the initrd: there is no profile %q", profile), Hints: []string{"take virt, cloud or metal"}}
}

// early are loaded at once, without a device that asks for them.
func early() []string { return []string{"dm_mod", "dm_verity", "erofs"} }
