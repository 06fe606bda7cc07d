package store

import (
	"fmt"
	"os"
	"path/filepath"

	"kiln/internal/durable"
)

// folder is what temporary folders are named after.
func (s *Store) folder() string { return filepath.Join(s.dir, foldersDir, "work") }

// TempFolder makes an empty folder for what has to stand in one while the store is
// open. remove removes it with all that is in it; where the process dies before, the
// next to open the store alone does.
func (s *Store) TempFolder() (dir string, remove func(), err error) {
	if err := os.MkdirAll(filepath.Join(s.dir, foldersDir), 0o777); err != nil {
		return "", nil, s.problem(fmt.Errorf("cannot make a folder in the store: %w", err))
	}
	dir, done, err := durable.MkdirTemp(s.folder())
	if err != nil {
		return "", nil, s.problem(fmt.Errorf("cannot make a folder in the store: %w", err))
	}
	return dir, func() {
		_ = durable.RemoveAll(dir) // what stays is swept later
		done()
	}, nil
}
