package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"kiln/internal/lock"
)

// The bars of issue 4, in seconds.
const (
	barSame    = 0.050
	barFile    = 0.150
	barPackage = 0.400
)

// measureSmall measures what people do all day: nothing changed, one file changed,
// one package changed.
func measureSmall(ctx context.Context, b *bench) ([]row, error) {
	var rows []row
	for _, name := range []string{"minbase", "server150"} {
		more, err := b.measureSmallOf(ctx, name)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

// small is a whole recipe with a layer for an application on top.
type small struct {
	*whole
	store string
}

// timed is a contestant with its bar in seconds.
type timed struct {
	*contestant
	bar float64
}

func (b *bench) measureSmallOf(ctx context.Context, name string) ([]row, error) {
	w, err := b.newSmall(ctx, name)
	if err != nil {
		return nil, err
	}
	list := []timed{{w.same(), barSame}, {w.file(), barFile}}
	if name == "server150" {
		for _, p := range changing(packagesOf(w.lock)) {
			list = append(list, timed{w.changed(p, true), barPackage}, timed{w.changed(p, false), 0})
		}
	}
	var all []*contestant
	for _, t := range list {
		all = append(all, t.contestant)
	}
	var peers []*contestant
	if has("umoci") {
		peers = []*contestant{w.umociRepack(), w.umociInsert()}
		all = append(all, peers...)
	}
	if err := takeTurns(ctx, "small "+name, b.options.runs, all); err != nil {
		return nil, err
	}
	prefix := fmt.Sprintf("%s (%d packages): ", name, len(packagesOf(w.lock)))
	var rows []row
	for _, t := range list {
		rows = append(rows, row{Case: prefix + t.name, Kiln: t.series(), KilnCPU: t.cpu(), Peak: t.peaks(), Seconds: t.bar})
	}
	for _, p := range peers {
		rows = append(rows, pairing{"one files: entry changed", list[1].contestant, p, 0}.row(prefix))
	}
	return rows, os.RemoveAll(w.dir)
}

// newSmall builds the image once, so that everything is cached.
func (b *bench) newSmall(ctx context.Context, name string) (*small, error) {
	w, err := b.newWhole(ctx, name)
	if err != nil {
		return nil, err
	}
	w.dir += "-small"
	s := &small{whole: w, store: filepath.Join(w.dir, "store")}
	if err := b.newStore(s.store, w.lock); err != nil {
		return nil, err
	}
	first := filepath.Join(s.dir, "first")
	if err := s.lay(first, s.withApp(0)); err != nil {
		return nil, err
	}
	_, _, err = s.build(first, s.store, "-o", s.image("first")).run(ctx)
	return s, err
}

func (s *small) image(name string) string { return "oci:" + filepath.Join(s.dir, name, "out.oci") }

// withApp is the recipe with a layer that holds one file.
func (s *small) withApp(run int) string {
	return inBase(s.text, fmt.Sprintf("  - name: app\n    files:\n      - {path: /etc/app.conf, content: \"run = %d\\n\", why: one file that changes}\n", run))
}

// same builds what the output already is.
func (s *small) same() *contestant {
	dir := filepath.Join(s.dir, "first")
	return &contestant{
		name:    "no change",
		command: func(int) child { return s.build(dir, s.store, "-o", s.image("first")) },
	}
}

// file builds with one file of the application's layer changed, into the same output.
func (s *small) file() *contestant {
	dir := filepath.Join(s.dir, "file")
	return &contestant{
		name:    "one files: entry changed",
		prepare: func(run int) error { return s.lay(dir, s.withApp(run+1)) },
		command: func(int) child { return s.build(dir, s.store, "-o", s.image("file")) },
	}
}

// layout copies the image that kiln made, for umoci to change.
func (s *small) layout(dir string) (string, error) {
	layout := filepath.Join(dir, "out.oci")
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	return layout, os.CopyFS(layout, os.DirFS(filepath.Join(s.dir, "first", "out.oci")))
}

// umociInsert puts one changed file into the image: a new layer on top of the one
// that holds the file as it was.
func (s *small) umociInsert() *contestant {
	dir := filepath.Join(s.dir, "umoci-insert")
	layout, file := "", filepath.Join(dir, "app.conf")
	return &contestant{
		name: "umoci insert",
		prepare: func(run int) (err error) {
			if layout, err = s.layout(dir); err != nil {
				return err
			}
			return write(file, fmt.Sprintf("run = %d\n", run+1))
		},
		command: func(int) child {
			return child{argv: append(umoci("insert"), "--image", layout+":latest", file, "/etc/app.conf")}
		},
	}
}

// umociRepack unpacks the image, changes the file and packs what differs: what
// umoci's manual tells people to do who change an image.
func (s *small) umociRepack() *contestant {
	dir := filepath.Join(s.dir, "umoci-repack")
	var layout string
	return &contestant{
		name: "umoci unpack and repack",
		prepare: func(int) (err error) {
			layout, err = s.layout(dir)
			return err
		},
		command: func(run int) child {
			script := `umoci unpack $ROOTLESS --image "$LAYOUT:latest" "$BUNDLE" && echo "run = $RUN" >"$BUNDLE/rootfs/etc/app.conf" && umoci repack --image "$LAYOUT:latest" "$BUNDLE"`
			return child{
				argv: []string{"bash", "-c", script},
				env: []string{
					"ROOTLESS=" + strings.Join(umoci("")[2:], " "), "LAYOUT=" + layout, "BUNDLE=" + filepath.Join(dir, "bundle"), fmt.Sprintf("RUN=%d", run+1),
				},
			}
		},
	}
}

// umoci is a command of umoci, which wants to be told that it is not run by root.
func umoci(command string) []string {
	if os.Getuid() == 0 {
		return []string{"umoci", command}
	}
	return []string{"umoci", command, "--rootless"}
}

// changing chooses the packages to change: the library of the best known security
// updates, and the one in the middle by size.
func changing(all []lock.Package) []lock.Package {
	bySize := slices.SortedFunc(slices.Values(all), func(x, y lock.Package) int {
		return cmp.Or(cmp.Compare(x.Size, y.Size), cmp.Compare(x.Name, y.Name))
	})
	list := []lock.Package{bySize[len(bySize)/2]}
	for _, p := range all {
		if p.Name == "libssl3t64" {
			list = append(list, p)
		}
	}
	return list
}

// changed builds with another version of one package, a local .deb, that no run
// saw before. Where it is locked, that was done before; else the build finds the
// lock stale, resolves anew against the locked archive and writes it.
func (s *small) changed(p lock.Package, locked bool) *contestant {
	name := fmt.Sprintf("one package changed, %s of %.1f MB", p.Name, float64(p.Size)/1e6)
	mark := "a"
	if !locked {
		name, mark = name+", lock made anew", "b"
	}
	dir := filepath.Join(s.dir, p.Name+"-"+mark)
	return &contestant{
		name: name,
		prepare: func(run int) error {
			if run == 0 {
				if err := s.lay(dir, s.withApp(0)); err != nil {
					return err
				}
			}
			file := fmt.Sprintf("%s-%s%d.deb", p.Name, mark, run)
			if err := s.repack(p, fmt.Sprintf("+%s%d", mark, run), filepath.Join(dir, file)); err != nil {
				return err
			}
			if err := write(filepath.Join(dir, "kiln.yaml"), withDeb(s.withApp(0), file)); err != nil || !locked {
				return err
			}
			_, _, err := s.offline("lock", dir, "-q", "--store", s.store).run(context.Background())
			return err
		},
		command: func(int) child {
			if locked {
				return s.build(dir, s.store, "-o", s.image(filepath.Base(dir)))
			}
			return s.offline("build", dir, "--json", "--store", s.store, "-o", s.image(filepath.Base(dir)))
		},
	}
}
