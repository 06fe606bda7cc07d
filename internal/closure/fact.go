package closure

import (
	"bytes"
	"fmt"
	"strings"

	"kiln/internal/linkage"
	"kiln/internal/tree"
)

// FactFormat is the version of Fact and of what makes one: to stand in the key of
// facts that are kept.
const FactFormat = 1

// Fact is what one content says of what it needs. It is a function of the content
// and of Sort, and of nothing else.
type Fact struct {
	ELF    *linkage.File `json:"elf,omitempty"`
	Script *Script       `json:"script,omitempty"`
	Unit   *Unit         `json:"unit,omitempty"`
	PAM    []PAMLine     `json:"pam,omitempty"`
}

// Sort is what a path has its content read as.
type Sort byte

// The sorts.
const (
	None    Sort = 0
	Program Sort = 'x' // ELF file or script
	Library Sort = 'l' // ELF file
	UnitOf  Sort = 'u' // unit of systemd, or a part of one
	PAMOf   Sort = 'p' // file of pam.d
)

// ELF reports whether what is read may be an ELF file.
func (s Sort) ELF() bool { return s == Program || s == Library }

// SortOf tells as what the content of e is read, None where nothing can be
// needed by it.
func SortOf(e *tree.Entry) Sort {
	switch {
	case e.Type != tree.File || e.Size == 0:
		return None
	case strings.HasPrefix(e.Path, "etc/pam.d/") || strings.HasPrefix(e.Path, "usr/lib/pam.d/"):
		return PAMOf
	case isUnit(e.Path):
		return UnitOf
	case e.Mode&0o111 != 0:
		return Program
	case strings.HasSuffix(e.Path, ".so") || strings.Contains(e.Path[strings.LastIndexByte(e.Path, '/')+1:], ".so."):
		return Library
	}
	return None
}

// Read makes the fact of a content. It is nil for one that needs nothing.
func Read(sort Sort, content []byte) *Fact {
	switch sort {
	case PAMOf:
		if lines := readPAM(content); lines != nil {
			return &Fact{PAM: lines}
		}
	case UnitOf:
		if u := readUnit(content); u != nil {
			return &Fact{Unit: u}
		}
	case Program, Library:
		if sort == Program && bytes.HasPrefix(content, []byte("#!")) {
			return &Fact{Script: readScript(content)}
		}
		if f, ok, _ := linkage.Read(bytes.NewReader(content), int64(len(content))); ok { // a reader of bytes has no errors
			return OfELF(f)
		}
	}
	return nil
}

// OfELF is the fact of an ELF file; nil for one that needs nothing.
func OfELF(f *linkage.File) *Fact {
	if !f.Dynamic && f.Interpreter == "" {
		return nil
	}
	return &Fact{ELF: f}
}

// ReadFrom is Read for the content of an entry, which it reads to its end, so that
// it is checked.
func ReadFrom(contents tree.Contents, e *tree.Entry) (*Fact, error) {
	r, err := contents.OpenContent(e.Content)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	content := bytes.NewBuffer(make([]byte, 0, e.Size+bytes.MinRead))
	if _, err := content.ReadFrom(r); err != nil {
		return nil, fmt.Errorf("cannot read %q: %w", tree.Absolute(e.Path), err)
	}
	return Read(SortOf(e), content.Bytes()), nil
}

// Script is the first line of a script (execve(2)).
type Script struct {
	Interpreter string `json:"interpreter"`
	Program     string `json:"program,omitempty"` // that env(1) looks for in PATH, where the interpreter is env
}

// maxShebang is how much of the first line Linux reads (BINPRM_BUF_SIZE), in bytes.
const maxShebang = 256

func readScript(content []byte) *Script {
	line, _, _ := bytes.Cut(content[2:min(len(content), maxShebang)], []byte("\n"))
	interpreter, argument, _ := strings.Cut(strings.Trim(strings.ReplaceAll(string(line), "\t", " "), " "), " ")
	s := &Script{Interpreter: interpreter}
	if strings.HasSuffix(interpreter, "/env") {
		s.Program = envProgram(argument)
	}
	return s
}

// envProgram returns what env(1) runs when it is given the rest of the line.
func envProgram(argument string) string {
	words := strings.Fields(argument)
	for i := 0; i < len(words); i++ {
		switch w := words[i]; {
		case w == "-u" || w == "-C" || w == "--unset" || w == "--chdir":
			i++
		case strings.HasPrefix(w, "-S") && len(w) > 2:
			return w[2:]
		case strings.HasPrefix(w, "-"), strings.Contains(w, "="):
		default:
			return w
		}
	}
	return ""
}
