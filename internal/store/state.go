package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"kiln"
)

// State returns the value that SetState saved under name; false where there is
// none. Unlike a result, a state that is damaged is an error: it may be what
// keeps a rolled back archive out.
func (s *Store) State(name string) ([]byte, bool, error) {
	path := s.statePath(name)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, s.problem(fmt.Errorf("cannot read the state %q of the store: %w", name, err))
	}
	value, ok := unseal(name, b)
	if !ok {
		return nil, false, &kiln.Error{
			Code:  kiln.Refused,
			Text:  fmt.Sprintf("cannot read the state %q of the store: the file %q is damaged", name, path),
			Hints: []string{"to forget what was last accepted there: rm " + path},
		}
	}
	return value, true, nil
}

// SetState saves value under name, which may be any text. It is on the disk when
// SetState returns.
func (s *Store) SetState(name string, value []byte) error {
	s.sweep.RLock() // gc takes the unfinished files beside the states for leftovers
	defer s.sweep.RUnlock()
	err := s.disk.WriteFile(s.statePath(name), 0o644, func(w io.Writer) error {
		_, err := w.Write(seal(name, value))
		return err
	})
	if err != nil {
		return s.problem(fmt.Errorf("cannot save the state %q of the store: %w", name, err))
	}
	return nil
}

func (s *Store) statePath(name string) string {
	return filepath.Join(s.dir, archivesDir, fileName(name))
}

// longName is where a file name made of a state's name is cut short; file systems
// take 255 bytes.
const longName = 150

// fileName makes a name for one file of any text: distinct ones for distinct
// texts, also where the file system does not tell upper from lower case.
func fileName(text string) string {
	var b strings.Builder
	for i := range len(text) {
		switch c := text[i]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_', c == '.' && i > 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	if b.Len() > longName {
		return b.String()[:longName] + "%%" + kiln.DigestOf([]byte(text)).Hex()
	}
	if b.Len() == 0 {
		return "%%"
	}
	return b.String()
}
