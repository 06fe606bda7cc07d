package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode"
)

// section is a titled list of lines. A line begins with what became of the thing:
// "+", "-", "~", ">" or, of a risk, "!".
type section struct {
	title string
	named bool     // the title is a name: it is left as it is, and the lines are not counted
	open  bool     // in Markdown, its lines are not folded
	lines []string // at most mostFacts are printed where not all is asked for
	tail  []string // lines that are always printed
}

// sectionReport is a text of sections, for people: plain, or as Markdown. Names in
// it may come from an image of anybody's making.
type sectionReport struct {
	title    string
	note     string // one sentence below the title; may be empty
	sections []section
	notes    []string // what was not looked at
}

// heading is the title with the number of lines.
func (s *section) heading() string {
	if s.named {
		return printable(s.title)
	}
	return fmt.Sprintf("%s (%d)", s.title, len(s.lines))
}

// text prints the report for a terminal.
func (r *sectionReport) text(w io.Writer, all bool) {
	fmt.Fprintln(w, printable(r.title))
	if r.note != "" {
		fmt.Fprintln(w, printable(r.note))
	}
	for _, s := range r.sections {
		if len(s.lines)+len(s.tail) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s\n", s.heading())
		for i, line := range s.lines {
			if !all && !s.open && i == mostFacts && len(s.lines) > mostFacts+1 {
				fmt.Fprintf(w, "  and %d more (--all)\n", len(s.lines)-i)
				break
			}
			fmt.Fprintf(w, "  %s\n", printable(line))
		}
		for _, line := range s.tail {
			fmt.Fprintf(w, "  %s\n", printable(line))
		}
	}
	if len(r.notes) > 0 {
		fmt.Fprintln(w)
	}
	for _, n := range r.notes {
		fmt.Fprintf(w, "not compared: %s\n", printable(n))
	}
}

// markdownBound is how many lines of a section a comment holds: forges take some
// 60,000 characters.
const markdownBound = 100

// markdown prints the report as Markdown with what GitHub and GitLab fold.
func (r *sectionReport) markdown(w io.Writer) {
	fmt.Fprintf(w, "### %s\n\n", escapeMarkdown(upper(printable(r.title))))
	if r.note != "" {
		fmt.Fprintf(w, "%s\n\n", escapeMarkdown(upper(printable(r.note))))
	}
	for _, s := range r.sections {
		if len(s.lines)+len(s.tail) == 0 {
			continue
		}
		title := escapeMarkdown(s.heading())
		if !s.named {
			title = upper(title)
		}
		if s.open {
			fmt.Fprintf(w, "**%s**\n\n", title)
			for _, line := range s.lines {
				fmt.Fprintf(w, "- %s\n", escapeMarkdown(printable(strings.TrimPrefix(line, "! "))))
			}
			fmt.Fprintln(w)
			continue
		}
		fmt.Fprintf(w, "<details><summary>%s</summary>\n\n", title)
		fenced(w, s)
		fmt.Fprint(w, "\n</details>\n\n")
	}
	for _, n := range r.notes {
		fmt.Fprintf(w, "_Not compared: %s._\n", escapeMarkdown(printable(n)))
	}
}

// fenced prints lines in a block that ends nowhere else but at its end.
func fenced(w io.Writer, s section) {
	var lines []string
	for i, line := range s.lines {
		if i == markdownBound {
			lines = append(lines, fmt.Sprintf("and %d more", len(s.lines)-i))
			break
		}
		lines = append(lines, printable(line))
	}
	for _, line := range s.tail {
		lines = append(lines, printable(line))
	}
	text := strings.Join(lines, "\n")
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	language := "diff" // which colours lines by their beginning
	if s.named {
		language = "text"
	}
	fmt.Fprintf(w, "%s%s\n%s\n%s\n", fence, language, text, fence)
}

// escapeMarkdown takes the meaning from what Markdown and HTML give one.
func escapeMarkdown(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "|", `\|`, "@", "&#64;", "#", `\#`).Replace(s)
}

// printable shows what is no letter, mark or blank by its number: a name out of an
// image cannot move a terminal's cursor or forge a line.
func printable(s string) string {
	if !strings.ContainsFunc(s, unprintable) {
		return s
	}
	var b strings.Builder
	for _, c := range s {
		if unprintable(c) {
			fmt.Fprintf(&b, `\u%04x`, c)
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

func unprintable(c rune) bool { return !unicode.IsPrint(c) }

func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
