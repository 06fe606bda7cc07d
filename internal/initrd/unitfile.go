package initrd

import (
	"path"
	"strings"

	"kiln/internal/tree"
)

const unitFolder = "usr/lib/systemd/system"

// takeUnits takes the units, their programs, and of the folders beside them what belongs
// to them.
func (b *builder) takeUnits() error {
	chosen := map[string]bool{"emergency.service": true}
	for _, u := range units() {
		chosen[u.name] = true
	}
	for _, u := range units() {
		p := tree.Join(unitFolder, u.name)
		if _, ok := b.source.Lookup(p); !ok {
			if u.optional {
				continue
			}
			from := u.from
			if from == "" {
				from = "systemd"
			}
			return lacking(tree.Absolute(p), u.why, from)
		}
		if err := b.take(p, u.why); err != nil {
			return err
		}
		if err := b.takeBeside(u.name, chosen); err != nil {
			return err
		}
		if err := b.takePrograms(p, u.name); err != nil {
			return err
		}
	}
	return nil
}

// takeBeside takes what NAME.wants and NAME.requires link to of the chosen units, and the
// files in NAME.d.
func (b *builder) takeBeside(name string, chosen map[string]bool) error {
	for _, suffix := range []string{".wants", ".requires"} {
		for _, link := range b.source.Children(tree.Join(unitFolder, name+suffix)) {
			if !chosen[path.Base(link)] || path.Base(link) == "emergency.service" {
				continue
			}
			if _, err := b.source.Resolve(link); err != nil {
				continue // the unit itself is missed with more to say
			}
			if err := b.take(link, "wanted by "+name); err != nil {
				return err
			}
		}
	}
	for _, file := range b.source.Children(tree.Join(unitFolder, name+".d")) {
		if err := b.take(file, "settings of "+name); err != nil {
			return err
		}
		if err := b.takePrograms(file, name); err != nil {
			return err
		}
	}
	return nil
}

// takePrograms takes what the lines Exec... of a unit name (systemd.service(5)).
func (b *builder) takePrograms(file, name string) error {
	text, err := b.read(file)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || !strings.HasPrefix(key, "Exec") || key == "ExecSearchPath" || value == "" {
			continue
		}
		if err := b.takeProgram(value, name); err != nil {
			return err
		}
	}
	return nil
}

// takeProgram takes the program of a command line. One that may fail, with "-", may also be
// missing.
func (b *builder) takeProgram(line, unit string) error {
	program := strings.TrimLeft(strings.Fields(line)[0], "-@:+!|")
	optional := strings.Contains(line[:len(line)-len(strings.TrimLeft(line, "-@:+!|"))], "-")
	candidates := []string{strings.TrimPrefix(program, "/")}
	if !strings.HasPrefix(program, "/") {
		candidates = []string{tree.Join("usr/bin", program), tree.Join("usr/sbin", program)}
	}
	for _, p := range candidates {
		if _, err := b.source.Resolve(p); err == nil {
			return b.take(p, "run by "+unit)
		}
	}
	if optional {
		return nil
	}
	return lacking(program, "run by "+unit, "")
}
