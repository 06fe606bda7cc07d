package disk

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/disk/gpt"
	"kiln/internal/durable"
)

// sumsFile lists the other files of a folder with their digests, as sha256sum(1) does.
const sumsFile = "SHA256SUMS"

// Names of what a version is updated from: behind NAME_VERSION. systemd-sysupdate takes the GUID of the
// partition out of the name.
const (
	rootSuffix      = ".root.raw"
	veritySuffix    = ".verity.raw"
	signatureSuffix = ".verity-sig.raw"
	ukiSuffix       = ".efi"
)

// part is a file of a folder.
type part struct {
	name  string
	blob  kiln.Digest // of the store; or
	bytes []byte
}

// WriteParts writes the parts of the disk as files of the folder dir: root, verity, signature, unified kernel image, boot
// loader, add-ons, the root hash as text, and SHA256SUMS.
func (d *Disk) WriteParts(ctx context.Context, dir string, job *kiln.Job) error {
	p, err := d.make(ctx)
	if err != nil {
		return err
	}
	name := d.s.label("")
	all := []part{
		{name: name + rootSuffix, blob: p.root.Image}, {name: name + veritySuffix, blob: p.root.Verity}, {name: name + ukiSuffix, bytes: p.uki},
		{name: name + ".roothash", bytes: []byte(p.root.Root + "\n")},
		{name: "systemd-boot" + machines[d.s.Platform.Architecture].suffix + ".efi", bytes: p.loader},
	}
	if p.signature != nil {
		all = append(all, part{name: name + signatureSuffix, bytes: p.signature})
	}
	for i, a := range d.s.Addons {
		all = append(all, part{name: a.Name + ".addon.efi", bytes: p.addons[i]})
	}
	return d.writeFolder(ctx, dir, all, nil, job)
}

// WriteUpdate writes the folder dir, which a web server can hand out, for systemd-sysupdate to take this version
// from: what Transfers names, SHA256SUMS, and, where there is a key, its signature SHA256SUMS.gpg.
func (d *Disk) WriteUpdate(ctx context.Context, dir string, key *UpdateKey, job *kiln.Job) error {
	p, err := d.make(ctx)
	if err != nil {
		return err
	}
	plan, err := d.s.plan(p.root.Size, p.hash)
	if err != nil {
		return err
	}
	name := func(partition int, suffix string) string {
		return d.s.label("_"+plan.table.Partitions[partition].GUID.String()) + suffix
	}
	first := plan.slots[0]
	all := []part{
		{name: name(first.root, rootSuffix), blob: p.root.Image}, {name: name(first.verity, veritySuffix), blob: p.root.Verity},
		{name: d.s.label("") + ukiSuffix, bytes: p.uki},
	}
	if first.signature >= 0 {
		all = append(all, part{name: name(first.signature, signatureSuffix), bytes: p.signature})
	}
	return d.writeFolder(ctx, dir, all, key, job)
}

// writeFolder puts a folder in place whole or not at all.
func (d *Disk) writeFolder(ctx context.Context, dir string, all []part, key *UpdateKey, job *kiln.Job) (err error) {
	dir = filepath.Clean(dir)
	if err := checkFolder(dir); err != nil {
		return err
	}
	tmp, done, err := durable.MkdirTemp(dir)
	if err != nil {
		return folderError(dir, err)
	}
	defer done()
	defer func() {
		if err != nil {
			_ = durable.RemoveAll(tmp) // the error that led here is the one to tell
			err = folderError(dir, err)
		}
	}()
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	slices.SortFunc(all, func(x, y part) int { return strings.Compare(x.name, y.name) })
	var sums bytes.Buffer
	for _, p := range all {
		sum, err := d.writePart(ctx, filepath.Join(tmp, p.name), p, job)
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%s  %s\n", sum.Hex(), p.name)
	}
	if err := durable.WriteFile(filepath.Join(tmp, sumsFile), 0o644, writes(sums.Bytes())); err != nil {
		return err
	}
	if key != nil {
		signature, err := key.sign(sums.Bytes(), d.s.Epoch)
		if err != nil {
			return err
		}
		if err := durable.WriteFile(filepath.Join(tmp, sumsFile+".gpg"), 0o644, writes(signature)); err != nil {
			return err
		}
	}
	return durable.ReplaceDir(tmp, dir)
}

func (d *Disk) writePart(ctx context.Context, path string, p part, job *kiln.Job) (kiln.Digest, error) {
	if err := ctx.Err(); err != nil {
		return "", context.Cause(ctx)
	}
	if p.blob == "" {
		job.Add(int64(len(p.bytes)))
		return kiln.DigestOf(p.bytes), durable.WriteFile(path, 0o644, writes(p.bytes))
	}
	b, err := d.st.Verified(p.blob)
	if err != nil {
		return "", err
	}
	defer b.Close()
	return p.blob, durable.WriteFile(path, 0o644, func(w io.Writer) error {
		n, err := io.CopyBuffer(onlyWriter{w}, io.NewSectionReader(b, 0, b.Size()), make([]byte, 1<<20))
		job.Add(n)
		return err
	})
}

// CheckFolder tells before any work whether WriteParts and WriteUpdate would refuse the place.
func CheckFolder(dir string) error { return checkFolder(filepath.Clean(dir)) }

// checkFolder refuses to replace anything but nothing, an empty folder, or one of files with sums.
func checkFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return folderError(dir, err)
	}
	ours := len(entries) == 0
	for _, e := range entries {
		if !e.Type().IsRegular() {
			return folderError(dir, fmt.Errorf("%q is there, which is no file", e.Name()))
		}
		ours = ours || e.Name() == sumsFile
	}
	if !ours {
		return folderError(dir, errors.New("another folder is there, and is not empty"))
	}
	return nil
}

func folderError(dir string, err error) error {
	var known *kiln.Error
	if errors.As(err, &known) {
		return err
	}
	return &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot write the folder %q: %v", dir, err), Err: err, Hints: []string{"name another folder, or move that one away"}}
}

// GUIDs returns the GUIDs of root and verity partition of a root hash in hexadecimal: its halves.
func GUIDs(rootHash string) (root, hashes gpt.GUID, err error) {
	b, err := hex.DecodeString(rootHash)
	if err != nil || len(b) != 32 {
		return root, hashes, fmt.Errorf("%q is no root hash", rootHash)
	}
	return gpt.GUID(b[:16]), gpt.GUID(b[16:]), nil
}
