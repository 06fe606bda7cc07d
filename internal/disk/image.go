package disk

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"kiln"
	"kiln/internal/disk/fat"
	"kiln/internal/disk/gpt"
	"kiln/internal/disk/sparse"
)

// triesLeft is how often a version is started before the loader takes the other one. The counter is a part of the
// file's name (the UAPI group's boot loader specification, "boot counting").
const triesLeft = 3

// loaderConf is loader/loader.conf. There is no menu unless a key is held; nobody edits kernel arguments; and keys of Secure
// Boot are not enrolled by what lies on the disk.
const loaderConf = "timeout 0\nconsole-mode keep\neditor no\nsecure-boot-enroll off\n"

// content is a disk's, with what must be closed when it was read.
type content struct {
	*sparse.Image
	plan *plan
	open []io.Closer
}

func (c *content) Close() error {
	var errs []error
	for _, o := range c.open {
		errs = append(errs, o.Close())
	}
	return errors.Join(errs...)
}

// content puts the disk together. Its size is a multiple of so many bytes.
func (d *Disk) content(ctx context.Context, multiple int64) (c *content, err error) {
	p, err := d.make(ctx)
	if err != nil {
		return nil, err
	}
	c = &content{}
	defer func() {
		if err != nil {
			_ = c.Close() // the error that led here is the one to tell
		}
	}()
	if c.plan, err = d.s.plan(p.root.Size, p.hash); err != nil {
		return c, err
	}
	table := &c.plan.table
	table.Size = roundUp(table.Size, multiple)
	extents, err := d.esp(p, table.Partitions[esp])
	if err != nil {
		return c, err
	}
	head, err := table.Head()
	if err != nil {
		return c, err
	}
	tail, err := table.Tail()
	if err != nil {
		return c, err
	}
	extents = append(extents, inMemory(0, head), inMemory(table.Size-int64(len(tail)), tail))
	first := c.plan.slots[0]
	for _, part := range []struct {
		blob kiln.Digest
		at   int
	}{{p.root.Image, first.root}, {p.root.Verity, first.verity}} {
		b, err := d.st.Verified(part.blob)
		if err != nil {
			return c, err
		}
		c.open = append(c.open, b)
		extents = append(extents, sparse.Extent{Offset: table.Partitions[part.at].Start, Size: b.Size(), Data: b})
	}
	if first.signature >= 0 {
		extents = append(extents, inMemory(table.Partitions[first.signature].Start, p.signature))
	}
	c.Image, err = sparse.New(table.Size, extents...)
	return c, err
}

func inMemory(at int64, b []byte) sparse.Extent {
	return sparse.Extent{Offset: at, Size: int64(len(b)), Data: bytes.NewReader(b)}
}

// esp is the EFI system partition.
func (d *Disk) esp(p *parts, at gpt.Partition) ([]sparse.Extent, error) {
	if need := 2*int64(len(p.uki)) + 4*mib; need > at.Size {
		return nil, d.s.layoutError(fmt.Sprintf("write into the recipe: system: {disk: {esp: %dM}}", roundUp(need, rootStep)/mib),
			"two versions of its unified kernel image take %s, and the EFI system partition has %s", inMiB(need), inMiB(at.Size))
	}
	id := gpt.Derive("esp volume", string(d.s.id))
	var b sparse.Buffer
	err := fat.Write(&b, fat.Options{Size: at.Size, Label: "ESP", VolumeID: binary.BigEndian.Uint32(id[:]), ModTime: d.s.Epoch}, d.espFiles(p))
	return b.Extents(at.Start), err
}

// ukiName is the name of the unified kernel image, as systemd-sysupdate would give it.
func (s *System) ukiName() string { return fmt.Sprintf("%s+%d-0.efi", s.label(""), triesLeft) }

// espFiles are the files of the EFI system partition.
func (d *Disk) espFiles(p *parts) (files []fat.File) {
	m := machines[d.s.Platform.Architecture]
	add := func(path string, b []byte) {
		files = append(files, fat.File{Path: path, Size: int64(len(b)), ModTime: d.s.Epoch, Open: func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(b)), nil
		}})
	}
	add("EFI/BOOT/"+m.fallback, p.loader)
	add("EFI/systemd/systemd-boot"+m.suffix+".efi", p.loader)
	add("EFI/Linux/"+d.s.ukiName(), p.uki)
	add("loader/loader.conf", []byte(loaderConf))
	for i, a := range d.s.Addons {
		add("loader/addons/"+a.Name+".addon.efi", p.addons[i])
	}
	return files
}
