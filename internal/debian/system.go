package debian

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/bake"
	"kiln/internal/deb"
	"kiln/internal/disk"
	"kiln/internal/lock"
	"kiln/internal/recipe"
	"kiln/internal/resolve"
	"kiln/internal/rootfs"
	"kiln/internal/system"
	"kiln/internal/tree"
)

// What boots is made by kiln: the kernel comes without a program that makes initrds.
var initrdMakers = []string{"initramfs-tools", "linux-initramfs-tool", "dracut", "tiny-initramfs"}

// byBoot is what RequiredBy has for packages that only what boots is made of: they are in the
// lock, and not in the image.
const byBoot = "boot"

// extended is the recipe with what its system section brings on one platform.
func extended(r *recipe.Recipe, p kiln.Platform) *recipe.Recipe {
	if !r.Boots() {
		return r
	}
	s := &r.System
	name := s.Kernel.KernelPackage(p)
	if name == "" {
		name = defaultKernel(s.Profile, p)
	}
	packages := []recipe.Package{{Name: name, Why: s.Kernel.Why, Place: "system.kernel"}}
	packages = append(packages, blessing())
	if s.Disk.Update != nil {
		const place = "system.disk.update"
		packages = append(packages,
			recipe.Package{Name: "systemd-container", Why: "takes updates: systemd-sysupdate and systemd-pull", Place: place, Drop: []string{disk.Keyring}},
			recipe.Package{Name: "gpg", Why: "checks who signed an update", Place: place})
	}
	if s.Disk.State != nil {
		const place = "system.disk.state"
		packages = append(packages,
			recipe.Package{Name: "systemd-repart", Why: "makes the state partition at the first boot", Place: place},
			recipe.Package{Name: "e2fsprogs", Why: "makes and checks the state's file system", Place: place})
		if s.Disk.State.Encrypt == recipe.EncryptTPM2 {
			packages = append(packages,
				recipe.Package{Name: "systemd-cryptsetup", Why: "unlocks the state", Place: place + ".encrypt"},
				recipe.Package{Name: "libtss2-esys-3.0.2-0t64", Why: "speaks to the TPM", Place: place + ".encrypt"},
				recipe.Package{Name: "libtss2-rc0t64", Why: "speaks to the TPM", Place: place + ".encrypt"},
				recipe.Package{Name: "libtss2-tcti-device0t64", Why: "speaks to the TPM", Place: place + ".encrypt"})
		}
	}
	return system.Extend(r, packages)
}

// blessing is the package that marks a version as good. Of the rest of it nothing is wanted: it installs and updates a loader on
// running systems, by programs that are not there.
func blessing() recipe.Package {
	return recipe.Package{
		Name: "systemd-boot", Why: "marks a version that came up as good, so that the loader stays with it", Place: "system.kernel",
		Keep: []string{"/usr/lib/systemd/systemd-bless-boot", "/usr/lib/systemd/system-generators/systemd-bless-boot-generator", "/usr/lib/systemd/system/systemd-bless-boot.service", "/usr/share/doc/systemd-boot/copyright"},
		Without: map[string]string{
			"systemd-boot-efi":   "the loader is on the disk's EFI system partition, and put there with the disk",
			"systemd-boot-tools": "nothing installs a loader on a running system",
		},
	}
}

// defaultKernel is the kernel of a profile.
func defaultKernel(profile string, p kiln.Platform) string {
	arch, err := deb.Architecture(p)
	switch {
	case err != nil:
		return "linux-image-" + p.Architecture // the resolver says that there is none
	case arch == "armhf":
		return "linux-image-armmp"
	case profile != recipe.Metal && (arch == "amd64" || arch == "arm64"):
		return "linux-image-cloud-" + arch
	}
	return "linux-image-" + arch
}

// bootWants are the packages that only what boots is made of.
func bootWants(r *recipe.Recipe, p kiln.Platform) []resolve.Want {
	if !r.Boots() {
		return nil
	}
	names := []string{"systemd-boot-efi", "systemd-cryptsetup"}
	nonFree := slices.ContainsFunc(r.Sources, func(s recipe.Source) bool { return slices.Contains(s.Components, "non-free-firmware") })
	if r.System.Profile == recipe.Metal && p.Architecture == "amd64" && nonFree {
		names = append(names, "intel-microcode", "amd64-microcode")
	}
	var wants []resolve.Want
	for _, name := range names {
		wants = append(wants, resolve.Want{Name: name, Place: "what boots (system.kernel)", Reason: byBoot})
	}
	return wants
}

// withoutInitrdMakers lists what no dependency on is followed, but for what the recipe
// itself wants.
func withoutInitrdMakers(r *recipe.Recipe) []string {
	if !r.Boots() {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(initrdMakers), func(name string) bool {
		return slices.ContainsFunc(r.Layers, func(l recipe.Layer) bool {
			return slices.ContainsFunc(l.Packages, func(p recipe.Package) bool { return p.Name == name })
		})
	})
}

// split tells the packages of the image from those that only what boots is made of:
// the image's are those that the recipe or Essential lead to.
func split(l *lock.Platform, arch string) (image, boot []lock.Package) {
	name := func(p lock.Package) string {
		if p.Architecture != arch && p.Architecture != "all" {
			return p.Name + ":" + p.Architecture
		}
		return p.Name
	}
	in := map[string]bool{}
	for grown := true; grown; {
		grown = false
		for _, p := range l.Packages {
			reached := func(by string) bool { return by == resolve.ByRecipe || by == resolve.ByEssential || in[by] }
			if !in[name(p)] && slices.ContainsFunc(p.RequiredBy, reached) {
				in[name(p)], grown = true, true
			}
		}
	}
	for _, p := range l.Packages {
		if in[name(p)] {
			image = append(image, p)
		} else {
			boot = append(boot, p)
		}
	}
	return image, boot
}

// Boot implements bake.Family.
func (f *Family) Boot(ctx context.Context, l *lock.Lock, p kiln.Platform, root *bake.Root) (*tree.Tree, tree.Contents, error) {
	arch, err := deb.Architecture(p)
	if err != nil {
		return nil, nil, err
	}
	_, boot := split(l.Platforms[p], arch)
	packages, err := unpacked(boot)
	if err != nil {
		return nil, nil, err
	}
	t, c, err := rootfs.Overlay(ctx, f.Store, packages, p, root.Tree, f.Sink)
	if err != nil {
		return nil, nil, err
	}
	return t, tree.Both(root.Contents, c), nil
}

// unpacked are locked packages as rootfs has them. What only what boots needs is
// required by nothing in the image.
func unpacked(list []lock.Package) ([]rootfs.Package, error) {
	var packages []rootfs.Package
	for _, pkg := range list {
		d, err := kiln.DigestFromHex(pkg.SHA256)
		if err != nil {
			return nil, fmt.Errorf("bug: the lock was read with a bad digest: %v", err)
		}
		packages = append(packages, rootfs.Package{
			ID:         kiln.PackageID{Name: pkg.Name, Version: pkg.Version, Architecture: pkg.Architecture},
			Deb:        d,
			RequiredBy: slices.DeleteFunc(slices.Clone(pkg.RequiredBy), func(by string) bool { return by == byBoot }),
		})
	}
	return packages, nil
}

// checkKernels refuses an image with several kernels: what boots has one.
func checkKernels(r *recipe.Recipe, l *lock.Platform, arch string) error {
	image, _ := split(l, arch)
	names := kernels(image)
	if !r.Boots() || len(names) < 2 {
		return nil
	}
	e := &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot lock the image: it has %d kernels, %s, and boots one", len(names), strings.Join(names, " and "))}
	for _, p := range image {
		if slices.Contains(names, p.Name) && !slices.Contains(p.RequiredBy, resolve.ByRecipe) {
			e.Hints = append(e.Hints, fmt.Sprintf("%s is there for %s", p.Name, strings.Join(p.RequiredBy, ", ")))
		}
	}
	e.Hints = append(e.Hints, "name one of them in system: {kernel: {package: ...}}, and take what brings the others out of the recipe's layers")
	return e
}

// kernels lists the kernels among packages: of Debian's names, those of one version.
func kernels(list []lock.Package) []string {
	var names []string
	for _, p := range list {
		if rest, ok := strings.CutPrefix(p.Name, "linux-image-"); ok && rest[0] >= '0' && rest[0] <= '9' {
			names = append(names, p.Name)
		}
	}
	return names
}
