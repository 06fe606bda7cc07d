package cli

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// terminal is where a live display can go. Nil is none.
type terminal struct {
	size            func() (width, height int) // now; 0 where it is not known
	colour, unicode bool
}

// terminalOf returns the terminal that w is, if a live display is welcome there:
// not on a dumb one, and not where a program keeps what is written, as CI does.
func terminalOf(w io.Writer, getenv func(string) string) *terminal {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || !welcome(getenv) {
		return nil
	}
	return &terminal{
		size: func() (int, int) {
			width, height, err := term.GetSize(int(f.Fd()))
			if err != nil {
				return 0, 0
			}
			return width, height
		},
		colour:  getenv("NO_COLOR") == "",
		unicode: utf8Locale(getenv),
	}
}

// isTerminal reports whether somebody may type into r.
func isTerminal(r io.Reader) bool {
	f, ok := r.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func welcome(getenv func(string) string) bool {
	switch getenv("CI") {
	case "", "0", "false":
	default:
		return false
	}
	kind := getenv("TERM")
	return kind != "" && kind != "dumb"
}

// utf8Locale tells whether the locale's characters are UTF-8, as setlocale(3)
// finds it.
func utf8Locale(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := getenv(name); v != "" {
			v = strings.ToLower(v)
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return false
}

// look is what the terminal can show at this moment.
func (t *terminal) look() look {
	l := look{width: defaultWidth, height: 24}
	if t == nil {
		return l
	}
	if width, height := t.size(); width > 0 && height > 0 {
		l.width, l.height = width, height
	}
	l.colour, l.unicode = t.colour, t.unicode
	return l
}
