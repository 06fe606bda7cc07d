package texttool

import (
	"fmt"
	"strconv"
	"strings"
)

// sortKey is a -k: from a field and character to another, counted from 1.
type sortKey struct {
	field, char       int
	endField, endChar int // endField 0: to the end of the line; endChar 0: of the field
	flags             sortFlags
}

// key reads "2,2n" and the like. A key without flags of its own has the global
// ones.
func (s *sorter) key(spec string) (sortKey, error) {
	start, end, ranged := strings.Cut(spec, ",")
	k := sortKey{char: 1}
	var letters, more string
	var err error
	if k.field, k.char, letters, err = keyPosition(start, 1); err != nil {
		return k, fmt.Errorf("invalid key %q", spec)
	}
	if ranged {
		if k.endField, k.endChar, more, err = keyPosition(end, 0); err != nil {
			return k, fmt.Errorf("invalid key %q", spec)
		}
	}
	if letters += more; letters == "" {
		k.flags = s.global
		return k, nil
	}
	for _, l := range letters {
		switch l {
		case 'n':
			k.flags.numeric = true
		case 'r':
			k.flags.reverse = true
		case 'f':
			k.flags.fold = true
		case 'b':
			k.flags.blanks = true
		case 'V':
			k.flags.version = true
		default:
			return k, fmt.Errorf("invalid key %q", spec)
		}
	}
	return k, nil
}

func keyPosition(text string, char int) (int, int, string, error) {
	digits := strings.TrimRight(text, "nrfbVdgMhi")
	letters := text[len(digits):]
	field, at, both := strings.Cut(digits, ".")
	n, err := strconv.Atoi(field)
	if err == nil && both {
		char, err = strconv.Atoi(at)
	}
	if n < 1 || char < 0 {
		err = strconv.ErrRange
	}
	return n, char, letters, err
}

// extract returns the part of line that k names.
func (s *sorter) extract(line string, k sortKey) string {
	fields := s.fields(line)
	if k.field > len(fields) {
		return ""
	}
	start := fields[k.field-1].from + k.char - 1
	end := len(line)
	if k.endField > 0 && k.endField <= len(fields) {
		f := fields[k.endField-1]
		end = f.to
		if k.endChar > 0 {
			end = min(f.from+k.endChar, f.to)
		}
	}
	if start >= end {
		return ""
	}
	return line[start:end]
}

// fields returns where the fields of a line are. Without a separator, blanks
// belong to the field that follows them.
func (s *sorter) fields(line string) []span {
	var all []span
	if s.separator != "" {
		at := 0
		for part := range strings.SplitSeq(line, s.separator) {
			all = append(all, span{at, at + len(part)})
			at += len(part) + len(s.separator)
		}
		return all
	}
	for at := 0; at < len(line); {
		i := at
		for i < len(line) && (line[i] == ' ' || line[i] == '\t') {
			i++
		}
		for i < len(line) && line[i] != ' ' && line[i] != '\t' {
			i++
		}
		all = append(all, span{at, i})
		at = i
	}
	return all
}
