package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"kiln"
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

// builderOf is the kiln that runs.
func builderOf(f buildFlags) provenance.Builder {
	v := versionOf()
	b := provenance.Builder{
		Version: v.Version, Revision: v.Revision, BuildID: buildID(), Program: programDigest(), Go: v.Go, Platform: v.Platform,
		Kernel: kernelRelease(), Root: os.Geteuid() == 0,
		Flags: provenance.Flags{
			Locked: f.locked, Pack: f.pack != "", TrustLock: f.trustLock, VerifyCache: f.verifyCache,
			Platforms: f.platforms, Compression: f.compression,
		},
	}
	return b
}

// programDigest is the SHA-256 of the program that runs; empty where it cannot be read.
func programDigest() string {
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil))
}

func kernelRelease() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Release[:])
}

// beginNote gathers what is to be noted while the build goes on.
func beginNote(f buildFlags) func(st *store.Store, index kiln.Digest) error {
	done := make(chan provenance.Builder, 1)
	go func() { done <- builderOf(f) }()
	return func(st *store.Store, index kiln.Digest) error {
		text, err := json.Marshal(<-done)
		if err != nil {
			return err
		}
		return st.SetMark(builderKey(index), text)
	}
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
