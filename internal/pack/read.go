package pack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"kiln"
	"kiln/internal/lock"
	"kiln/internal/oci"
	"kiln/internal/recipe"
	"kiln/internal/store"
)

// Bounds of the documents of a pack, in bytes; registries take manifests of 4 MiB.
const (
	mostIndex    = 1 << 20
	mostManifest = 64 << 20
	mostLock     = 64 << 20
)

// Pack is a pack all of whose blobs are in the store, found right.
type Pack struct {
	Contents
	Path   string // as it was given to Open
	Recipe *recipe.Recipe
	Lock   *lock.Lock

	done func()
}

// Close removes the recipe's folder.
func (p *Pack) Close() {
	if p.done != nil {
		p.done()
		p.done = nil
	}
}

// Open reads the pack at path, a tar or the folder of an image layout: every blob
// goes to the store, hashed on the way, also one that is there already. The lock
// must answer the recipe, and all that it names must be in the pack. The recipe
// stands in a folder of the store until Close.
func Open(ctx context.Context, st *store.Store, path string, sink kiln.Sink) (*Pack, error) {
	return OpenFrom(ctx, st, path, path, sink)
}

// OpenFrom is Open of a pack that was fetched to path: from is what messages call it.
func OpenFrom(ctx context.Context, st *store.Store, path, from string, sink kiln.Sink) (*Pack, error) {
	l, err := openLayout(path)
	if err != nil {
		return nil, problem(from, err)
	}
	defer l.close()
	p := &Pack{Path: from}
	r := &reader{layout: l, store: st, sink: sink}
	if err := r.pack(ctx, p); err != nil {
		p.Close()
		return nil, problem(from, err)
	}
	return p, nil
}

// problem is err as it reaches a person. A person's or the store's error is what it is.
func problem(path string, err error) error {
	var e *kiln.Error
	switch {
	case errors.As(err, &e), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		return &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot read the pack %q: %v", path, err), Hints: []string{"make one: kiln pack RECIPE -o FILE"}, Err: err}
	}
	return &kiln.Error{
		Code:  kiln.Refused,
		Text:  fmt.Sprintf("cannot use the pack %q: %v", path, err),
		Hints: []string{"copy it again from where it came, or make it again: kiln pack RECIPE"},
		Err:   err,
	}
}

// reader reads one pack into the store.
type reader struct {
	layout *layout
	store  *store.Store
	sink   kiln.Sink
}

func (r *reader) pack(ctx context.Context, p *Pack) error {
	index, err := r.head()
	if err != nil {
		return err
	}
	manifest, err := oci.ParseSole(index)
	if err != nil {
		return err
	}
	if t := manifest.ArtifactType; t != "" && t != Type { // not every tool that copies a pack keeps it
		return fmt.Errorf("its index.json names an artifact of the type %q, want %q", shorten(t), Type)
	}
	if err := r.manifest(manifest, &p.Contents); err != nil {
		return err
	}
	if err := r.layout.onlyNamed(&p.Contents); err != nil {
		return err
	}
	if p.Lock, err = r.lock(p.Path, p.artifact.Config); err != nil {
		return err
	}
	if err := checkInputs(p.Lock, p.Inputs); err != nil {
		return err
	}
	if err := r.blobs(ctx, p.Inputs); err != nil {
		return err
	}
	if !p.asWritten(index) {
		r.sink.Send(kiln.Event{Step: kiln.StepVerify, State: kiln.Warning, Subject: p.Path,
			Text: fmt.Sprintf("the index.json of the pack %q is not as kiln wrote it; all that it names was verified", p.Path)})
	}
	if p.Recipe, p.done, err = unpack(r.store, p.Path, p.Inputs); err != nil {
		return err
	}
	return p.answers()
}

// head reads the two files of a layout that have no digest.
func (r *reader) head() ([]byte, error) {
	b, err := r.layout.read(layoutFile, mostIndex)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", layoutFile, err)
	}
	var version map[string]string
	if err := json.Unmarshal(b, &version); err != nil || len(version) != 1 || version["imageLayoutVersion"] != layoutVersion {
		return nil, fmt.Errorf("its %s is not that of an image layout %s", layoutFile, layoutVersion)
	}
	b, err = r.layout.read(indexFile, mostIndex)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", indexFile, err)
	}
	return b, nil
}

// document reads a blob that is small enough to be looked at, verified.
func (r *reader) document(what string, d oci.Descriptor, most int64) ([]byte, error) {
	in, size, err := r.find(what, d.Digest, d.Size)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	if size > most {
		return nil, fmt.Errorf("the %s has %d bytes, at most %d are read", what, size, most)
	}
	b, err := io.ReadAll(in)
	if err != nil {
		return nil, err
	}
	if got := kiln.DigestOf(b); got != d.Digest {
		return nil, damaged(what, d.Digest, got)
	}
	return b, nil
}

// find opens a blob, which must have the size that is said of it.
func (r *reader) find(what string, d kiln.Digest, want int64) (io.ReadCloser, int64, error) {
	in, size, err := r.layout.open(blobName(d))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, fmt.Errorf("%s is missing: there is no blob %s", what, d)
	}
	if err == nil && size != want {
		in.Close()
		err = fmt.Errorf("%s has %d bytes, want %d", what, size, want)
	}
	return in, size, err
}

func damaged(what string, want, got kiln.Digest) error {
	return fmt.Errorf("%s is damaged: its content has the digest %s, want %s", what, got, want)
}

func (r *reader) manifest(d oci.Descriptor, c *Contents) error {
	b, err := r.document("its manifest, of which index.json tells,", d, mostManifest)
	if err != nil {
		return err
	}
	a, err := oci.ParseArtifact(b, Type)
	if err != nil {
		return err
	}
	if a.Config.MediaType != lockType {
		return fmt.Errorf("its manifest has a config of the type %q, want %q", shorten(a.Config.MediaType), lockType)
	}
	var inputs []Input
	for _, blob := range a.Blobs {
		in, err := inputOf(blob)
		if err != nil {
			return err
		}
		inputs = append(inputs, in)
	}
	if inputs, err = arrange(inputs); err != nil {
		return err
	}
	*c = *contentsOf(d, a, inputs)
	return nil
}

func inputOf(d oci.Descriptor) (Input, error) {
	for _, row := range kinds() {
		if row.mediaType == d.MediaType {
			return Input{Kind: row.kind, Title: d.Annotations[annotationTitle], Digest: d.Digest, Size: d.Size}, nil
		}
	}
	return Input{}, fmt.Errorf("its manifest names a blob of the type %q, which this kiln does not know: upgrade kiln", shorten(d.MediaType))
}

func (r *reader) lock(path string, d oci.Descriptor) (*lock.Lock, error) {
	b, err := r.document("its lock", d, mostLock)
	if err != nil {
		return nil, err
	}
	l, err := lock.Parse(path+"/"+lock.FileName, b)
	if err == nil && !bytes.Equal(l.Text(), b) {
		err = errors.New("its lock is not as kiln writes it")
	}
	return l, err
}

// blobs brings the inputs into the store, each blob once.
func (r *reader) blobs(ctx context.Context, inputs []Input) error {
	var once []Input
	var total int64
	seen := map[kiln.Digest]bool{}
	for _, in := range inputs {
		if !seen[in.Digest] {
			seen[in.Digest] = true
			once = append(once, in)
			total += in.Size
		}
	}
	r.sink.Plan(kiln.StepVerify, len(once), total)
	for _, in := range once {
		job := r.sink.Start(kiln.StepVerify, in.Title, in.Size)
		if err := job.End(r.blob(ctx, in, job)); err != nil {
			return err
		}
	}
	return nil
}

// blob brings one blob into the store; one that is there is hashed all the same.
func (r *reader) blob(ctx context.Context, in Input, job *kiln.Job) error {
	from, _, err := r.find(fmt.Sprintf("%q", in.Title), in.Digest, in.Size)
	if err != nil {
		return err
	}
	defer from.Close()
	sum := kiln.NewDigester()
	to := io.Writer(sum)
	var w *store.Writer
	if !r.store.Has(in.Digest) {
		if w, err = r.store.Create(); err != nil {
			return err
		}
		defer w.Discard()
		to = io.MultiWriter(sum, w)
	}
	buf := make([]byte, 256<<10)
	for {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		n, err := from.Read(buf)
		if _, werr := to.Write(buf[:n]); werr != nil {
			return werr
		}
		job.Add(int64(n))
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("%q: %w", in.Title, err)
		}
	}
	if got := sum.Digest(); got != in.Digest {
		return damaged(fmt.Sprintf("%q", in.Title), in.Digest, got)
	}
	if w != nil {
		_, _, err = w.Commit(in.Digest)
	}
	return err
}
