package cli_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// nobody is the user and group of that name, whom every Unix has.
const nobody = 65534

// asOrdinaryUser has kiln run as an ordinary user from now on, where the tests
// are run as root, whom no permission stops.
func (s *scene) asOrdinaryUser() {
	s.t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	kiln, err := exec.LookPath("kiln")
	if err != nil {
		s.t.Fatal(err)
	}
	for _, dir := range []string{s.root, filepath.Dir(kiln)} {
		for ; dir != filepath.Clean(os.TempDir()) && dir != "/"; dir = filepath.Dir(dir) {
			if err := os.Chmod(dir, 0o755); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	err = filepath.WalkDir(s.root, func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(p, nobody, nobody)
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.user = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
}
