package closure

import "strings"

// PAMLine is one line of a file of pam.d (pam.conf(5)) that names a module or
// another file.
type PAMLine struct {
	Line    int    `json:"line"` // from 1
	Module  string `json:"module,omitempty"`
	Include string `json:"include,omitempty"` // file beside it that is read in its place
	Spared  bool   `json:"spared,omitempty"`  // what is missing stops nobody: optional
}

// readPAM returns the lines that need something. One with a "-" before its type
// says itself that the module may be missing, and is left out.
func readPAM(content []byte) []PAMLine {
	var lines []PAMLine
	number := 0
	for text := range strings.Lines(strings.ReplaceAll(string(content), "\\\n", " \x00")) {
		at := number + 1
		number += 1 + strings.Count(text, "\x00")
		text, _, _ = strings.Cut(strings.ReplaceAll(text, "\x00", ""), "#")
		words := strings.Fields(text)
		if len(words) == 2 && words[0] == "@include" {
			lines = append(lines, PAMLine{Line: at, Include: words[1]})
			continue
		}
		if len(words) < 3 || strings.HasPrefix(words[0], "-") {
			continue
		}
		l := PAMLine{Line: at, Spared: words[1] == "optional"}
		rest := words[2:]
		if strings.HasPrefix(words[1], "[") {
			end := 1
			for end < len(words) && !strings.HasSuffix(words[end], "]") {
				end++
			}
			rest = words[min(end+1, len(words)):]
		}
		switch {
		case len(rest) == 0:
			continue
		case words[1] == "include" || words[1] == "substack":
			l.Include = rest[0]
		default:
			l.Module = rest[0]
		}
		lines = append(lines, l)
	}
	return lines
}
