package maint

import (
	"context"
	"slices"
	"strings"
)

// interest is one line of a package's triggers file by which it wants to be told
// (deb-triggers(5)).
type interest struct{ name string }

// readInterests reads the interest lines of the package's triggers file.
func (m *member) readInterests() []interest {
	var list []interest
	for _, f := range m.triggerLines() {
		switch f[0] {
		case "interest", "interest-await", "interest-noawait":
			list = append(list, interest{f[1]})
		}
	}
	return list
}

// activations lists the triggers that the package activates by itself.
func (m *member) activations() []string {
	var list []string
	for _, f := range m.triggerLines() {
		switch f[0] {
		case "activate", "activate-await", "activate-noawait":
			list = append(list, f[1])
		}
	}
	return list
}

func (m *member) triggerLines() [][]string {
	text, _ := m.file("triggers")
	var lines [][]string
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		if f := strings.Fields(line); len(f) == 2 {
			lines = append(lines, f)
		}
	}
	return lines
}

// activate tells every package that is interested in a trigger by its name.
func (n *installation) activate(name string) {
	for _, m := range n.db.packages {
		for _, i := range m.interests {
			if i.name == name {
				m.wake(name)
			}
		}
	}
}

// activateFiles tells the packages that are interested in any of the paths.
func (n *installation) activateFiles(paths []string) {
	for _, m := range n.db.packages {
		for _, i := range m.interests {
			if !strings.HasPrefix(i.name, "/") || !m.wakeable(i.name) {
				continue
			}
			if slices.ContainsFunc(paths, func(p string) bool { return within(p, i.name) }) {
				m.wake(i.name)
			}
		}
	}
}

// within reports whether p is dir or below it.
func within(p, dir string) bool {
	return strings.HasPrefix(p, dir) && (len(p) == len(dir) || p[len(dir)] == '/')
}

// wakeable reports whether a trigger would be news. One that is activated before
// the package is configured is served by its configuration.
func (m *member) wakeable(trigger string) bool {
	return m.configured && !slices.Contains(m.pending, trigger)
}

// wake notes a trigger.
func (m *member) wake(trigger string) {
	if m.wakeable(trigger) {
		m.pending = append(m.pending, trigger)
		m.state = triggersPending
	}
}

// takeActivated passes on what dpkg-trigger has activated since the last time.
func (n *installation) takeActivated() {
	names := n.machine.Triggers
	n.machine.Triggers = nil
	for _, name := range names {
		n.activate(name)
		if strings.HasPrefix(name, "/") {
			n.activateFiles([]string{name})
		}
	}
}

// maxTriggerRounds bounds triggers that activate each other; dpkg stops such a
// loop as well.
const maxTriggerRounds = 50

// processTriggers runs the postinst of every package with pending triggers.
func (n *installation) processTriggers(ctx context.Context) error {
	for range maxTriggerRounds {
		i := slices.IndexFunc(n.db.packages, func(m *member) bool { return len(m.pending) > 0 })
		if i < 0 {
			return nil
		}
		m := n.db.packages[i]
		names := strings.Join(m.pending, " ")
		m.pending = nil
		if err := n.script(ctx, m, "postinst", "triggered", names); err != nil {
			return err
		}
		if m.pending == nil {
			m.state = installed
		}
	}
	return userError("cannot process the triggers: packages wake each other without end")
}
