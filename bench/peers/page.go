package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// mark stands before and behind what is made.
const mark = "<!-- results -->\n"

// writePage puts the results between the two marks of a page. The plot is named
// as it lies from there.
func (r results) writePage(file, plot string) error {
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	parts := strings.Split(string(old), mark)
	if len(parts) != 3 {
		return fmt.Errorf("cannot write %s: it does not hold the line %q twice", file, strings.TrimSpace(mark))
	}
	from, err := filepath.Rel(filepath.Dir(file), plot)
	if err != nil {
		return err
	}
	return os.WriteFile(file, []byte(parts[0]+mark+"\n"+r.markdown(filepath.ToSlash(from))+"\n"+mark+parts[2]), 0o666)
}

func (r results) markdown(plot string) string {
	var b strings.Builder
	for line := range strings.Lines(r.Machine.text() + "\n") {
		b.WriteString("- " + line)
	}
	fmt.Fprintf(&b, "- medians of %d runs in turns, least and most in brackets\n", r.Runs)
	if r.Note != "" {
		b.WriteString("- " + r.Note + "\n")
	}
	if len(r.Rows) > 0 {
		table(&b, rowHead)
		for _, one := range r.Rows {
			line(&b, one.cells())
		}
	}
	if len(r.Growth) > 0 {
		fmt.Fprintf(&b, "\n![Time and peak memory against number of packages](%s)\n", plot)
		table(&b, growthHead)
		for _, p := range r.Growth {
			line(&b, p.cells())
		}
		b.WriteString("\n")
		for _, v := range verdicts(r.Growth) {
			b.WriteString("- " + v + "\n")
		}
	}
	return b.String()
}

func table(b *strings.Builder, head []string) {
	b.WriteString("\n")
	line(b, head)
	b.WriteString(strings.Repeat("|---", len(head)) + "|\n")
}

func line(b *strings.Builder, cells []string) {
	for i, c := range cells {
		cells[i] = strings.ReplaceAll(c, "|", `\|`)
	}
	b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}
