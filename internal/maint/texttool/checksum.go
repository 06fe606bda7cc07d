package texttool

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

	"kiln/internal/maint/command"
)

// Checksum is md5sum(1) and its like, chosen by name.
func Checksum(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("check,c binary,b text,t status quiet warn,w strict ignore-missing")
	if err != nil {
		return 0, err
	}
	make := map[string]func() hash.Hash{"md5sum": md5.New, "sha1sum": sha1.New, "sha224sum": sha256.New224, "sha256sum": sha256.New, "sha384sum": sha512.New384, "sha512sum": sha512.New}[c.Name]
	if make == nil {
		return 0, c.Unhonoured("there is no such checksum")
	}
	if o.Has("check") {
		return checkSums(c, o, make)
	}
	var out command.Output
	status, err := c.Inputs(o.Rest, func(name string, r io.Reader) error {
		h := make()
		_, err := io.Copy(h, r)
		mark := " "
		if o.Has("binary") {
			mark = "*"
		}
		if err == nil {
			out.Line(hex.EncodeToString(h.Sum(nil)) + " " + mark + name)
		}
		return err
	})
	if err != nil {
		return status, err
	}
	return out.Flush(c, status)
}

// checkSums is md5sum -c.
func checkSums(c *command.Call, o command.Options, make func() hash.Hash) (int, error) {
	lines, status := c.LinesOf(o.Rest)
	var out command.Output
	checked := 0
	for _, line := range lines {
		sum, name, ok := strings.Cut(line, " ")
		if !ok || len(sum) != 2*make().Size() || name == "" {
			if o.Has("strict") {
				status = 1
			}
			continue
		}
		checked++
		name = name[1:]
		data, err := c.ReadAll(name)
		switch {
		case err != nil && o.Has("ignore-missing") && command.IsMissing(err):
			continue
		case err != nil:
			out.Line(name + ": FAILED open or read")
			status = 1
			continue
		}
		h := make()
		h.Write(data)
		if hex.EncodeToString(h.Sum(nil)) != strings.ToLower(sum) {
			out.Line(name + ": FAILED")
			status = 1
		} else if !o.Has("quiet") {
			out.Line(name + ": OK")
		}
	}
	if checked == 0 {
		status, _ = c.Complain(1, "no properly formatted checksum lines found")
	}
	if o.Has("status") {
		return status, nil
	}
	return out.Flush(c, status)
}
