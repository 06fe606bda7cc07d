package filetool

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"kiln/internal/maint/command"
)

// run calls a command of -exec.
func (f *finder) run(args []string) bool {
	status, err := f.exec(args)
	if err != nil && f.err == nil {
		f.err = err
	}
	return status == 0 && err == nil
}

// findBatch is -exec command {} +.
type findBatch struct {
	args  []string
	paths []string
}

func (f *finder) finish() {
	for _, b := range f.batches {
		if len(b.paths) > 0 && !f.run(append(slices.Clone(b.args), b.paths...)) {
			f.status = 1
		}
	}
}

// actionOf reads actions.
func (p *findParser) actionOf(name string) (findTest, bool, error) {
	switch name {
	case "-print":
		p.action = true
		return p.print("\n"), true, nil
	case "-print0":
		p.action = true
		return p.print("\x00"), true, nil
	case "-printf":
		p.action = true
		v, err := p.value(name)
		if err != nil {
			return nil, true, err
		}
		test, err := p.printf(v)
		return test, true, err
	case "-quit":
		p.action = true
		return func(found) bool { p.f.quit = true; return true }, true, nil
	case "-delete":
		p.action, p.f.depthFirst = true, true
		return func(e found) bool {
			if e.shown == "." {
				return true
			}
			if err := p.f.c.FS.Remove(p.f.c.Path(e.shown)); err != nil {
				p.f.status, _ = p.f.c.Complain(1, "cannot delete '%s': %s", e.shown, command.ErrorText(err))
				return false
			}
			return true
		}, true, nil
	case "-exec", "-execdir", "-ok":
		p.action = true
		test, err := p.exec(name)
		return test, true, err
	}
	return nil, false, nil
}

func (p *findParser) print(end string) findTest {
	return func(e found) bool {
		if _, err := io.WriteString(p.f.c.Stdout, e.shown+end); err != nil {
			p.f.quit = true
		}
		return true
	}
}

// exec reads the words up to ";" or "{} +".
func (p *findParser) exec(name string) (findTest, error) {
	if name != "-exec" {
		return nil, p.f.c.Unhonoured("%s is not known", name)
	}
	var words []string
	for {
		w, err := p.value(name)
		if err != nil {
			return nil, err
		}
		if w == ";" {
			break
		}
		if w == "+" && len(words) > 1 && words[len(words)-1] == "{}" {
			b := &findBatch{args: words[:len(words)-1]}
			p.f.batches = append(p.f.batches, b)
			return func(e found) bool { b.paths = append(b.paths, e.shown); return true }, nil
		}
		words = append(words, w)
	}
	if len(words) == 0 {
		return nil, p.f.c.Unhonoured("-exec names no command")
	}
	return func(e found) bool {
		var args []string
		for _, w := range words {
			args = append(args, strings.ReplaceAll(w, "{}", e.shown))
		}
		return p.f.run(args)
	}, nil
}

// printf reads a format of -printf.
func (p *findParser) printf(format string) (findTest, error) {
	format, _ = command.Unescape(format)
	var verbs []byte
	for i := 0; i+1 < len(format); i++ {
		if format[i] == '%' {
			i++
			verbs = append(verbs, format[i])
		}
	}
	if strings.Trim(string(verbs), "%pfhPHlmMugUGsyTdi") != "" || strings.Contains(format, "%T") && !strings.Contains(format, "%T@") {
		return nil, p.f.c.Unhonoured("the format %q is not known", format)
	}
	return func(e found) bool {
		_, err := io.WriteString(p.f.c.Stdout, p.formatted(format, e))
		return err == nil
	}, nil
}

func (p *findParser) formatted(format string, e found) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		if format[i] == 'T' {
			i++
			fmt.Fprintf(&b, "%d.0000000000", e.info.Epoch())
			continue
		}
		b.WriteString(p.field(format[i], e))
	}
	return b.String()
}

func (p *findParser) field(verb byte, e found) string {
	c := p.f.c
	below := strings.TrimPrefix(strings.TrimPrefix(e.shown, e.start), "/")
	switch verb {
	case 'p':
		return e.shown
	case 'f':
		return command.BaseName(e.shown)
	case 'h':
		return command.DirName(e.shown)
	case 'P':
		return below
	case 'H':
		return e.start
	case 'l':
		return e.info.Link
	case 'm':
		return strconv.FormatUint(uint64(e.info.Perm()), 8)
	case 'M':
		return modeText(e.info)
	case 'u':
		return c.NameOf("/etc/passwd", e.info.UID)
	case 'g':
		return c.NameOf("/etc/group", e.info.GID)
	case 'U':
		return strconv.Itoa(e.info.UID)
	case 'G':
		return strconv.Itoa(e.info.GID)
	case 's':
		return strconv.FormatInt(e.info.Size(), 10)
	case 'y':
		return e.info.Kind().String()
	case 'd':
		return strconv.Itoa(e.depth)
	case 'i':
		return strconv.FormatUint(e.info.Ino, 10)
	}
	return "%"
}
