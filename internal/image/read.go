package image

import (
	"context"
	"errors"
	"io"
	"os"

	"kiln"
	"kiln/internal/tree"
)

// reader reads one image.
type reader struct {
	ctx    context.Context // of the one call of Read that made it
	o      Options
	budget budget
	img    *Image
}

func read(ctx context.Context, ref Reference, o Options) (_ *Image, err error) {
	kind, err := kindOf(ref.Path)
	if err != nil {
		return nil, err
	}
	switch {
	case ref.Kind == "" || ref.Kind == kind:
	case kind == "" && ref.Kind != Layout && ref.Kind != Folder: // a file
		kind = ref.Kind
	case kind == Layout && ref.Kind == Folder: // whoever unpacks a layout knows why
		kind = Folder
	case kind == Folder && ref.Kind == Layout:
		return nil, missing(layoutFile)
	default:
		return nil, &kiln.Error{Code: kiln.User, Text: "it is a " + map[bool]string{true: "file", false: "folder"}[kind == ""], Hints: []string{"leave the kind out: " + ref.Path}}
	}
	contents, err := newSpool(o.Spool)
	if err != nil {
		return nil, err
	}
	r := &reader{ctx: ctx, o: o, budget: budget{o.Limits}, img: &Image{Kind: kind, Path: ref.Path, Tree: tree.New(), contents: contents}}
	job := o.Sink.Start(kiln.StepVerify, "image "+ref.String(), 0)
	if err := job.End(r.read(ref)); err != nil {
		contents.close()
		return nil, err
	}
	return r.img, nil
}

func (r *reader) read(ref Reference) error {
	switch r.img.Kind {
	case Folder:
		return r.folder(ref.Path)
	case Layout:
		s, err := openFolderSource(ref.Path)
		if err != nil {
			return err
		}
		defer s.close()
		t, err := r.track(s)
		if err != nil {
			return err
		}
		return r.layout(t, ref)
	case Tar:
		return r.tar(ref.Path)
	}
	return r.archive(ref)
}

// archive reads a tar file in which an image is, or which is a root file system.
func (r *reader) archive(ref Reference) error {
	f, err := r.plainFile(ref.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	s, err := openArchiveSource(f)
	if r.img.Kind == "" && errors.Is(err, errMany) {
		r.img.Kind = Tar
		return r.tar(ref.Path)
	}
	if err != nil {
		return err
	}
	if r.img.Kind == "" {
		r.img.Kind = Tar
		switch {
		case s.has(layoutFile) && s.has(indexFile):
			r.img.Kind = LayoutArchive
		case s.has(dockerFile):
			r.img.Kind = DockerArchive
		}
	}
	if r.img.Kind == Tar {
		return r.tar(ref.Path)
	}
	t, err := r.track(s)
	if err != nil {
		return err
	}
	if r.img.Kind == LayoutArchive {
		return r.layout(t, ref)
	}
	return r.docker(t, s.has(layoutFile) && s.has(indexFile), ref)
}

// track lists the files of s, and begins to note which are used.
func (r *reader) track(s source) (source, error) {
	var err error
	if r.img.Files, err = s.names(); err != nil {
		return nil, err
	}
	r.img.Used = map[string]bool{}
	return &tracked{s, r.img.Used}, nil
}

// plainFile opens a tar file; one that is compressed is decompressed first, into a
// file without a name.
func (r *reader) plainFile(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	z, err := decompress(f, &r.budget)
	if err != nil || z.plain {
		if err == nil {
			return f, nil
		}
		f.Close()
		return nil, err
	}
	defer f.Close()
	defer z.Close()
	out, err := newSpool(r.o.Spool)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(out.file, z); err != nil {
		out.close()
		return nil, err
	}
	return out.file, nil
}

// tar reads a root file system: one layer, in which no name is a whiteout.
func (r *reader) tar(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	l, entries, err := r.entries(f, false)
	if err != nil {
		return err
	}
	r.img.Layers = []Layer{l}
	r.tell(0, entries)
	return put(r.img.Tree, entries)
}
