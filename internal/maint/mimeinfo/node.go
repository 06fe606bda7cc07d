package mimeinfo

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

const namespace = "http://www.freedesktop.org/standards/shared-mime-info"

// node is an element of a description, a text or a comment.
type node struct {
	name       string // of an element
	attributes []xml.Attr
	children   []*node
	text       string
	comment    bool
}

func (n *node) isElement() bool { return n.name != "" }

// attribute returns the value of an attribute that has no prefix.
func (n *node) attribute(name string) (string, bool) {
	for _, a := range n.attributes {
		if a.Name.Space == "" && a.Name.Local == name {
			return a.Value, true
		}
	}
	return "", false
}

// lang returns the value of xml:lang.
func (n *node) lang() string {
	for _, a := range n.attributes {
		if a.Name.Space == "xml" && a.Name.Local == "lang" {
			return a.Value
		}
	}
	return ""
}

// parse reads a description. There is one namespace in it, which needs no prefix;
// parts that would not come out of libxml2 as they went in are errors.
func parse(data []byte) (*node, error) {
	if bytes.Contains(data, []byte("<![CDATA[")) || bytes.Contains(data, []byte("<!ENTITY")) {
		return nil, errors.New("it holds CDATA sections or entities of its own")
	}
	d := xml.NewDecoder(bytes.NewReader(data))
	top := &node{}
	stack := []*node{top}
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		up := stack[len(stack)-1]
		switch t := token.(type) {
		case xml.StartElement:
			n, err := element(t, len(stack) == 1)
			if err != nil {
				return nil, err
			}
			up.children = append(up.children, n)
			stack = append(stack, n)
		case xml.EndElement:
			if len(stack) == 1 || up.name != t.Name.Local {
				return nil, fmt.Errorf("</%s> ends nothing", t.Name.Local)
			}
			stack = stack[:len(stack)-1]
		case xml.CharData:
			if len(stack) > 1 {
				up.children = append(up.children, &node{text: string(t)})
			}
		case xml.Comment:
			if len(stack) > 1 {
				up.children = append(up.children, &node{text: string(t), comment: true})
			}
		}
	}
	if len(stack) != 1 || len(top.children) != 1 {
		return nil, errors.New("it is not one whole element")
	}
	return top.children[0], nil
}

func element(t xml.StartElement, root bool) (*node, error) {
	n := &node{name: t.Name.Local}
	if t.Name.Space != "" {
		return nil, fmt.Errorf("the element <%s:%s> is of another namespace", t.Name.Space, t.Name.Local)
	}
	declared := !root
	for _, a := range t.Copy().Attr {
		switch {
		case a.Name.Space == "" && a.Name.Local == "xmlns":
			if a.Value != namespace {
				return nil, fmt.Errorf("the element <%s> is of the namespace %q", n.name, a.Value)
			}
			declared = true
		case root: // nothing of it is kept
		case a.Name.Space != "" && a.Name.Space != "xml", strings.ContainsAny(a.Value, "\t\r\n"):
			return nil, fmt.Errorf("the attribute %q of <%s> is not known as it is", a.Name.Local, n.name)
		default:
			n.attributes = append(n.attributes, a)
		}
	}
	if !declared {
		return nil, fmt.Errorf("the element <%s> is of no namespace", n.name)
	}
	return n, nil
}

// xml is the file of a type, as xmlSaveFormatFile writes it.
func (t *Type) xml() []byte {
	root := &node{
		name:       "mime-type",
		attributes: []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: namespace}, {Name: xml.Name{Local: "type"}, Value: t.name}},
		children:   append([]*node{{text: "Created automatically by update-mime-database. DO NOT EDIT!", comment: true}}, t.nodes...),
	}
	var b strings.Builder
	b.WriteString("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n")
	root.write(&b, 0, true)
	b.WriteByte('\n')
	return []byte(b.String())
}

var (
	textEscapes      = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#13;")
	attributeEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")
)

// write writes a node. Lines are broken only where no text stands beside elements.
func (n *node) write(b *strings.Builder, level int, breaks bool) {
	switch {
	case n.comment:
		b.WriteString("<!--" + n.text + "-->")
		return
	case !n.isElement():
		b.WriteString(textEscapes.Replace(n.text))
		return
	}
	b.WriteString("<" + n.name)
	for _, a := range n.attributes {
		name := a.Name.Local
		if a.Name.Space != "" {
			name = a.Name.Space + ":" + name
		}
		b.WriteString(" " + name + `="` + attributeEscapes.Replace(a.Value) + `"`)
	}
	if len(n.children) == 0 {
		b.WriteString("/>")
		return
	}
	b.WriteString(">")
	for _, c := range n.children {
		breaks = breaks && (c.comment || c.isElement())
	}
	for _, c := range n.children {
		if breaks {
			b.WriteString("\n" + strings.Repeat("  ", level+1))
		}
		c.write(b, level+1, breaks)
	}
	if breaks {
		b.WriteString("\n" + strings.Repeat("  ", level))
	}
	b.WriteString("</" + n.name + ">")
}
