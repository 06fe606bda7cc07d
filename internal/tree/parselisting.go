package tree

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"kiln"
)

// ParseListing is the inverse of Listing: it returns the tree that a canonical
// listing is of, without origins. Any other text is an error.
func ParseListing(text []byte) (*Tree, error) {
	body, ok := strings.CutPrefix(string(text), listingHeader)
	if !ok {
		return nil, fmt.Errorf("it is no listing of a tree: want %q in its first line", strings.TrimSpace(listingHeader))
	}
	var entries []Entry
	line := 1
	for text := range strings.Lines(body) {
		line++
		e, err := parseLine(strings.TrimSuffix(text, "\n"))
		if err != nil {
			return nil, fmt.Errorf("line %d of the listing: %w", line, err)
		}
		entries = append(entries, e)
	}
	t, err := Of(entries...)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(t.Listing(), text) {
		return nil, fmt.Errorf("the listing is not in its canonical form")
	}
	return t, nil
}

func parseLine(line string) (Entry, error) {
	words := strings.Split(line, " ")
	path, err := unescape(words[0])
	if err != nil {
		return Entry{}, err
	}
	e := Entry{Path: relative(path)}
	for _, word := range words[1:] {
		name, value, ok := strings.Cut(word, "=")
		if !ok {
			return Entry{}, fmt.Errorf("%q is not NAME=VALUE", word)
		}
		if err := e.set(name, value); err != nil {
			return Entry{}, fmt.Errorf("%q: %w", word, err)
		}
	}
	return e, nil
}

// relative is the inverse of Absolute.
func relative(path string) string {
	if path == "/" {
		return "."
	}
	return strings.TrimPrefix(path, "/")
}

// set sets the field that a word of a listing is about.
func (e *Entry) set(name, value string) (err error) {
	switch name {
	case "type":
		return e.Type.UnmarshalText([]byte(value))
	case "mode":
		var n uint64
		n, err = strconv.ParseUint(value, 8, 32)
		e.Mode = uint32(n)
	case "uid":
		e.UID, err = strconv.Atoi(value)
	case "gid":
		e.GID, err = strconv.Atoi(value)
	case "mtime":
		var n int64
		n, err = strconv.ParseInt(value, 10, 64)
		e.ModTime = kiln.Epoch(n)
	case "size":
		e.Size, err = strconv.ParseInt(value, 10, 64)
	case "content":
		e.Content, err = kiln.ParseDigest(value)
	case "link":
		e.Link, err = unescape(value)
	case "hard":
		e.Hard = true
		e.Link, err = unescape(value)
		e.Link = relative(e.Link)
	case "device":
		_, err = fmt.Sscanf(value, "%d,%d", &e.Major, &e.Minor)
	default:
		return e.setXattr(name, value)
	}
	return err
}

func (e *Entry) setXattr(word, value string) error {
	escaped, ok := strings.CutPrefix(word, "xattr.")
	if !ok {
		return fmt.Errorf("no such word")
	}
	name, err := unescape(escaped)
	if err != nil {
		return err
	}
	raw, err := hex.DecodeString(value)
	if err != nil {
		return err
	}
	if e.Xattrs == nil {
		e.Xattrs = map[string]string{}
	}
	e.Xattrs[name] = string(raw)
	return nil
}

// unescape is the inverse of escape.
func unescape(s string) (string, error) {
	if !strings.Contains(s, "%") {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", fmt.Errorf("%q ends within an escape", s)
		}
		c, err := hex.DecodeString(s[i+1 : i+3])
		if err != nil {
			return "", fmt.Errorf("%q: %w", s, err)
		}
		b.Write(c)
		i += 2
	}
	return b.String(), nil
}

// origins is the form in which the origins of a tree are kept: each once, in the
// order of their first entries, and for each entry, in the order of the listing,
// which of them is its own.
type origins struct {
	Origins []Origin `json:"origins"`
	Entries []int    `json:"entries"`
}

// Origins returns the origins of all entries as JSON, which SetOrigins reads.
func (t *Tree) Origins() ([]byte, error) {
	doc := origins{Origins: []Origin{}, Entries: make([]int, 0, t.Len())}
	at, i := map[Origin]int{}, -1
	for e := range t.All() {
		if i < 0 || doc.Origins[i] != e.Origin { // neighbours mostly have the same one
			var known bool
			if i, known = at[e.Origin]; !known {
				i = len(doc.Origins)
				at[e.Origin] = i
				doc.Origins = append(doc.Origins, e.Origin)
			}
		}
		doc.Entries = append(doc.Entries, i)
	}
	return json.Marshal(doc)
}

// SetOrigins gives the entries the origins that Origins told of a tree with the same paths.
func (t *Tree) SetOrigins(b []byte) error {
	var doc origins
	if err := json.Unmarshal(b, &doc); err != nil {
		return fmt.Errorf("cannot read the origins: %w", err)
	}
	if len(doc.Entries) != t.Len() {
		return fmt.Errorf("the origins are of %d entries, the tree has %d", len(doc.Entries), t.Len())
	}
	for i, to := range t.inOrder() {
		n := doc.Entries[i]
		if n < 0 || n >= len(doc.Origins) {
			return fmt.Errorf("the origins name one of %d as %d", len(doc.Origins), n)
		}
		to.entry.Origin = doc.Origins[n]
	}
	return nil
}
