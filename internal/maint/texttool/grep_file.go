package texttool

import (
	"strconv"
	"strings"

	"kiln/internal/maint/vfs"
	"kiln/internal/tree"
)

// expand lists the files below what is named.
func (g *grep) expand(names []string) []string {
	if len(names) == 0 {
		names = []string{"."}
	}
	var all []string
	for _, name := range names {
		err := g.c.FS.Visit(g.c.Path(name), func(p string, info vfs.Info) bool {
			if info.Kind() == tree.File || p == g.c.Path(name) && info.Kind() != tree.Dir {
				all = append(all, name+strings.TrimPrefix(p, g.c.Path(name)))
			}
			return true
		})
		if err != nil {
			all = append(all, name)
		}
	}
	return all
}

func (g *grep) file(name string) error {
	data, err := g.c.ReadAll(name)
	if err != nil {
		return err
	}
	end := "\n"
	if g.o.Has("null-data") {
		end = "\x00"
	}
	lines := strings.Split(strings.TrimSuffix(string(data), end), end)
	if len(data) == 0 {
		lines = nil
	}
	binary := strings.Contains(string(data), "\x00") && !g.o.Has("text") && !g.o.Has("null-data")
	shown := name
	if name == "-" {
		shown = "(standard input)"
	}
	count := 0
	for i, line := range lines {
		if g.limit >= 0 && count >= g.limit {
			break
		}
		if g.matches(line) == g.o.Has("invert-match") {
			continue
		}
		count++
		g.matched = g.matched || !g.o.Has("files-without-match")
		if g.o.Has("quiet") || g.o.Has("files-with-matches") || g.o.Has("files-without-match") {
			break
		}
		if binary && !g.o.Has("count") {
			g.out.Line("grep: " + shown + ": binary file matches")
			break
		}
		g.line(shown, i+1, line, end)
	}
	g.summary(shown, count)
	return nil
}

// summary prints what is said of a file as a whole.
func (g *grep) summary(shown string, count int) {
	switch {
	case g.o.Has("files-with-matches"):
		if count > 0 {
			g.out.Line(shown)
		}
	case g.o.Has("files-without-match"):
		if count == 0 {
			g.out.Line(shown)
			g.matched = true
		}
	case g.o.Has("count"):
		if g.named {
			g.out.WriteString(shown + ":")
		}
		g.out.Line(strconv.Itoa(count))
	}
}

func (g *grep) matches(line string) bool {
	for _, re := range g.res {
		if re.MatchString(line) {
			return true
		}
	}
	return false
}

func (g *grep) line(shown string, number int, line, end string) {
	if g.o.Has("count") {
		return
	}
	prefix := ""
	if g.named {
		prefix = shown + ":"
	}
	if g.o.Has("line-number") {
		prefix += strconv.Itoa(number) + ":"
	}
	if !g.o.Has("only-matching") {
		g.out.WriteString(prefix + line + end)
		return
	}
	if g.o.Has("invert-match") {
		return
	}
	for len(line) > 0 {
		from, to := g.first(line)
		if from < 0 {
			return
		}
		if to > from {
			g.out.WriteString(prefix + line[from:to] + end)
		}
		line = line[max(to, from+1):]
	}
}

// first returns where the leftmost match of any pattern is, the longest of them.
func (g *grep) first(line string) (from, to int) {
	from = -1
	for _, re := range g.res {
		m := re.FindStringSubmatchIndex(line)
		if m == nil {
			continue
		}
		a, b := m[0], m[1]
		if g.o.Has("word-regexp") && !g.o.Has("line-regexp") {
			a, b = m[2], m[3]
		}
		if from < 0 || a < from || a == from && b > to {
			from, to = a, b
		}
	}
	return from, to
}
