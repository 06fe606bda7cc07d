package rootfs

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io"

	"kiln"
	"kiln/internal/linkage"
	"kiln/internal/store"
	"kiln/internal/tree"
)

// inspect notes what the package's programs and libraries say of themselves: once,
// here, so that neither ldconfig nor who asks what a file needs reads it again. The
// content was written a moment ago; nothing is taken of a file that does not have
// its digest.
func (ix *index) inspect(st *store.Store) error {
	blob, err := st.OpenAt(ix.Content)
	if err != nil {
		return err
	}
	defer blob.Close()
	known := map[kiln.Digest]*linkage.File{}
	size := 0
	magic := make([]byte, len(elf.ELFMAG))
	for i := range ix.Entries {
		p := &ix.Entries[i]
		if p.Type != tree.File || p.Size < int64(len(magic)) {
			continue
		}
		if _, err := blob.ReadAt(magic, p.Offset); err != nil {
			return err
		}
		if !bytes.Equal(magic, []byte(elf.ELFMAG)) {
			continue
		}
		f, again := known[p.Content]
		if !again {
			if f, err = inspectFile(st, blob, ix.Content, p); err != nil {
				return err
			}
			known[p.Content] = f
			if f != nil {
				size += f.Size()
			}
			if size > maxNames {
				return refused("what the programs and libraries of the data archive name takes more than %d MiB", maxNames>>20)
			}
		}
		p.Linkage = f
	}
	return nil
}

// inspectFile looks into one ELF file of the blob; nil where it is damaged.
func inspectFile(st *store.Store, blob *store.Blob, name kiln.Digest, p *packed) (*linkage.File, error) {
	file := io.NewSectionReader(blob, p.Offset, p.Size)
	sum := kiln.NewDigester()
	if _, err := io.Copy(sum, file); err != nil {
		return nil, err
	}
	if got := sum.Digest(); got != p.Content {
		return nil, st.Damaged(name, fmt.Errorf("the piece %s has the digest %s", p.Content, got))
	}
	f, _, err := linkage.Read(file, p.Size)
	return f, err
}
