package apttest

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// hashOf returns the hash that a Release's section of that name holds.
func hashOf(section string, b []byte) string {
	switch section {
	case "MD5Sum":
		h := md5.Sum(b)
		return hex.EncodeToString(h[:])
	case "SHA1":
		h := sha1.Sum(b)
		return hex.EncodeToString(h[:])
	case "SHA256":
		h := sha256.Sum256(b)
		return hex.EncodeToString(h[:])
	case "SHA512":
		h := sha512.Sum512(b)
		return hex.EncodeToString(h[:])
	}
	panic("apttest: unknown hash " + section)
}

// compress returns b in the form that the suffix names.
func compress(b []byte, suffix string) []byte {
	var out bytes.Buffer
	var w io.WriteCloser
	var err error
	switch suffix {
	case "":
		return b
	case "gz":
		w = gzip.NewWriter(&out)
	case "xz":
		w, err = xz.NewWriter(&out)
	case "zst":
		w, err = zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1))
	default:
		panic("apttest: unknown compression " + suffix)
	}
	must(err)
	_, err = w.Write(b)
	must(err)
	must(w.Close())
	return out.Bytes()
}
