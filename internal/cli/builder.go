package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"kiln"
	"kiln/internal/durable"
	"kiln/internal/provenance"
	"kiln/internal/store"
)

// Which kiln built an image, where, and with which flags, is nothing that the image's
// bytes or those of its outputs may depend on. So the store keeps it, for the
// provenance of what was built on this machine.

// builderKey is the key of the note about a build, by the digest of what it made.
func builderKey(index kiln.Digest) kiln.Digest {
	return kiln.DigestOf([]byte("kiln built " + string(index)))
}

// noteBuild keeps which kiln built an image. Where that is known already, nothing is
// written.
func noteBuild(st *store.Store, index kiln.Digest, build string, f buildFlags, now time.Time) error {
	v := versionOf()
	text, err := json.Marshal(provenance.Builder{
		Version: v.Version, Revision: v.Revision, BuildID: build, Program: programDigest(st, now), Go: v.Go, Platform: v.Platform,
		Kernel: kernelRelease(), Root: os.Geteuid() == 0,
		Flags: provenance.Flags{
			Locked: f.locked, Pack: f.pack != "", TrustLock: f.trustLock, VerifyCache: f.verifyCache,
			Platforms: f.platforms, Compression: f.compression,
		},
	})
	if err != nil {
		return err
	}
	key := builderKey(index)
	if noted, ok := st.Mark(key); ok && bytes.Equal(noted, text) {
		return nil
	}
	return st.SetMark(key, text)
}

// hashedProgram is what a program had for a digest when the file system said this of it.
type hashedProgram struct {
	Stamp  durable.Stamp `json:"stamp"`
	Digest string        `json:"digest"` // SHA-256, 64 hexadecimal digits
}

// settled is how old a change of a file is to be for its stamp to be relied upon: no
// file system counts time in larger steps.
const settled = 5 * time.Second

// programDigest is the SHA-256 of the program that runs; empty where it cannot be
// read. It is hashed once: a build in which nothing has changed takes less time.
func programDigest(st *store.Store, now time.Time) string {
	path, err := os.Executable()
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return ""
	}
	key := kiln.DigestOf([]byte("kiln program " + path))
	before, err := durable.StampOf(path)
	if err != nil {
		return ""
	}
	var known hashedProgram
	if text, ok := st.Mark(key); ok && json.Unmarshal(text, &known) == nil && known.Stamp == before {
		return known.Digest
	}
	digest, err := fileDigest(path)
	if err != nil {
		return ""
	}
	after, err := durable.StampOf(path)
	if err != nil || after != before {
		return ""
	}
	if now.Sub(time.Unix(0, after.Changed)) > settled {
		if text, err := json.Marshal(hashedProgram{after, digest.Hex()}); err == nil {
			_ = st.SetMark(key, text) // what is not kept is hashed again
		}
	}
	return digest.Hex()
}

func kernelRelease() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Release[:])
}

// notedBuilder is what the store knows of the build of an image; nil where it knows
// nothing.
func notedBuilder(st *store.Store, index kiln.Digest) *provenance.Builder {
	text, ok := st.Mark(builderKey(index))
	var b provenance.Builder
	if !ok || json.Unmarshal(text, &b) != nil {
		return nil
	}
	return &b
}
