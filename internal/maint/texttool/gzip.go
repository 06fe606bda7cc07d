package texttool

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"

	"kiln"
	"kiln/internal/maint/command"
)

// unpackedLimit bounds what one call of gzip makes, in bytes.
const unpackedLimit = 512 << 20

// Gzip is gzip(1), gunzip(1) and zcat(1). No name and no time goes into what it
// packs, whatever -n says.
func Gzip(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("decompress,d stdout,to-stdout,c force,f keep,k no-name,n name,N quiet,q verbose,v fast,1 best,9 2 3 4 5 6 7 8")
	if err != nil {
		return 0, err
	}
	if o.Has("name") {
		return 0, c.Unhonoured("the option -N is not known")
	}
	g := gzipper{c: c, o: o, unpack: o.Has("decompress") || c.Name != "gzip", out: o.Has("stdout") || c.Name == "zcat"}
	if len(o.Rest) == 0 {
		o.Rest, g.out = []string{"-"}, true
	}
	status := 0
	for _, name := range o.Rest {
		if err := g.file(name); err != nil {
			var k *kiln.Error
			if errors.As(err, &k) {
				return 0, err
			}
			status, _ = c.Failed(1, name, err)
		}
	}
	return status, nil
}

type gzipper struct {
	c           *command.Call
	o           command.Options
	unpack, out bool
}

func (g gzipper) file(name string) error {
	data, err := g.c.ReadAll(name)
	if err != nil {
		return err
	}
	if g.unpack {
		data, err = g.unpacked(data)
	} else {
		data, err = packed(data, g.level())
	}
	if err != nil {
		return err
	}
	if g.out || name == "-" {
		_, err := g.c.Stdout.Write(data)
		return err
	}
	to := name + ".gz"
	if g.unpack {
		var ok bool
		if to, ok = strings.CutSuffix(name, ".gz"); !ok {
			return errors.New("unknown suffix -- ignored")
		}
	}
	return g.replace(name, to, data)
}

func (g gzipper) level() int {
	for i, name := range []string{"fast", "2", "3", "4", "5", "6", "7", "8", "best"} {
		if g.o.Has(name) {
			return i + 1
		}
	}
	return 6
}

func (g gzipper) unpacked(data []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, errors.New("not in gzip format")
	}
	out, err := io.ReadAll(io.LimitReader(r, unpackedLimit+1))
	if len(out) > unpackedLimit {
		return nil, g.c.Unhonoured("it unpacks to more than %d bytes", unpackedLimit)
	}
	return out, err
}

func packed(data []byte, level int) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, level)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	err = w.Close()
	return b.Bytes(), err
}

func (g gzipper) replace(name, to string, data []byte) error {
	f, from, target := g.c.FS, g.c.Path(name), g.c.Path(to)
	info, err := f.Stat(from)
	if err != nil {
		return err
	}
	if f.Present(target) && !g.o.Has("force") {
		return errors.New(to + " already exists; not overwritten")
	}
	if err := f.WriteFile(target, data, info.Perm()); err != nil {
		return err
	}
	if err := f.Chown(target, info.UID, info.GID); err != nil {
		return err
	}
	if err := f.Chmod(target, info.Perm()); err != nil {
		return err
	}
	if err := f.Chtimes(target, info.Epoch()); err != nil || g.o.Has("keep") {
		return err
	}
	return f.Remove(from)
}
