package bake

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"

	"kiln"
	"kiln/internal/disk/cpio"
	"kiln/internal/store"
	"kiln/internal/tree"
)

// An initrd is written as two archives, one after the other, each compressed by itself, as the
// kernel allows (initramfs-buffer-format): first all but the modules, then the modules and firmware. Each
// is kept in the store under the digest of its tree, so that what does not change is not
// compressed again, and the two are at once.

// initrdFormat is the version of the rules by which a tree becomes such an archive.
const initrdFormat = 1

// mostWindow is how far back an archive may refer, in bytes: the kernel's decompressor keeps as much in memory.
const mostWindow = 8 << 20

// isDriver tells what goes into the second archive.
func isDriver(path string) bool {
	return strings.HasPrefix(path, "usr/lib/modules/") || strings.HasPrefix(path, "usr/lib/firmware/")
}

// writeInitrd returns the blobs of the archives, in their order.
func writeInitrd(ctx context.Context, st *store.Store, t *tree.Tree, c tree.Contents, sink kiln.Sink) ([]kiln.Digest, error) {
	parts := []*tree.Tree{tree.New(), tree.New()}
	for e := range t.All() {
		i := 0
		if isDriver(e.Path) && e.Type != tree.Dir {
			i = 1
			if err := withParents(parts[1], t, e.Path); err != nil {
				return nil, err
			}
		}
		if err := parts[i].Insert(e); err != nil {
			return nil, fmt.Errorf("bug: the initrd cannot be cut in two: %w", err)
		}
	}
	blobs := make([]kiln.Digest, len(parts))
	group, ctx := errgroup.WithContext(ctx)
	for i, part := range parts {
		group.Go(func() (err error) {
			blobs[i], err = writeArchive(ctx, st, part, c, sink)
			return err
		})
	}
	return blobs, group.Wait()
}

// withParents adds the folders that lead to a path.
func withParents(part, t *tree.Tree, path string) error {
	parent := tree.Parent(path)
	if _, there := part.Lookup(parent); there || parent == "." {
		return nil
	}
	if err := withParents(part, t, parent); err != nil {
		return err
	}
	e, ok := t.Lookup(parent)
	if !ok {
		return fmt.Errorf("bug: %q of the initrd has no folder", path)
	}
	return part.Insert(e)
}

// writeArchive returns the blob of one archive, which may be there already.
func writeArchive(ctx context.Context, st *store.Store, t *tree.Tree, c tree.Contents, sink kiln.Sink) (kiln.Digest, error) {
	key := kiln.DigestOf(fmt.Appendf(nil, "%q", []string{"kiln initrd", strconv.Itoa(initrdFormat), string(t.Digest())}))
	kept := func() (kiln.Digest, bool) {
		value, ok := st.Result(key)
		d, err := kiln.ParseDigest(string(value))
		return d, ok && err == nil && st.Has(d)
	}
	if d, ok := kept(); ok {
		sink.Send(kiln.Event{Step: kiln.StepCompress, State: kiln.Cached, Subject: "initrd"})
		return d, nil
	}
	job := sink.Start(kiln.StepCompress, "initrd", 0)
	err := job.End(st.Once(ctx, key, func() error {
		if _, ok := kept(); ok {
			return nil
		}
		d, err := compressArchive(ctx, st, t, c, job)
		if err != nil {
			return err
		}
		return st.SetResult(key, []byte(d))
	}))
	if err != nil {
		return "", err
	}
	d, ok := kept()
	if !ok {
		return "", fmt.Errorf("cannot make the initrd: what was written is gone from the store")
	}
	return d, nil
}

func compressArchive(ctx context.Context, st *store.Store, t *tree.Tree, c tree.Contents, job *kiln.Job) (kiln.Digest, error) {
	w, err := st.Create()
	if err != nil {
		return "", err
	}
	defer w.Discard()
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(mostWindow))
	if err != nil {
		return "", err
	}
	if err := cpio.Write(ctx, telling{z, job}, t, c); err != nil {
		return "", fmt.Errorf("cannot write the initrd: %w", err)
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	d, _, err := w.Commit("")
	return d, err
}

// telling tells a job of what goes through.
type telling struct {
	w   *zstd.Encoder
	job *kiln.Job
}

func (t telling) Write(b []byte) (int, error) {
	n, err := t.w.Write(b)
	t.job.Add(int64(n))
	return n, err
}
