package bake

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"kiln"
	"kiln/internal/disk"
	"kiln/internal/disk/cpio"
	"kiln/internal/initrd"
	"kiln/internal/lock"
	"kiln/internal/oci"
	"kiln/internal/recipe"
	"kiln/internal/store"
	"kiln/internal/system"
	"kiln/internal/tree"
)

// bootFormat is the version of the form in which a bootable is kept, and of what leads to it.
const bootFormat = 1

// bootable is what a disk is made of beside the files of its root: blobs of the store,
// and what is told of them.
type bootable struct {
	Root      kiln.Digest       `json:"root"` // tree digest of the root file system
	Epoch     kiln.Epoch        `json:"epoch"`
	Release   string            `json:"release"` // of the kernel
	Kernel    kiln.Digest       `json:"kernel"`
	Initrd    []kiln.Digest     `json:"initrd"` // one after the other
	Microcode kiln.Digest       `json:"microcode,omitempty"`
	Stub      kiln.Digest       `json:"stub"`
	Loader    kiln.Digest       `json:"loader"`
	OSRelease []byte            `json:"os_release"`
	Arguments []system.Argument `json:"arguments"`
}

// blobs are all of them.
func (b *bootable) blobs() []kiln.Digest {
	all := append([]kiln.Digest{b.Kernel, b.Stub, b.Loader}, b.Initrd...)
	if b.Microcode != "" {
		all = append(all, b.Microcode)
	}
	return all
}

// disks makes the disk of each platform once, however many outputs there are of it.
type disks struct {
	o    Options
	r    *recipe.Recipe
	l    *lock.Lock
	made map[kiln.Platform]*madeDisk
}

type madeDisk struct {
	*disk.Disk
	parts *bootable
}

// of returns the disk of an image.
func (d *disks) of(ctx context.Context, b built) (*madeDisk, error) {
	p := b.image.Platform
	if m := d.made[p]; m != nil {
		return m, nil
	}
	w := &diskWork{disks: d, image: b}
	parts, err := w.parts(ctx)
	if err != nil {
		return nil, err
	}
	s, err := w.system(parts)
	if err != nil {
		return nil, err
	}
	made, err := disk.New(d.o.Store, s)
	if err != nil {
		return nil, err
	}
	d.made[p] = &madeDisk{made, parts}
	return d.made[p], nil
}

// write writes an output of an image that boots.
func (d *disks) write(ctx context.Context, out Output, images []built, job *kiln.Job) error {
	i, err := pick(d.o.Platforms, d.o.Native, out)
	if err != nil {
		return err
	}
	m, err := d.of(ctx, images[i])
	if err != nil {
		return err
	}
	switch out.Type {
	case Parts:
		return m.WriteParts(ctx, out.Path, job)
	case Updates:
		key, err := updateKey(d.r)
		if err != nil {
			return err
		}
		return m.WriteUpdate(ctx, out.Path, key, job)
	case UKI:
		return m.WriteUKI(ctx, out.Path, job)
	case Initrd:
		return d.writeInitrd(m.parts, out.Path, job)
	}
	return m.Write(ctx, disk.Format(out.Type), out.Path, job)
}

// writeInitrd writes the archives of the initrd, with microcode before them.
func (d *disks) writeInitrd(b *bootable, file string, job *kiln.Job) error {
	blobs := b.Initrd
	if b.Microcode != "" {
		blobs = append([]kiln.Digest{b.Microcode}, blobs...)
	}
	holds := kiln.DigestOf(fmt.Appendf(nil, "%q", blobs))
	return oci.WriteOnceAt(d.o.Store, file, "initrd", holds, job, func(w io.WriterAt) error {
		to := io.NewOffsetWriter(w, 0)
		for _, blob := range blobs {
			b, err := d.o.Store.ReadAll(blob)
			if err != nil {
				return err
			}
			if _, err := to.Write(b); err != nil {
				return err
			}
			job.Add(int64(len(b)))
		}
		return nil
	})
}

// diskWork is the making of one disk.
type diskWork struct {
	*disks
	image    built
	root     *Root      // of the image; nil until it is asked for
	tree     *tree.Tree // of the disk's root, with contents; nil until it is asked for
	contents tree.Contents
}

// files is the tree of the disk's root.
func (w *diskWork) files(ctx context.Context) (*tree.Tree, tree.Contents, error) {
	if w.tree != nil {
		return w.tree, w.contents, nil
	}
	var err error
	if w.root, err = w.o.rootOf(ctx, w.r, w.l, w.image); err != nil {
		return nil, nil, err
	}
	w.tree, w.contents, err = system.Root(w.root.Tree, w.root.Contents, w.r)
	return w.tree, w.contents, err
}

// parts recalls the parts of the disk, or makes them.
func (w *diskWork) parts(ctx context.Context) (*bootable, error) {
	image, err := w.o.imageKey(w.r, w.l, w.image.image.Platform)
	if err != nil {
		return nil, err
	}
	key := kiln.DigestOf(fmt.Appendf(nil, "%q", []string{"kiln boot", strconv.Itoa(bootFormat), string(image)}))
	var kept bootable
	if value, ok := w.o.Store.Result(key); image != "" && ok && json.Unmarshal(value, &kept) == nil && hasAll(w.o.Store, kept.blobs()) {
		w.o.Sink.Send(kiln.Event{Step: kiln.StepAssemble, State: kiln.Cached, Subject: "what boots on " + w.image.image.Platform.String()})
		return &kept, nil
	}
	job := w.o.Sink.Start(kiln.StepAssemble, "what boots on "+w.image.image.Platform.String(), 0)
	made, err := w.makeParts(ctx)
	if job.End(err) != nil {
		return nil, err
	}
	if image == "" {
		return made, nil
	}
	value, err := json.Marshal(made)
	if err != nil {
		return nil, fmt.Errorf("bug: cannot encode what boots: %w", err)
	}
	return made, w.o.Store.SetResult(key, value)
}

func hasAll(st *store.Store, blobs []kiln.Digest) bool {
	for _, d := range blobs {
		if !st.Has(d) {
			return false
		}
	}
	return true
}

func (w *diskWork) makeParts(ctx context.Context) (*bootable, error) {
	t, c, err := w.files(ctx)
	if err != nil {
		return nil, err
	}
	p := w.image.image.Platform
	b := &bootable{Root: t.Digest(), Epoch: w.root.Epoch, Arguments: system.Arguments(w.r, p)}
	if b.Release, err = system.Release(w.root.Tree); err != nil {
		return nil, err
	}
	source, all, err := w.o.Lock.Family.Boot(ctx, w.l, p, w.root)
	if err != nil {
		return nil, err
	}
	programs, err := system.FindPrograms(source, p)
	if err != nil {
		return nil, err
	}
	kernel, _ := source.Lookup("boot/vmlinuz-" + b.Release)
	for _, f := range []struct {
		to *kiln.Digest
		e  tree.Entry
	}{{&b.Kernel, kernel}, {&b.Stub, programs.Stub}, {&b.Loader, programs.Loader}} {
		if *f.to, err = w.keepFile(all, f.e); err != nil {
			return nil, err
		}
	}
	release, ok := t.Lookup("usr/lib/os-release")
	if !ok {
		return nil, fmt.Errorf("cannot make what boots: the image has no /usr/lib/os-release, which base-files brings")
	}
	if b.OSRelease, err = system.ReadFile(c, &release); err != nil {
		return nil, err
	}
	if b.Microcode, err = w.microcode(ctx, source, all); err != nil {
		return nil, err
	}
	b.Initrd, err = w.initrd(ctx, source, all, b.Release)
	return b, err
}

// keepFile puts a file of the tree into the store as a blob of its own.
func (w *diskWork) keepFile(c tree.Contents, e tree.Entry) (kiln.Digest, error) {
	if w.o.Store.Has(e.Content) {
		return e.Content, nil
	}
	f, err := c.OpenContent(e.Content)
	if err != nil {
		return "", err
	}
	defer f.Close()
	d, _, err := w.o.Store.Put(f, e.Content)
	return d, err
}

// microcode returns the archive of microcode, where there is any.
func (w *diskWork) microcode(ctx context.Context, source *tree.Tree, c tree.Contents) (kiln.Digest, error) {
	t, made, err := system.Microcode(source, c)
	if err != nil || t == nil {
		return "", err
	}
	var b bytes.Buffer
	if err := cpio.Write(ctx, &b, t, made); err != nil {
		return "", err
	}
	d, _, err := w.o.Store.PutBytes(b.Bytes())
	return d, err
}

func (w *diskWork) initrd(ctx context.Context, source *tree.Tree, c tree.Contents, release string) ([]kiln.Digest, error) {
	options := initrd.Options{Platform: w.image.image.Platform, Profile: w.r.System.Profile, Kernel: release}
	for _, m := range w.r.System.Modules.Deny {
		options.Deny = append(options.Deny, m.Module)
	}
	for _, m := range w.r.System.Modules.Initrd {
		options.Modules = append(options.Modules, m.Module)
	}
	made, err := initrd.Build(ctx, source, c, options)
	if err != nil {
		return nil, err
	}
	return writeInitrd(ctx, w.o.Store, made.Tree, made.Contents, w.o.Sink)
}

// system is the disk as the room that writes it wants it.
func (w *diskWork) system(b *bootable) (disk.System, error) {
	r := w.r
	s := disk.System{
		Platform: w.image.image.Platform, Name: r.Name, Version: r.Version, Root: w.files, Digest: b.Root, Epoch: b.Epoch,
		Cmdline: system.Words(b.Arguments), OSRelease: b.OSRelease, Uname: b.Release,
		Compression: r.System.Disk.Compression,
		Layout:      disk.Layout{ESP: recipe.Size(r.System.Disk.ESP), Root: recipe.Size(r.System.Disk.Root), Free: -1},
	}
	if state := r.System.Disk.State; state != nil {
		s.Layout.Free = recipe.Size(state.Minimum)
	}
	var err error
	for _, f := range []struct {
		to    *[]byte
		blobs []kiln.Digest
	}{{&s.Kernel, []kiln.Digest{b.Kernel}}, {&s.Initrd, b.Initrd}, {&s.Stub, []kiln.Digest{b.Stub}}, {&s.Loader, []kiln.Digest{b.Loader}}, {&s.Microcode, []kiln.Digest{b.Microcode}}} {
		if *f.to, err = w.joined(f.blobs); err != nil {
			return s, err
		}
	}
	s.Signer, err = w.o.signer(r)
	return s, err
}

// joined reads blobs into one.
func (w *diskWork) joined(blobs []kiln.Digest) ([]byte, error) {
	var all []byte
	for _, d := range blobs {
		if d == "" {
			continue
		}
		b, err := w.o.Store.ReadAll(d)
		if err != nil {
			return nil, err
		}
		all = append(all, b...)
	}
	return all, nil
}
