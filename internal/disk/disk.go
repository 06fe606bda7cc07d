// Package disk writes what boots: a disk with GUID partition table, EFI system partition, a root that dm-verity
// checks, and a second slot for the next version. The formats are rooms below it.
//
// The root is EROFS; its root hash is an argument of the kernel, in a unified kernel image that
// Secure Boot can check: so firmware vouches for every byte that is read. Partitions are found by their types and GUIDs, as the
// discoverable partitions specification has them, versions by partition labels and file names, as
// systemd-sysupdate wants them. Nothing is random: all ids are derived, and without signatures the bytes are a
// function of what a System holds.
package disk

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"

	"kiln"
	"kiln/internal/disk/verity"
	"kiln/internal/store"
)

// format is the version of the rules by which a System becomes a disk.
const format = 1

// Disk is a disk that can be written in several formats. What they are made of is made once,
// when the first asks for it.
type Disk struct {
	st *store.Store
	s  System
	id kiln.Digest

	mu    sync.Mutex
	parts *parts // nil until it is made
}

// parts is what a disk is put together from.
type parts struct {
	root      rootImage
	hash      [32]byte // the root hash
	uki       []byte
	loader    []byte
	addons    [][]byte // in the order of System.Addons
	signature []byte   // of the root hash, as its partition holds it; nil where there is no signer
}

// New checks what a disk is to be made of. Nothing is made yet.
func New(st *store.Store, s System) (*Disk, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	if err := s.checkLayout(); err != nil {
		return nil, err
	}
	s.id = s.identity()
	d := &Disk{st: st, s: s, id: s.id}
	if s.Signer != nil {
		d.id = kiln.DigestOf(append([]byte("kiln disk signed "+string(d.id)), s.Signer.Certificate().Raw...))
	}
	return d, nil
}

// RootHash returns the root hash of dm-verity, in hexadecimal.
func (d *Disk) RootHash(ctx context.Context) (string, error) {
	p, err := d.make(ctx)
	if err != nil {
		return "", err
	}
	return p.root.Root, nil
}

// make makes the parts.
func (d *Disk) make(ctx context.Context) (*parts, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.parts != nil {
		return d.parts, nil
	}
	s, p := &d.s, &parts{}
	var err error
	if p.root, err = makeRoot(ctx, d.st, s.source()); err != nil {
		return nil, err
	}
	if p.hash, err = p.root.hash(); err != nil {
		return nil, err
	}
	if _, err := s.plan(p.root.Size, p.hash); err != nil { // before anybody is asked to sign
		return nil, err
	}
	if err := d.sign(ctx, p); err != nil {
		return nil, err
	}
	d.parts = p
	return p, nil
}

// sign makes what is signed. Where signatures are made elsewhere, it asks for all at once.
func (d *Disk) sign(ctx context.Context, p *parts) error {
	s := &d.s
	var errs []error
	var err error
	if p.uki, err = s.uki(ctx, p.root.Root); err != nil {
		errs = append(errs, err)
	}
	if p.loader, err = s.loader(ctx); err != nil {
		errs = append(errs, err)
	}
	for _, a := range s.Addons {
		b, err := s.addon(ctx, a)
		if err != nil {
			errs = append(errs, err)
		}
		p.addons = append(p.addons, b)
	}
	if s.Signer != nil {
		signature, err := s.Signer.SignRSA(ctx, "the root hash", verity.Message(p.hash))
		if err == nil {
			p.signature, err = verity.Signature(p.hash, s.Signer.Certificate(), signature)
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	return together(errs)
}

// together makes one error of several.
func together(errs []error) error {
	if len(errs) < 2 {
		return errors.Join(errs...)
	}
	e := &kiln.Error{Code: kiln.CodeOf(errs[0]), Err: errors.Join(errs...)}
	var texts []string
	known := map[string]bool{}
	for _, err := range errs {
		texts = append(texts, err.Error())
		for _, h := range kiln.HintsOf(err) {
			if !known[h] {
				known[h] = true
				e.Hints = append(e.Hints, h)
			}
		}
	}
	e.Text = strings.Join(texts, "\n")
	return e
}

func writes(b []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	}
}
