package command

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"io"
	"strings"
)

// Checksum is md5sum(1) and its like, chosen by name.
func Checksum(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "check,c binary,b text,t status quiet warn,w strict ignore-missing")
	if err != nil {
		return 0, err
	}
	make := map[string]func() hash.Hash{"md5sum": md5.New, "sha1sum": sha1.New, "sha224sum": sha256.New224, "sha256sum": sha256.New, "sha384sum": sha512.New384, "sha512sum": sha512.New}[c.Name]
	if make == nil {
		return 0, unhonoured(c, "there is no such checksum")
	}
	if o.has("check") {
		return checkSums(c, o, make)
	}
	var out output
	status, err := c.inputs(o.rest, func(name string, r io.Reader) error {
		h := make()
		_, err := io.Copy(h, r)
		mark := " "
		if o.has("binary") {
			mark = "*"
		}
		if err == nil {
			out.line(hex.EncodeToString(h.Sum(nil)) + " " + mark + name)
		}
		return err
	})
	if err != nil {
		return status, err
	}
	return out.flush(c, status)
}

// checkSums is md5sum -c.
func checkSums(c *Call, o options, make func() hash.Hash) (int, error) {
	lines, status := c.linesOf(o.rest)
	var out output
	checked := 0
	for _, line := range lines {
		sum, name, ok := strings.Cut(line, " ")
		if !ok || len(sum) != 2*make().Size() || name == "" {
			if o.has("strict") {
				status = 1
			}
			continue
		}
		checked++
		name = name[1:]
		data, err := c.readAll(name)
		switch {
		case err != nil && o.has("ignore-missing") && isMissing(err):
			continue
		case err != nil:
			out.line(name + ": FAILED open or read")
			status = 1
			continue
		}
		h := make()
		h.Write(data)
		if hex.EncodeToString(h.Sum(nil)) != strings.ToLower(sum) {
			out.line(name + ": FAILED")
			status = 1
		} else if !o.has("quiet") {
			out.line(name + ": OK")
		}
	}
	if checked == 0 {
		status, _ = complain(c, 1, "no properly formatted checksum lines found")
	}
	if o.has("status") {
		return status, nil
	}
	return out.flush(c, status)
}
