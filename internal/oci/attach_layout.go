package oci

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/durable"
	"kiln/internal/store"
)

// AttachLayout puts artifacts, their blobs in the store, beside an image that stands
// in a layout, a folder or a tar: the one called name, or the only one where name is
// empty. Each one's subject is that image, or a manifest that it leads to. What stands beside
// it already stays; what is there twice is there once. The image's digest and all its blobs stay as
// they are; index.json is replaced last, in one step, and two at once wait for each other.
func AttachLayout(ctx context.Context, st *store.Store, place, name string, artifacts []Artifact) (err error) {
	defer func() {
		if err != nil {
			err = attachProblem(place, err)
		}
	}()
	abs, err := filepath.Abs(place)
	if err != nil {
		return err
	}
	return st.Once(ctx, kiln.DigestOf(appendFields(nil, "kiln attach", abs)), func() error {
		return attachLayout(ctx, st, place, name, artifacts)
	})
}

func attachLayout(ctx context.Context, st *store.Store, place, name string, artifacts []Artifact) error {
	s, err := openStanding(place)
	if err != nil {
		return err
	}
	defer s.Close()
	c, err := attachment(st, s, name, artifacts)
	if err != nil || c.top == nil {
		return err
	}
	if t, ok := s.(tarStanding); ok {
		return c.rewrite(ctx, st, t, place)
	}
	return c.place(ctx, st, place)
}

// change is what becomes of a layout's files.
type change struct {
	top    []byte          // the new index.json; nil where nothing changes
	blobs  map[string]part // by name, to be there
	remove string          // the list that nothing names any more; may be empty
}

// attachment works out the change of a layout.
func attachment(st *store.Store, s standing, name string, artifacts []Artifact) (change, error) {
	top, text, err := readTop(s)
	if err != nil {
		return change{}, err
	}
	i, err := entryNamed(top, name)
	if err != nil {
		return change{}, err
	}
	subjects, err := subjectsOf(s, top.Manifests[i])
	if err != nil {
		return change{}, err
	}
	old, referrers, err := readList(s, top.Manifests[i])
	if err != nil {
		return change{}, err
	}
	var blobs []Descriptor
	for _, a := range artifacts {
		if a.Subject == nil || !slices.Contains(subjects, a.Subject.Digest) {
			return change{}, refusedf("the artifact %s is of another image", a.Type)
		}
		d, err := PutReferrer(st, a)
		if err != nil {
			return change{}, err
		}
		referrers = append(referrers, d)
		blobs = append(append(blobs, d, a.Config), a.Blobs...)
	}
	b, err := ReferrersIndex(referrers)
	if err != nil {
		return change{}, err
	}
	list, err := PutFile(st, "", mediaIndex, b)
	if err != nil || list.Digest == old {
		return change{}, err
	}
	c := change{blobs: map[string]part{}}
	for _, p := range blobParts(nil, append(blobs, list)) {
		c.blobs[p.name] = p
	}
	if old != "" && strings.Count(string(text), string(old)) == 1 {
		c.remove = blobName(old)
	}
	top.Manifests[i].Annotations = annotated(top.Manifests[i].Annotations, AnnotationReferrers, string(list.Digest))
	if len(top.Manifests) == 1 && signed(referrers) && top.Manifests[i].Annotations[annotationKind] == "" {
		top.Manifests[i].Annotations[annotationKind] = kindSigned // of several, cosign would take one without asking
	}
	c.top, err = marshal(top)
	return c, err
}

func annotated(all map[string]string, key, value string) map[string]string {
	all = maps.Clone(all)
	if all == nil {
		all = map[string]string{}
	}
	all[key] = value
	return all
}

// entryNamed finds an entry of index.json.
func entryNamed(top index, name string) (int, error) {
	found := -1
	var names []string
	for i, d := range top.Manifests {
		ref := d.Annotations[annotationRef]
		names = append(names, ref)
		switch {
		case name != "" && ref != name:
		case found >= 0:
			return 0, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("it holds %d images: %s", len(top.Manifests), strings.Join(names, ", ")),
				Hints: []string{"name one by its tag: PATH:TAG"}}
		default:
			found = i
		}
	}
	if found < 0 {
		return 0, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("no image in it is called %q", name), Hints: []string{"it holds: " + strings.Join(names, ", ")}}
	}
	return found, nil
}

// subjectsOf are the digests that an artifact beside an entry may be about: the
// entry's, and those of the manifests of an image index.
func subjectsOf(s standing, entry Descriptor) ([]kiln.Digest, error) {
	subjects := []kiln.Digest{entry.Digest}
	if entry.MediaType != mediaIndex {
		return subjects, nil
	}
	b, err := readBlob(s, entry.Digest, maxListed)
	if err != nil {
		return nil, err
	}
	manifests, err := parseIndex(b)
	for _, d := range manifests {
		subjects = append(subjects, d.Digest)
	}
	return subjects, err
}

// place changes a layout in a folder: blobs first, then what names them.
func (c change) place(ctx context.Context, st *store.Store, dir string) error {
	for _, name := range slices.Sorted(maps.Keys(c.blobs)) {
		p := c.blobs[name]
		file := filepath.Join(dir, name)
		if info, err := os.Lstat(file); err == nil && info.Mode().IsRegular() && info.Size() == p.size {
			continue
		}
		if err := durable.WriteFile(file, 0o644, func(w io.Writer) error { return p.write(ctx, st, w) }); err != nil {
			return err
		}
	}
	err := durable.WriteFile(filepath.Join(dir, indexFile), 0o644, func(w io.Writer) error {
		_, err := w.Write(c.top)
		return err
	})
	if err != nil || c.remove == "" {
		return err
	}
	return os.Remove(filepath.Join(dir, c.remove))
}

// rewrite changes a layout in a tar, which is written anew: what stays in the order
// that it has, new blobs where their names belong among the others.
func (c change) rewrite(ctx context.Context, st *store.Store, s tarStanding, file string) error {
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	pending := slices.Sorted(maps.Keys(c.blobs))
	pending = slices.DeleteFunc(pending, func(name string) bool { _, there := s.files[name]; return there })
	return writeFile(file, func(w io.Writer) error {
		tr, tw := tar.NewReader(s.file), tar.NewWriter(w)
		var last tar.Header
		put := func(before string) error {
			for len(pending) > 0 && (before == "" || pending[0] < before) {
				p := c.blobs[pending[0]]
				pending = pending[1:]
				h := tar.Header{Format: tar.FormatPAX, Typeflag: tar.TypeReg, Name: p.name, Mode: 0o644, Size: p.size, ModTime: last.ModTime}
				if err := errors.Join(tw.WriteHeader(&h), p.write(ctx, st, tw)); err != nil {
					return err
				}
			}
			return nil
		}
		for {
			h, err := tr.Next()
			if errors.Is(err, io.EOF) {
				return errors.Join(put(""), tw.Close())
			}
			if err != nil {
				return err
			}
			if h.Name == c.remove {
				continue
			}
			if strings.HasPrefix(h.Name, blobsFolder+"/") && h.Name != blobsFolder+"/" {
				if err := put(h.Name); err != nil {
					return err
				}
			}
			last = *h
			if err := c.copyEntry(tw, h, tr); err != nil {
				return err
			}
		}
	})
}

// copyEntry copies an entry of a tar, index.json with what is in it now.
func (c change) copyEntry(tw *tar.Writer, h *tar.Header, r io.Reader) error {
	if h.Name == indexFile {
		h.Size, r = int64(len(c.top)), bytes.NewReader(c.top)
	}
	if err := tw.WriteHeader(h); err != nil {
		return err
	}
	_, err := io.Copy(tw, r)
	return err
}

func attachProblem(place string, err error) error {
	e := &kiln.Error{Code: kiln.CodeOf(err), Text: fmt.Sprintf("cannot put anything beside the image in %q: %v", place, err), Err: err}
	if len(kiln.HintsOf(err)) == 0 && os.IsNotExist(err) {
		e.Hints = []string{"name an image layout: a folder, or an oci-archive, as kiln build writes them"}
	}
	return e
}
