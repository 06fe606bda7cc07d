package disk

import (
	"fmt"

	"kiln"
	"kiln/internal/disk/fat"
	"kiln/internal/disk/gpt"
	"kiln/internal/disk/verity"
)

// Layout says how large the partitions of a disk are. Zero of a size is a default.
type Layout struct {
	ESP    int64 // bytes; default 256 MiB
	Root   int64 // bytes of each root partition; default twice what the root takes now, at least 256 MiB, a multiple of 64 MiB
	Verity int64 // bytes of each verity partition; default what a full root partition needs
	Free   int64 // bytes behind the last partition, where systemd-repart makes the state partition; default 1 GiB; negative: none
	Single bool  // one slot only, so that the system cannot be updated in place
}

const (
	mib         = 1 << 20
	defaultESP  = 256 * mib
	rootStep    = 64 * mib
	leastRoot   = 256 * mib
	defaultFree = 1 << 30
)

func roundUp(n, to int64) int64 { return (n + to - 1) / to * to }

// settle fills in defaults, for a root file system that takes so many bytes.
func (l Layout) settle(root int64) Layout {
	if l.ESP == 0 {
		l.ESP = defaultESP
	}
	if l.Root == 0 {
		l.Root = max(leastRoot, roundUp(2*root, rootStep))
	}
	if l.Verity == 0 {
		l.Verity = roundUp(verity.SizeOf(l.Root), mib)
	}
	switch {
	case l.Free == 0:
		l.Free = defaultFree
	case l.Free < 0:
		l.Free = 0
	}
	return l
}

// checkLayout checks the sizes that are given, before anything is made.
func (s *System) checkLayout() error {
	for _, size := range []struct {
		name string
		n    int64
	}{{"esp", s.Layout.ESP}, {"root", s.Layout.Root}, {"verity", s.Layout.Verity}, {"free", max(0, s.Layout.Free)}} {
		if size.n < 0 || size.n%mib != 0 {
			return s.layoutError("write a whole number of MiB: 512M", "%s: %d bytes are no size of a partition", size.name, size.n)
		}
	}
	if s.Layout.ESP != 0 && s.Layout.ESP < fat.MinSize {
		return s.layoutError(fmt.Sprintf("write into the recipe: system: {disk: {esp: %dM}}, or leave the size out", defaultESP/mib), "an EFI system partition of %s is too small for FAT32", inMiB(s.Layout.ESP))
	}
	return nil
}

func (s *System) layoutError(hint, format string, args ...any) error {
	return &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot make a disk of %q: ", s.Name) + fmt.Sprintf(format, args...), Hints: []string{hint}}
}

// inMiB shows a size, rounded up.
func inMiB(n int64) string { return fmt.Sprintf("%d MiB", (n+mib-1)/mib) }

// slot is where one version lies: numbers of partitions; signature is -1 where there is none.
type slot struct{ root, verity, signature int }

// plan is the partition table of a disk.
type plan struct {
	table gpt.Table
	slots []slot
}

// esp is the number of the EFI system partition.
const esp = 0

const typeESP = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"

// emptyLabel is how systemd-sysupdate knows a slot that it may fill.
const emptyLabel = "_empty"

// plan lays out the disk for a root of so many bytes with its root hash.
func (s *System) plan(root int64, hash [32]byte) (*plan, error) {
	l := s.Layout.settle(root)
	if err := s.fits(l, root); err != nil {
		return nil, err
	}
	id, m := string(s.id), machines[s.Platform.Architecture]
	p := &plan{table: gpt.Table{Disk: gpt.Derive("disk", id)}}
	end := int64(gpt.Alignment)
	add := func(kind string, guid gpt.GUID, name string, size int64, attributes uint64) int {
		p.table.Partitions = append(p.table.Partitions, gpt.Partition{Type: gpt.MustGUID(kind), GUID: guid, Name: name, Start: end, Size: size, Attributes: attributes})
		end = roundUp(end+size, gpt.Alignment)
		return len(p.table.Partitions) - 1
	}
	add(typeESP, gpt.Derive("esp", id), "esp", l.ESP, 0)
	names := []string{"a", "b"}
	if l.Single {
		names = names[:1]
	}
	for i, name := range names {
		of := func(role string, filled gpt.GUID) (gpt.GUID, string, uint64) {
			if i == 0 {
				return filled, s.label(role), gpt.ReadOnly
			}
			return gpt.Derive("empty"+role, name, id), emptyLabel, gpt.ReadOnly | gpt.NoAuto
		}
		filled := slot{signature: -1}
		guid, label, flags := of("", gpt.GUID(hash[:16]))
		filled.root = add(m.root, guid, label, l.Root, flags)
		guid, label, flags = of("_verity", gpt.GUID(hash[16:]))
		filled.verity = add(m.verity, guid, label, l.Verity, flags)
		if s.Signer != nil {
			guid, label, flags = of("_sig", gpt.Derive("signature", string(hash[:])))
			filled.signature = add(m.signature, guid, label, verity.SignatureSize, flags)
		}
		p.slots = append(p.slots, filled)
	}
	p.table.Size = roundUp(end+l.Free+gpt.TailSize, mib)
	return p, nil
}

// fits says whether root and hash tree have room in their partitions.
func (s *System) fits(l Layout, root int64) error {
	if root > l.Root {
		return s.layoutError(fmt.Sprintf("write into the recipe, with room for later versions: system: {disk: {root: %dM}}", roundUp(2*root, rootStep)/mib), "its root file system takes %s (%d bytes), and a root partition has %s", inMiB(root), root, inMiB(l.Root))
	}
	if need := verity.SizeOf(root); need > l.Verity {
		return s.layoutError(fmt.Sprintf("give the verity partition at least %s, or leave its size out", inMiB(need)), "its hash tree takes %s (%d bytes), and a verity partition has %s", inMiB(need), need, inMiB(l.Verity))
	}
	return nil
}
