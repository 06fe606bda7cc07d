// Package initrd chooses, out of a system's tree, the small tree that the kernel unpacks
// and starts first: systemd, udev, what opens and checks a root on dm-verity, and the
// kernel modules of the machines it is for. It holds to systemd's own interface for that
// (https://systemd.io/INITRD_INTERFACE, bootup(7)): /etc/initrd-release is there,
// initrd.target is reached, and the root is found by roothash= on the kernel's command line
// (systemd-veritysetup-generator(8)). Each path has a reason; parts.go, units.go and
// modules.go list what is asked for by name.
//
// There is no shell in it, and nothing of the network. Where the root cannot be reached
// the machine restarts.
package initrd

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/kmod"
	"kiln/internal/tree"
)

// Options say what an initrd is for. The zero value of each but Platform is meaningful.
type Options struct {
	Platform kiln.Platform
	Profile  string   // one of Profiles; "" means Virt
	Kernel   string   // release; "" means the only one in the tree
	Deny     []string // modules that it does not have
	Modules  []string // modules that it has besides those of the profile
}

// Initrd is an initial file system. It is a function of the source tree and the options.
type Initrd struct {
	Tree     *tree.Tree // for internal/disk/cpio: no extended attributes, no hard links
	Contents tree.Contents
	Kernel   string            // release
	Why      map[string]string // reason of each path, as the tree has it
	Modules  []string          // names, sorted
	Firmware []string          // paths in the tree, sorted
	Missing  []string          // firmware that modules name and the source does not have, sorted
}

// Build makes an initrd out of a tree with the packages systemd, systemd-cryptsetup, udev,
// dmsetup, kmod, mount and a kernel. What is lacking there is a *kiln.Error. The source
// must not change meanwhile.
func Build(ctx context.Context, source *tree.Tree, c tree.Contents, o Options) (*Initrd, error) {
	release, err := kernelOf(source, o.Kernel)
	if err != nil {
		return nil, err
	}
	b := newBuilder(source, c, o)
	for _, step := range []func() error{
		b.takeParts, b.takeUnits, b.takeLibraries,
		func() error { return b.takeModules(ctx, release) },
		b.writeOwn,
	} {
		if err := step(); err != nil {
			return nil, err
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
	return b.done(release)
}

// kernelOf is the release that is meant.
func kernelOf(t *tree.Tree, wanted string) (string, error) {
	all := kmod.Releases(t)
	fail := func(text, hint string) (string, error) {
		return "", &kiln.Error{Code: kiln.User, Text: "cannot make the initrd: " + text, Hints: []string{hint}}
	}
	switch {
	case len(all) == 0:
		return fail("the tree has no kernel modules in /usr/lib/modules", "add a kernel to the recipe: system: {kernel: {package: linux-image-cloud-amd64, why: ...}}")
	case wanted == "" && len(all) > 1:
		return fail("the tree has more than one kernel: "+strings.Join(all, ", "), "leave one kernel in the recipe")
	case wanted == "":
		return all[0], nil
	case !slices.Contains(all, wanted):
		return fail(fmt.Sprintf("the tree has no modules of the kernel %s; it has %s", wanted, strings.Join(all, ", ")), "name one of these")
	}
	return wanted, nil
}
