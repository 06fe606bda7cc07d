package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"kiln/internal/lock"
)

// contests lists what is measured, but for the growth.
func contests() []contest {
	whole := func(name string, warmBar, coldBar float64) contest {
		return contest{name: name, measure: func(ctx context.Context, b *bench) ([]row, error) {
			return b.measureWhole(ctx, name, warmBar, coldBar)
		}}
	}
	return []contest{
		whole("minbase", 25, 4),
		whole("server150", 0, 0),
		{name: "small", measure: measureSmall},
		{name: "disk", measure: measureDisk},
	}
}

// whole is one recipe that kiln and the peers make a whole image of.
type whole struct {
	*bench
	name    string
	text    string // of the recipe
	lock    *lock.Lock
	archive string // folder of the peers' archive
	dir     string
	digest  string // of the image, the same in each cold store
}

func (b *bench) newWhole(ctx context.Context, name string) (*whole, error) {
	text, err := b.recipe(name)
	if err != nil {
		return nil, err
	}
	from, err := b.fetch(ctx, name, text)
	if err != nil {
		return nil, err
	}
	l, err := lock.Load(filepath.Join(from, "kiln.lock"))
	return &whole{bench: b, name: name, text: text, lock: l, dir: filepath.Join(b.work, name)}, err
}

// lay puts a recipe with its lock into a folder of its own.
func (w *whole) lay(dir, text string) error {
	if err := write(filepath.Join(dir, "kiln.yaml"), text); err != nil {
		return err
	}
	return w.lock.Save(filepath.Join(dir, "kiln.lock"))
}

// measureWhole makes whole images: kiln from a cold store and from one that lacks
// nothing but the image, and the peers. A bar of 0 is none.
func (b *bench) measureWhole(ctx context.Context, name string, warmBar, coldBar float64) ([]row, error) {
	w, err := b.newWhole(ctx, name)
	if err != nil {
		return nil, err
	}
	if w.archive, err = b.newArchive(name, w.lock); err != nil {
		return nil, err
	}
	warmStore := filepath.Join(w.dir, "warm-store")
	if err := b.newStore(warmStore, w.lock); err != nil {
		return nil, err
	}
	warmTar, warmOCI := w.warm(warmStore, "tar"), w.warm(warmStore, "oci")
	coldOCI, coldTar := w.cold("oci"), w.cold("tar")
	tarred, zipped := w.mmdebstrap("out.tar", ""), w.mmdebstrap("out.tar.gz", "gzip -6")
	all := []*contestant{warmTar, tarred, warmOCI, coldOCI, zipped, coldTar}
	rows := []pairing{
		{"everything cached but the image, to a tar", warmTar, tarred, warmBar},
		{"everything cached but the image, to an OCI image with gzip layers", warmOCI, tarred, warmBar},
		{"cold store, .debs at hand, to an OCI image with gzip layers", coldOCI, tarred, coldBar},
		{"cold store, .debs at hand, to an OCI image with gzip layers", coldOCI, zipped, 0},
		{"cold store, .debs at hand, to a tar", coldTar, tarred, 0},
	}
	if has("pigz") {
		c := w.mmdebstrap("out.tar.gz", "pigz -6")
		all = append(all, c)
		rows = append(rows, pairing{"cold store, .debs at hand, to an OCI image with gzip layers", coldOCI, c, 0})
	}
	if has("debootstrap") && os.Getuid() == 0 {
		c := w.debootstrap()
		all = append(all, c)
		rows = append(rows, pairing{"cold store, .debs at hand, to a tar", coldTar, c, 0})
	}
	if err := takeTurns(ctx, name, b.options.runs, all); err != nil {
		return nil, err
	}
	var list []row
	for _, p := range rows {
		list = append(list, p.row(fmt.Sprintf("%s (%d packages): ", name, len(packagesOf(w.lock)))))
	}
	return list, os.RemoveAll(w.dir)
}

// warm builds with every package decoded and compressed, but an image that never
// was: in each run the base layer has another file and the image another label. So
// all of the layer is joined and hashed, all scripts that look at the file are interpreted,
// and nothing that was made for another image can stand in for this one.
func (w *whole) warm(store, format string) *contestant {
	dir := filepath.Join(w.dir, "warm-"+format)
	out := filepath.Join(dir, "out."+format)
	return &contestant{
		name: "kiln, everything cached but the image, " + format,
		prepare: func(run int) error {
			if err := os.RemoveAll(out); err != nil {
				return err
			}
			mark := fmt.Sprintf("%s %d", format, run)
			text := inBase(w.text, fmt.Sprintf("    files:\n      - {path: /etc/measured, content: %q, why: another image in each run}\n", mark))
			return w.lay(dir, text+fmt.Sprintf("container:\n  labels: {measured: %q}\n", mark))
		},
		command: func(int) child { return w.build(dir, store, "-o", format+":"+out) },
		check: func(run int, _ []byte) error {
			if format == "tar" && run == 0 {
				return checkInstalled(out, w.lock)
			}
			return nil
		},
	}
}

// cold builds with a store that holds the .debs and nothing else.
func (w *whole) cold(format string) *contestant {
	dir := filepath.Join(w.dir, "cold-"+format)
	store, out := filepath.Join(dir, "store"), filepath.Join(dir, "out."+format)
	return &contestant{
		name: "kiln, cold store, " + format,
		prepare: func(int) error {
			if err := os.RemoveAll(out); err != nil {
				return err
			}
			if err := w.lay(dir, w.text); err != nil {
				return err
			}
			return w.newStore(store, w.lock)
		},
		command: func(int) child { return w.build(dir, store, "-o", format+":"+out) },
		check: func(_ int, out []byte) error {
			r, err := readReport(out)
			if err != nil {
				return err
			}
			if w.digest == "" {
				w.digest = r.Images[0].Digest
			}
			if r.Images[0].Digest != w.digest {
				return fmt.Errorf("one run made the image %s, another %s", w.digest, r.Images[0].Digest)
			}
			return nil
		},
	}
}

// mmdebstrap makes the tar out, through a compressor where one is named.
func (w *whole) mmdebstrap(out, compressor string) *contestant {
	dir := filepath.Join(w.dir, "mmdebstrap")
	out = filepath.Join(dir, out)
	name := "mmdebstrap, tar"
	script := `mmdebstrap "$@" - "$SOURCE" >"$OUT"`
	if compressor != "" {
		name += " | " + compressor
		script = `mmdebstrap "$@" - "$SOURCE" | ` + compressor + ` >"$OUT"`
	}
	source := fmt.Sprintf("deb [trusted=yes] copy:%s trixie main", w.archive)
	return &contestant{
		name: name,
		prepare: func(int) error {
			if err := os.RemoveAll(dir); err != nil {
				return err
			}
			return os.MkdirAll(dir, 0o755)
		},
		command: func(int) child {
			return child{
				argv: confined("bash", "-o", "pipefail", "-c", script, "bash",
					"--variant=minbase", "--quiet", "--include="+strings.Join(w.names(), ","), "trixie"),
				env: []string{"OUT=" + out, "SOURCE=" + source, "TMPDIR=" + dir, "SOURCE_DATE_EPOCH=1700000000"},
			}
		},
		check: func(run int, _ []byte) error {
			if compressor == "" && run == 0 {
				return checkInstalled(out, w.lock)
			}
			return nil
		},
	}
}

// debootstrap makes a folder and, as it writes nothing else, tar a tar of it.
func (w *whole) debootstrap() *contestant {
	dir := filepath.Join(w.dir, "debootstrap")
	out := filepath.Join(w.dir, "debootstrap.tar")
	return &contestant{
		name:    "debootstrap and tar",
		prepare: func(int) error { return os.RemoveAll(dir) },
		command: func(int) child {
			return child{
				argv: confined("bash", "-c", `debootstrap --variant=minbase --no-check-gpg --include="$NAMES" trixie "$ROOT" "file://$ARCHIVE" && tar -C "$ROOT" --numeric-owner -cf "$OUT" .`),
				env:  []string{"NAMES=" + strings.Join(w.names(), ","), "ROOT=" + dir, "ARCHIVE=" + w.archive, "OUT=" + out},
			}
		},
		check: func(run int, _ []byte) error {
			if run == 0 {
				return checkInstalled(out, w.lock)
			}
			return nil
		},
	}
}

func (w *whole) names() []string {
	var names []string
	for _, p := range packagesOf(w.lock) {
		names = append(names, p.Name)
	}
	return names
}
