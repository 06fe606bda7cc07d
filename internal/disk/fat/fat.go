// Package fat writes a FAT32 file system with long names, as UEFI firmware reads the EFI system
// partition: Microsoft's FAT specification of 2000-12-06, with the long names of the same.
// The bytes are a function of the files, the size and the options: nothing is random, and no clock is read.
package fat

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"kiln"
)

// SectorSize is the size of a sector in bytes.
const SectorSize = 512

// MinSize is the least size of a file system in bytes: what has fewer clusters is FAT16 for
// every reader, whatever it says.
const MinSize = (reserved+2*minClusters/entriesPerSector+2)*SectorSize + minClusters*SectorSize

const (
	reserved         = 32 // sectors before the first FAT
	fats             = 2
	entriesPerSector = SectorSize / 4
	minClusters      = 65525
	maxClusters      = 0x0ffffff5
	rootCluster      = 2
	endOfChain       = 0x0fffffff
	dirEntrySize     = 32
	maxFile          = 1<<32 - 1 // bytes
)

// File is a file or a directory.
type File struct {
	Path    string // slash-separated, no leading slash: "EFI/BOOT/BOOTX64.EFI"
	Dir     bool
	Size    int64 // bytes
	ModTime kiln.Epoch
	Open    func() (io.ReadCloser, error) // of a file that is not empty; gives exactly Size bytes
}

// Options say what a file system is made with.
type Options struct {
	Size     int64  // of the file system, in bytes; a multiple of SectorSize
	Label    string // 11 characters of ASCII at most
	VolumeID uint32
	ModTime  kiln.Epoch // of the label, and of directories that are not among the files
}

// Write writes a file system that holds the files, whose directories it makes. Where
// less than all is written, it says why.
func Write(w io.Writer, o Options, files []File) error {
	if err := write(w, o, files); err != nil {
		return fmt.Errorf("cannot write the FAT file system: %w", err)
	}
	return nil
}

func write(w io.Writer, o Options, files []File) error {
	g, err := geometryOf(o.Size)
	if err != nil {
		return err
	}
	label, err := labelOf(o.Label)
	if err != nil {
		return err
	}
	root, err := treeOf(files, o.ModTime)
	if err != nil {
		return err
	}
	a := &allocation{g: g, next: rootCluster}
	if err := a.place(root, true); err != nil {
		return err
	}
	out := &writer{w: w}
	out.bytes(g.head(o, label, a))
	table := a.table()
	for range fats {
		out.bytes(table)
		out.zeros(int64(g.fatSectors)*SectorSize - int64(len(table)))
	}
	for _, n := range a.order {
		out.node(n, g, label, o.ModTime)
	}
	out.zeros(o.Size - out.n)
	return out.err
}

// geometry is where things are.
type geometry struct {
	sectors    uint32 // of the file system
	perCluster uint32 // sectors
	fatSectors uint32
	clusters   uint32
}

// geometryOf chooses the largest clusters, up to 4096 bytes, of which there are enough.
func geometryOf(size int64) (geometry, error) {
	if size%SectorSize != 0 || size < MinSize || size/SectorSize > 1<<32-1 {
		return geometry{}, fmt.Errorf("%d bytes are no size for it: want a multiple of %d, at least %d", size, SectorSize, int64(MinSize))
	}
	g := geometry{sectors: uint32(size / SectorSize)}
	for g.perCluster = 8; ; g.perCluster /= 2 {
		// Each cluster takes its sectors and its entries in both tables.
		left := int64(g.sectors) - reserved
		g.fatSectors = uint32((left + 2*int64(g.perCluster) + (entriesPerSector*int64(g.perCluster) + fats) - 1) / (entriesPerSector*int64(g.perCluster) + fats))
		g.clusters = uint32((left - fats*int64(g.fatSectors)) / int64(g.perCluster))
		if g.clusters >= minClusters && g.clusters <= maxClusters {
			return g, nil
		}
		if g.perCluster == 1 {
			return geometry{}, fmt.Errorf("%d bytes are no size for it: %d clusters", size, g.clusters)
		}
	}
}

func (g geometry) clusterSize() int64 { return int64(g.perCluster) * SectorSize }

// node is a file or directory of the tree.
type node struct {
	name    string
	short   [11]byte
	long    bool // the name needs entries of its own
	file    *File
	time    kiln.Epoch
	kids    []*node // of a directory, sorted
	up      *node   // nil of the root
	cluster uint32  // the first; 0 of an empty file
	size    int64   // of its clusters' content, in bytes
}

func (n *node) dir() bool { return n.file == nil || n.file.Dir }

// treeOf makes the tree of the files.
func treeOf(files []File, epoch kiln.Epoch) (*node, error) {
	root := &node{time: epoch}
	known := map[string]*node{"": root}
	sorted := slices.Clone(files)
	slices.SortStableFunc(sorted, func(x, y File) int { return cmp.Compare(x.Path, y.Path) })
	for i := range sorted {
		if err := root.add(known, &sorted[i], epoch); err != nil {
			return nil, err
		}
	}
	for _, n := range known {
		if n.dir() {
			slices.SortFunc(n.kids, func(x, y *node) int { return cmp.Compare(fold(x.name), fold(y.name)) })
			n.shorten()
		}
	}
	return root, nil
}

func (root *node) add(known map[string]*node, f *File, epoch kiln.Epoch) error {
	if f.Size < 0 || f.Size > maxFile {
		return fmt.Errorf("%q has %d bytes: more than it can hold", f.Path, f.Size)
	}
	at, path := root, ""
	parts := strings.Split(f.Path, "/")
	for i, name := range parts {
		if err := checkName(name); err != nil {
			return fmt.Errorf("%q: %w", f.Path, err)
		}
		path += "/" + fold(name)
		last := i == len(parts)-1
		n := known[path]
		switch {
		case n == nil:
			n = &node{name: name, up: at, time: epoch}
			known[path] = n
			at.kids = append(at.kids, n)
		case !n.dir() || last && (n.file != nil || !f.Dir):
			return fmt.Errorf("%q is there twice: FAT takes names that differ in case alone for one", f.Path)
		}
		if last {
			n.file, n.time = f, f.ModTime
		}
		at = n
	}
	return nil
}

// fold makes names equal that a reader takes for one.
func fold(name string) string { return strings.ToUpper(name) }

// allocation gives each node its clusters, one after the other.
type allocation struct {
	g     geometry
	next  uint32
	order []*node // that have clusters
}

// place places n and all below it, directories before what is in them.
func (a *allocation) place(n *node, root bool) error {
	n.size = n.bytes(root)
	count := (n.size + a.g.clusterSize() - 1) / a.g.clusterSize()
	if n.dir() {
		count = max(count, 1)
	}
	if count > int64(a.g.clusters)-int64(a.next-rootCluster) {
		return fmt.Errorf("no room for %q: the file system has %d clusters of %d bytes", n.name, a.g.clusters, a.g.clusterSize())
	}
	if count > 0 {
		n.cluster = a.next
		a.next += uint32(count)
		a.order = append(a.order, n)
	}
	for _, kid := range n.kids {
		if err := a.place(kid, false); err != nil {
			return err
		}
	}
	return nil
}

// bytes is what the content of n takes.
func (n *node) bytes(root bool) int64 {
	if !n.dir() {
		return n.file.Size
	}
	size := int64(2 * dirEntrySize) // "." and ".."
	if root {
		size = dirEntrySize // the label
	}
	for _, kid := range n.kids {
		size += int64(1+kid.longEntries()) * dirEntrySize
	}
	return size
}
