package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"kiln"
)

// Stat is how much a store holds.
type Stat struct {
	Dir          string `json:"dir"`
	Blobs        int    `json:"blobs"`
	Bytes        int64  `json:"bytes"` // of all blobs
	Results      int    `json:"results"`
	Staging      int    `json:"staging"` // files being written, and left by dead processes
	Damaged      int    `json:"damaged"` // blobs set aside
	DamagedBytes int64  `json:"damaged_bytes"`
}

// Stat counts what is there.
func (s *Store) Stat() (Stat, error) {
	st := Stat{Dir: s.dir}
	count := func(dir string, n *int, bytes *int64) error {
		return s.walk(context.Background(), dir, func(_ string, info fs.FileInfo) error {
			*n++
			*bytes += info.Size()
			return nil
		})
	}
	var ignored int64
	err := errors.Join(
		count(blobsDir, &st.Blobs, &st.Bytes),
		count(resultsDir, &st.Results, &ignored),
		count(stagingDir, &st.Staging, &ignored),
		count(damagedDir, &st.Damaged, &st.DamagedBytes),
	)
	return st, err
}

// walk visits the files below one of the store's folders, in name order. What
// vanishes meanwhile is passed over.
func (s *Store) walk(ctx context.Context, dir string, visit func(path string, info fs.FileInfo) error) error {
	err := filepath.WalkDir(filepath.Join(s.dir, dir), func(path string, e fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		return visit(path, info)
	})
	if err != nil {
		return fmt.Errorf("cannot go through the store's %s: %w", dir, err)
	}
	return nil
}

// Report is what Verify found.
type Report struct {
	Checked int           `json:"checked"` // blobs and results
	Bytes   int64         `json:"bytes"`   // of the blobs
	Damaged []kiln.Digest `json:"damaged"` // blobs that were set aside; of a result that was removed, its key. Sorted
}

// Verify reads every blob and every result and checks it. What is damaged is set
// aside or, being a result, removed. A Warning tells of each.
func (s *Store) Verify(ctx context.Context, sink kiln.Sink) (Report, error) {
	var r Report
	there, err := s.Stat()
	if err != nil {
		return r, err
	}
	sink.Plan(kiln.StepVerify, there.Blobs+there.Results, there.Bytes)
	err = s.walk(ctx, blobsDir, func(path string, info fs.FileInfo) error {
		r.Checked++
		r.Bytes += info.Size()
		job := sink.Start(kiln.StepVerify, "blob "+filepath.Base(path), info.Size())
		return job.End(s.verifyBlob(&r, sink, path))
	})
	if err != nil {
		return r, err
	}
	err = s.walk(ctx, resultsDir, func(path string, _ fs.FileInfo) error {
		r.Checked++
		job := sink.Start(kiln.StepVerify, "result "+filepath.Base(path), 0)
		return job.End(s.verifyResult(&r, sink, path))
	})
	return r, err
}

func (s *Store) verifyBlob(r *Report, sink kiln.Sink, path string) error {
	d, err := kiln.DigestFromHex(filepath.Base(path))
	if err != nil {
		return nil // never read as a blob, either
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return r.judge(sink, d, s.verify(&Blob{file: f, digest: d, size: info.Size()}))
}

func (s *Store) verifyResult(r *Report, sink kiln.Sink, path string) error {
	key, err := kiln.DigestFromHex(filepath.Base(path))
	if err != nil {
		return nil
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		if _, ok := unseal(string(key), b); ok {
			return nil
		}
		err = errors.New("its seal is broken")
	}
	if removal := os.Remove(path); removal != nil {
		return removal
	}
	return r.judge(sink, key, &kiln.Error{
		Code: kiln.Refused,
		Text: fmt.Sprintf("the result %q of the store is damaged: %v; it was removed", path, err),
	})
}

// judge takes down damage, and passes on any other error.
func (r *Report) judge(sink kiln.Sink, d kiln.Digest, err error) error {
	if err == nil || kiln.CodeOf(err) != kiln.Refused {
		return err
	}
	r.Damaged = append(r.Damaged, d)
	sink.Send(kiln.Event{Step: kiln.StepVerify, State: kiln.Warning, Subject: string(d), Text: err.Error()})
	return nil
}
