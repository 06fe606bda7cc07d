package oci

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"kiln"
)

// maxListed bounds index.json, a list of referrers, and manifests: what registries take, in bytes.
const maxListed = 4 << 20

// maxReferrer bounds a blob of a referrer, in bytes.
const maxReferrer = 256 << 20

// standing is a layout that stands in a folder, or in a tar: what can be read of it by name.
type standing interface {
	// open opens a file by its name inside; errors.Is(err, fs.ErrNotExist) where there is none.
	open(name string) (io.ReadCloser, error)
	io.Closer
}

// openStanding opens the layout at place.
func openStanding(place string) (standing, error) {
	info, err := os.Stat(place)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		root, err := os.OpenRoot(place)
		return folderStanding{root}, err
	case info.Mode().IsRegular():
		return openTarStanding(place)
	}
	return nil, fmt.Errorf("it is neither a folder nor a file")
}

type folderStanding struct{ *os.Root }

func (s folderStanding) open(name string) (io.ReadCloser, error) {
	// Only what is a file: a pipe would be waited for.
	if info, err := s.Stat(name); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%q is not a regular file", name)
	}
	return s.Open(name)
}

// tarStanding is a tar whose files are found by their offset.
type tarStanding struct {
	file  *os.File
	files map[string]section
}

type section struct{ at, size int64 }

func openTarStanding(file string) (_ standing, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
		}
	}()
	s := tarStanding{file: f, files: map[string]section{}}
	tr := tar.NewReader(f)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return s, nil
		}
		if err != nil {
			return nil, fmt.Errorf("it is no tar: %w", err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		at, err := f.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		s.files[path.Clean("/" + h.Name)[1:]] = section{at, h.Size}
	}
}

func (s tarStanding) open(name string) (io.ReadCloser, error) {
	at, ok := s.files[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return io.NopCloser(io.NewSectionReader(s.file, at.at, at.size)), nil
}

func (s tarStanding) Close() error { return s.file.Close() }

// readStanding reads a file of a layout, of limit bytes at most.
func readStanding(s standing, name string, limit int64) ([]byte, error) {
	r, err := s.open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%q has more than %d bytes", name, limit)
	}
	return b, err
}

// readBlob reads a blob of a layout, verified.
func readBlob(s standing, d kiln.Digest, limit int64) ([]byte, error) {
	b, err := readStanding(s, blobName(d), limit)
	if err != nil {
		return nil, err
	}
	if got := kiln.DigestOf(b); got != d {
		return nil, refusedf("%q is damaged: its digest is %s, not %s", blobName(d), got, d)
	}
	return b, nil
}

// readTop reads index.json.
func readTop(s standing) (index, []byte, error) {
	text, err := readStanding(s, indexFile, maxListed)
	if err != nil {
		return index{}, nil, err
	}
	var ix index
	if err := json.Unmarshal(text, &ix); err != nil {
		return index{}, nil, refusedf("%s is no JSON: %v", indexFile, err)
	}
	for _, d := range ix.Manifests {
		if err := d.check(); err != nil {
			return index{}, nil, refusedf("%s names %v", indexFile, err)
		}
	}
	return ix, text, nil
}

// readList reads the referrers of an entry of index.json; none where it names none.
func readList(s standing, entry Descriptor) (list kiln.Digest, referrers []Descriptor, err error) {
	if list, err = referrersOf(entry); err != nil || list == "" {
		return list, nil, err
	}
	b, err := readBlob(s, list, maxListed)
	if err != nil {
		return list, nil, err
	}
	referrers, err = ParseReferrers(b)
	return list, referrers, err
}

func refusedf(format string, args ...any) error {
	return &kiln.Error{Code: kiln.Refused, Text: fmt.Sprintf(format, args...)}
}
