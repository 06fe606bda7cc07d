package mimeinfo

import (
	"bytes"
	"fmt"
	"strconv"
)

// treeMagic is a rule by what a volume holds.
type treeMagic struct {
	priority int
	of       *Type
	matches  []*treeMatch
}

type treeMatch struct {
	line    string // as it is written, behind the depth
	matches []*treeMatch
}

func (db *Database) readTreeMagic(t *Type, f *node) error {
	priority, err := percentage(f, "priority")
	if err != nil {
		return err
	}
	m := &treeMagic{priority: priority, of: t}
	if m.matches, err = readTreeMatches(f); err != nil {
		return err
	}
	db.treeMagics = append(db.treeMagics, m)
	return nil
}

func readTreeMatches(up *node) ([]*treeMatch, error) {
	var all []*treeMatch
	for _, n := range up.children {
		if !n.isElement() {
			continue
		}
		path, ok := n.attribute("path")
		if n.name != "treematch" || !ok {
			return nil, fmt.Errorf("<%s> is no <treematch> with a path", n.name)
		}
		kind, typed := n.attribute("type")
		switch {
		case !typed:
			kind = "any"
		case kind != "file" && kind != "directory" && kind != "link":
			return nil, fmt.Errorf("the type %q is not known", kind)
		}
		m := &treeMatch{line: ">\"" + path + "\"=" + kind}
		for _, flag := range []string{"match-case", "executable", "non-empty"} {
			if v, _ := n.attribute(flag); v == "true" {
				m.line += "," + flag
			}
		}
		if name, ok := n.attribute("mimetype"); ok {
			m.line += "," + name
		}
		var err error
		if m.matches, err = readTreeMatches(n); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

func (db *Database) treeMagicFile() []byte {
	b := bytes.NewBufferString("MIME-TreeMagic\x00\n")
	for _, m := range db.treeMagics {
		fmt.Fprintf(b, "[%d:%s]\n", m.priority, m.of.name)
		writeTreeMatches(b, m.matches, 0)
	}
	return b.Bytes()
}

func writeTreeMatches(b *bytes.Buffer, list []*treeMatch, depth int) {
	for _, m := range list {
		if depth > 0 {
			b.WriteString(strconv.Itoa(depth))
		}
		b.WriteString(m.line + "\n")
		writeTreeMatches(b, m.matches, depth+1)
	}
}
