package disk

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"kiln"
	"kiln/internal/disk/gce"
	"kiln/internal/disk/gpt"
	"kiln/internal/disk/qcow2"
	"kiln/internal/disk/sparse"
	"kiln/internal/disk/vhd"
	"kiln/internal/disk/vmdk"
	"kiln/internal/oci"
)

// Format is what a disk is written in.
type Format string

// The formats.
const (
	Raw   Format = "raw"   // as it is; a file with holes
	QCOW2 Format = "qcow2" // QEMU, OpenStack
	VHD   Format = "vhd"   // Azure
	VMDK  Format = "vmdk"  // vSphere
	GCE   Format = "gce"   // Google Compute Engine: disk.raw in a tar.gz
)

// Formats lists them in the order to show them.
func Formats() []Format { return []Format{Raw, QCOW2, VHD, VMDK, GCE} }

// Write writes the disk to a file, which appears whole or not at all. Where it is there already, untouched
// since kiln wrote it, nothing is done. job is told of the bytes.
func (d *Disk) Write(ctx context.Context, f Format, file string, job *kiln.Job) error {
	multiple := int64(mib)
	if f == GCE {
		multiple = gce.Alignment
	}
	return d.writeOnce("disk "+string(f), file, job, func(w io.WriterAt) (made, written error) {
		c, err := d.content(ctx, multiple)
		if err != nil {
			return err, nil
		}
		defer c.Close()
		return nil, d.write(ctx, f, w, c.Image)
	})
}

// writeOnce writes a file that holds a kind of output. That the disk cannot be made is no problem of the file's, and
// is told apart: made.
func (d *Disk) writeOnce(kind, file string, job *kiln.Job, write func(w io.WriterAt) (made, written error)) error {
	var made error
	err := oci.WriteOnceAt(d.st, file, kind, d.id, job, func(w io.WriterAt) (written error) {
		if made, written = write(told{w, job}); made != nil {
			return made
		}
		return written
	})
	if made != nil {
		return made
	}
	return err
}

// WriteUKI writes the unified kernel image alone to a file, as Write does.
func (d *Disk) WriteUKI(ctx context.Context, file string, job *kiln.Job) error {
	return d.writeOnce("disk uki", file, job, func(w io.WriterAt) (made, written error) {
		p, err := d.make(ctx)
		if err != nil {
			return err, nil
		}
		_, err = w.WriteAt(p.uki, 0)
		return nil, err
	})
}

func (d *Disk) write(ctx context.Context, f Format, w io.WriterAt, m *sparse.Image) error {
	id := gpt.Derive("disk "+string(f), string(d.s.id))
	stream := func(write func(io.Writer) error) error {
		b := bufio.NewWriterSize(io.NewOffsetWriter(w, 0), 1<<20)
		if err := write(b); err != nil {
			return err
		}
		return b.Flush()
	}
	switch f {
	case Raw:
		return sparse.WriteRaw(ctx, w, m)
	case QCOW2:
		return qcow2.Write(ctx, w, m)
	case VHD:
		return vhd.Write(ctx, w, m, vhd.Options{ID: id, Epoch: d.s.Epoch})
	case VMDK:
		return stream(func(w io.Writer) error {
			return vmdk.Write(ctx, w, m, vmdk.Options{CID: binary.BigEndian.Uint32(id[:])})
		})
	case GCE:
		return stream(func(w io.Writer) error { return gce.Write(ctx, w, m, d.s.Epoch) })
	}
	return fmt.Errorf("bug: unknown disk format %q", f)
}
