package kmod

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"
)

// Make makes the indexes, in the order of Indexes. Modules are opened one after the other and
// read on all processors.
func Make(ctx context.Context, s *Source) ([]File, error) {
	modules := choose(s)
	if err := read(ctx, s, modules); err != nil {
		return nil, err
	}
	g, err := link(modules)
	if err != nil {
		return nil, fmt.Errorf("cannot order the modules of %s: %w", s.Release, err)
	}
	makers := map[string]func() ([]byte, error){
		"modules.dep": g.dep, "modules.dep.bin": g.depIndex, "modules.alias": g.alias, "modules.alias.bin": g.aliasIndex,
		"modules.softdep": g.softdep, "modules.weakdep": g.weakdep, "modules.symbols": g.symbols, "modules.symbols.bin": g.symbolsIndex,
		"modules.builtin.bin":       func() ([]byte, error) { return builtinIndex(s.Builtin) },
		"modules.builtin.alias.bin": func() ([]byte, error) { return builtinAliasIndex(s.BuiltinInfo) },
		"modules.devname":           g.devname,
	}
	var files []File
	for _, name := range Indexes() {
		content, err := makers[name]()
		if err != nil {
			return nil, fmt.Errorf("cannot make %s of %s: %w", name, s.Release, err)
		}
		files = append(files, File{name, content})
	}
	return files, nil
}

// read reads what the modules say.
func read(ctx context.Context, s *Source, modules []*module) error {
	open := map[string]func() ([]byte, error){}
	for _, m := range s.Modules {
		open[m.Path] = m.Open
	}
	work, working := errgroup.WithContext(ctx)
	work.SetLimit(runtime.GOMAXPROCS(0))
	for _, m := range modules {
		if working.Err() != nil {
			break
		}
		content, err := open[m.path]()
		if err != nil {
			_ = work.Wait() // this error is the one to tell
			return fmt.Errorf("cannot open the module %q: %w", m.path, err)
		}
		work.Go(func() (err error) {
			m.facts, err = Read(m.path, content)
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return err
	}
	return context.Cause(ctx)
}

func (m *module) depLine() string {
	line := m.path + ":"
	for _, d := range m.closure() {
		line += " " + d.path
	}
	return line
}

func (g *graph) dep() ([]byte, error) {
	var b bytes.Buffer
	for _, m := range g.modules {
		b.WriteString(m.depLine() + "\n")
	}
	return b.Bytes(), nil
}

func (g *graph) depIndex() ([]byte, error) {
	x := newIndex()
	for _, m := range g.modules {
		x.add(m.name, m.depLine(), m.index)
	}
	return x.bytes()
}

func (g *graph) alias() ([]byte, error) {
	b := bytes.NewBufferString("# Aliases extracted from modules themselves.\n")
	for _, m := range g.modules {
		for _, a := range m.facts.Values("alias") {
			fmt.Fprintf(b, "alias %s %s\n", a, m.name)
		}
	}
	return b.Bytes(), nil
}

func (g *graph) aliasIndex() ([]byte, error) {
	x := newIndex()
	for _, m := range g.modules {
		for _, a := range m.facts.Values("alias") {
			if key, ok := normalize(a); ok {
				x.add(key, m.name, m.index)
			}
		}
	}
	return x.bytes()
}

// normalize writes an alias as it is looked up: "-" as "_", but within brackets. ok is
// false where those do not match, which depmod passes over.
func normalize(alias string) (key string, ok bool) {
	var b strings.Builder
	inside := false
	for i := range len(alias) {
		c := alias[i]
		switch {
		case c == ']' && !inside:
			return "", false
		case c == '[':
			inside = true
		case c == ']':
			inside = false
		case c == '-' && !inside:
			c = '_'
		}
		b.WriteByte(c)
	}
	return b.String(), !inside
}

func (g *graph) softdep() ([]byte, error) { return g.wishes("softdep", "Soft") }
func (g *graph) weakdep() ([]byte, error) { return g.wishes("weakdep", "Weak") }

func (g *graph) wishes(key, title string) ([]byte, error) {
	b := bytes.NewBufferString("# " + title + " dependencies extracted from modules themselves.\n")
	for _, m := range g.modules {
		for _, v := range m.facts.Values(key) {
			fmt.Fprintf(b, "%s %s %s\n", key, m.name, v)
		}
	}
	return b.Bytes(), nil
}

// symbolNames are those of all symbols that modules export, in depmod's order.
func (g *graph) symbolNames() []string {
	var names []string
	for n := range g.owners { // sorted below
		names = append(names, n)
	}
	byBucket(names, symbolBuckets)
	return names
}

func (g *graph) symbols() ([]byte, error) {
	b := bytes.NewBufferString("# Aliases for symbols, used by symbol_request().\n")
	for _, n := range g.symbolNames() {
		fmt.Fprintf(b, "alias symbol:%s %s\n", n, g.owners[n].name)
	}
	return b.Bytes(), nil
}

func (g *graph) symbolsIndex() ([]byte, error) {
	x := newIndex()
	for _, n := range g.symbolNames() {
		x.add("symbol:"+n, g.owners[n].name, g.owners[n].index)
	}
	return x.bytes()
}

// devname lists the modules that are loaded when somebody opens their device: those with
// an alias of its name, and one of its number.
func (g *graph) devname() ([]byte, error) {
	var b bytes.Buffer
	for _, m := range g.modules {
		name, named, number := "", false, ""
		for _, a := range m.facts.Values("alias") {
			if n, ok := strings.CutPrefix(a, "devname:"); ok {
				name, named = n, true
			} else if n, ok := deviceNumber(a); ok {
				number = n
			}
			if named && number != "" {
				break
			}
		}
		if !named || number == "" {
			continue
		}
		if b.Len() == 0 {
			b.WriteString("# Device nodes to trigger on-demand module loading.\n")
		}
		fmt.Fprintf(&b, "%s %s %s\n", m.name, name, number)
	}
	return b.Bytes(), nil
}

// deviceNumber reads "char-major-10-235" as "c10:235".
func deviceNumber(alias string) (string, bool) {
	for _, kind := range []string{"char", "block"} {
		var major, minor uint32
		if n, err := fmt.Sscanf(alias, kind+"-major-%d-%d", &major, &minor); n == 2 && err == nil {
			return fmt.Sprintf("%c%d:%d", kind[0], major, minor), true
		}
	}
	return "", false
}

// builtinIndex lists what modules.builtin does: what would be modules, and is in the kernel.
func builtinIndex(list []byte) ([]byte, error) {
	if list == nil {
		return nil, nil // depmod makes an empty file then
	}
	x := newIndex()
	for _, name := range builtins(list) {
		x.add(name, "", 0)
	}
	return x.bytes()
}

func builtins(list []byte) []string {
	var all []string
	for line := range strings.Lines(string(list)) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, Name(line))
		}
	}
	return all
}

// builtinAliasIndex reads modules.builtin.modinfo, "name.key=value" with zero bytes between.
func builtinAliasIndex(list []byte) ([]byte, error) {
	if list == nil {
		return nil, nil
	}
	x := newIndex()
	for _, s := range texts(list) {
		name, rest, _ := strings.Cut(s, ".")
		value, ok := strings.CutPrefix(rest, "alias=")
		if !ok || name == "" || value == "" {
			continue
		}
		if key, ok := normalize(value); ok {
			x.add(key, name, 0)
		}
	}
	return x.bytes()
}
