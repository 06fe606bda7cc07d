package machine

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
)

// The sizes of qcow2 that overlays have, as of qemu's docs/interop/qcow2.txt.
const (
	clusterBits   = 16
	cluster       = 1 << clusterBits
	perTable      = cluster / 8                   // entries of a table of one cluster
	headerLength  = 104                           // of version 3
	backingFormat = 0xe2792aca                    // type of the header extension that names the format of the file below
	maxOverlay    = cluster * perTable * perTable // bytes: what a first table of one cluster reaches, 4 TiB
)

// writeOverlay writes an empty qcow2 file of size bytes whose content is that of the image below: what is written goes to it,
// and what lies behind the end of the image reads as zeros. The image below is named by a
// description, so that no character of its path means anything to qemu.
func writeOverlay(w io.WriterAt, below Image, size int64) error {
	if size <= 0 || size > maxOverlay {
		return fmt.Errorf("cannot make a disk of %d bytes: at most %d are possible", size, int64(maxOverlay))
	}
	name, err := json.Marshal(map[string]any{"driver": below.Format, "file": map[string]string{"driver": "file", "filename": below.Path}})
	if err != nil {
		return err
	}
	name = append([]byte("json:"), name...)
	if len(name) > 1023 {
		return fmt.Errorf("cannot put a layer over %q: its path is too long", below.Path)
	}
	// Clusters: 0 header, 1 table of reference counts, 2 their only block, 3 first-level table.
	h := make([]byte, 4*cluster)
	be := binary.BigEndian
	copy(h, "QFI\xfb")
	be.PutUint32(h[4:], 3)
	extensions := headerLength
	nameAt := extensions + 8 + (len(below.Format)+7)&^7 + 8
	be.PutUint64(h[8:], uint64(nameAt))
	be.PutUint32(h[16:], uint32(len(name)))
	be.PutUint32(h[20:], clusterBits)
	be.PutUint64(h[24:], uint64((size+sector-1)&^(sector-1)))
	be.PutUint32(h[36:], uint32((size+cluster*perTable-1)/(cluster*perTable)))
	be.PutUint64(h[40:], 3*cluster)
	be.PutUint64(h[48:], cluster)
	be.PutUint32(h[56:], 1)
	be.PutUint32(h[96:], 4) // a reference count has 1<<4 bits
	be.PutUint32(h[100:], headerLength)
	be.PutUint32(h[extensions:], backingFormat)
	be.PutUint32(h[extensions+4:], uint32(len(below.Format)))
	copy(h[extensions+8:], below.Format)
	copy(h[nameAt:], name)
	be.PutUint64(h[cluster:], 2*cluster)
	for i := range 4 {
		be.PutUint16(h[2*cluster+2*i:], 1)
	}
	_, err = w.WriteAt(h, 0)
	return err
}
