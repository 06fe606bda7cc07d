package disk

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"kiln"
	"kiln/internal/disk/erofs"
	"kiln/internal/disk/gpt"
	"kiln/internal/disk/verity"
	"kiln/internal/oci"
	"kiln/internal/store"
)

// erofsFormat is the version of the rules by which a tree becomes a file system, and its hash tree.
const erofsFormat = "erofs 1"

// Source is the tree that becomes a root file system.
type Source struct {
	Name        string      // of the image: what was written of that name last is where content that is compressed already is looked for
	Digest      kiln.Digest // of the tree; the UUID is derived from it
	Epoch       kiln.Epoch  // of the image
	Compression string      // zstd, lz4 or none; empty: zstd
	Root        oci.Root
}

// kind names the rules by which the tree becomes a file system.
func (s *Source) kind() string {
	if c := s.compression(); c != erofs.Zstd {
		return erofsFormat + " " + string(c)
	}
	return erofsFormat
}

func (s *Source) compression() erofs.Compression {
	return erofs.Compression(cmp.Or(s.Compression, string(erofs.Zstd)))
}

// WriteRoot writes the tree as an EROFS file system. Where the file is there already,
// untouched since kiln wrote it, or the store has it, it does not ask for the tree.
func WriteRoot(ctx context.Context, st *store.Store, s Source, file string, job *kiln.Job) error {
	return oci.WriteOnceAt(st, file, s.kind(), s.Digest, job, func(w io.WriterAt) error {
		made, err := makeRoot(ctx, st, s)
		if err != nil {
			return err
		}
		b, err := st.Verified(made.Image)
		if err != nil {
			return err
		}
		defer b.Close()
		_, err = io.CopyBuffer(onlyWriter{io.NewOffsetWriter(told{w, job}, 0)}, io.NewSectionReader(b, 0, b.Size()), make([]byte, 1<<20))
		return err
	})
}

// onlyWriter hides that what it writes to could read by itself.
type onlyWriter struct{ io.Writer }

// told tells a job of what is written.
type told struct {
	w   io.WriterAt
	job *kiln.Job
}

func (t told) WriteAt(b []byte, off int64) (int, error) {
	n, err := t.w.WriteAt(b, off)
	t.job.Add(int64(n))
	return n, err
}

// rootImage is a root file system, with all that is derived from it, in the store.
type rootImage struct {
	Image  kiln.Digest `json:"image"`  // EROFS
	Size   int64       `json:"size"`   // of it, in bytes
	Index  kiln.Digest `json:"index"`  // where in it the content of files lies
	Verity kiln.Digest `json:"verity"` // the hash device
	Root   string      `json:"root"`   // the root hash, in hexadecimal
}

func (r *rootImage) hash() (h [sha256.Size]byte, err error) {
	b, err := hex.DecodeString(r.Root)
	if err != nil || len(b) != len(h) {
		return h, fmt.Errorf("bug: %q is no root hash", r.Root)
	}
	return [sha256.Size]byte(b), nil
}

// makeRoot returns the file system of the tree, and asks for that only where the store does not have it.
func makeRoot(ctx context.Context, st *store.Store, s Source) (r rootImage, err error) {
	key := kiln.DigestOf([]byte("kiln root " + s.kind() + " " + string(s.Digest) + " " + strconv.FormatInt(int64(s.Epoch), 10)))
	if r, ok := knownRoot(st, key); ok {
		return r, nil
	}
	before := kiln.DigestOf([]byte("kiln root before " + s.kind() + " " + s.Name))
	err = st.Once(ctx, key, func() error {
		var ok bool
		if r, ok = knownRoot(st, key); ok {
			return nil
		}
		m := &rootMaker{st: st, s: s}
		if last, ok := st.Mark(before); ok {
			m.earlier = earlierRoot(st, kiln.Digest(last))
		}
		if r, err = m.make(ctx); err != nil {
			return err
		}
		value, err := json.Marshal(r)
		if err != nil {
			return err
		}
		if err := st.SetResult(key, value); err != nil {
			return err
		}
		return st.SetMark(before, []byte(key))
	})
	return r, err
}

// knownRoot returns what the store has under key.
func knownRoot(st *store.Store, key kiln.Digest) (r rootImage, ok bool) {
	value, ok := st.Result(key)
	if !ok || json.Unmarshal(value, &r) != nil {
		return r, false
	}
	return r, st.Has(r.Image) && st.Has(r.Verity)
}

// earlierRoot returns the file system that was made under key; nil where it is not there any more, which costs time and nothing else.
func earlierRoot(st *store.Store, key kiln.Digest) *erofs.Earlier {
	r, ok := knownRoot(st, key)
	if !ok {
		return nil
	}
	index, err := st.ReadAll(r.Index)
	if err != nil {
		return nil
	}
	files, err := parseIndex(index)
	if err != nil {
		return nil
	}
	b, err := st.Verified(r.Image)
	if err != nil {
		return nil
	}
	return &erofs.Earlier{Image: b, Files: files}
}

// rootMaker makes a rootImage.
type rootMaker struct {
	st      *store.Store
	s       Source
	earlier *erofs.Earlier
	index   map[kiln.Digest]erofs.Place
}

func (m *rootMaker) make(ctx context.Context) (r rootImage, err error) {
	if m.earlier != nil {
		defer m.earlier.Image.(io.Closer).Close()
	}
	t, c, err := m.s.Root(ctx)
	if err != nil {
		return r, err
	}
	dir, remove, err := m.st.TempFolder()
	if err != nil {
		return r, err
	}
	defer remove()
	f, err := os.Create(filepath.Join(dir, "root"))
	if err != nil {
		return r, err
	}
	defer f.Close()
	m.index = map[kiln.Digest]erofs.Place{}
	r.Size, err = erofs.Write(ctx, f, t, c, erofs.Options{
		UUID: gpt.Derive("root", string(m.s.Digest)), Label: "root", Epoch: m.s.Epoch, Compression: m.s.compression(),
		Earlier: m.earlier, Written: func(content kiln.Digest, p erofs.Place) { m.index[content] = p },
	})
	if err != nil {
		return r, err
	}
	return r, m.keep(f, &r)
}

// keep puts the file system f, and what is derived from it, into the store.
func (m *rootMaker) keep(f *os.File, r *rootImage) error {
	salt := sha256.Sum256([]byte("kiln verity salt " + string(m.s.Digest)))
	hashes, err := verity.New(f, r.Size, verity.Options{Salt: salt[:], UUID: gpt.Derive("verity", string(m.s.Digest))})
	if err != nil {
		return err
	}
	r.Root = hex.EncodeToString(hashes.Root[:])
	var device bytes.Buffer
	if _, err := hashes.WriteTo(&device); err != nil {
		return err
	}
	if r.Verity, _, err = m.st.PutBytes(device.Bytes()); err != nil {
		return err
	}
	if r.Index, _, err = m.st.PutBytes(appendIndex(nil, m.index)); err != nil {
		return err
	}
	r.Image, _, err = m.st.Put(io.NewSectionReader(f, 0, r.Size), "")
	return err
}

// appendIndex writes where contents lie: of each, sorted, its digest, the first block, how many clusters, and their sizes.
func appendIndex(b []byte, files map[kiln.Digest]erofs.Place) []byte {
	type entry struct {
		sum []byte
		p   erofs.Place
	}
	all := make([]entry, 0, len(files))
	for d, p := range files {
		sum, err := hex.DecodeString(d.Hex())
		if err == nil && len(sum) == sha256.Size {
			all = append(all, entry{sum, p})
		}
	}
	slices.SortFunc(all, func(x, y entry) int { return cmp.Or(bytes.Compare(x.sum, y.sum)) })
	for _, e := range all {
		b = append(b, e.sum...)
		b = binary.LittleEndian.AppendUint32(b, e.p.First)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(e.p.Blocks)))
		b = append(b, e.p.Blocks...)
	}
	return b
}

func parseIndex(b []byte) (map[kiln.Digest]erofs.Place, error) {
	files := map[kiln.Digest]erofs.Place{}
	for len(b) > 0 {
		if len(b) < sha256.Size+8 {
			return nil, io.ErrUnexpectedEOF
		}
		d := kiln.DigestOfSum([sha256.Size]byte(b[:sha256.Size]))
		p := erofs.Place{First: binary.LittleEndian.Uint32(b[sha256.Size:])}
		n := int64(binary.LittleEndian.Uint32(b[sha256.Size+4:]))
		if b = b[sha256.Size+8:]; n > int64(len(b)) {
			return nil, io.ErrUnexpectedEOF
		}
		p.Blocks, b = b[:n:n], b[n:]
		files[d] = p
	}
	return files, nil
}
