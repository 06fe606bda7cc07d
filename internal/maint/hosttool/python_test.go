package hosttool_test

import (
	"strings"
	"testing"

	"kiln/internal/maint/toolbox/toolboxtest"
)

// Byte code is not made, and no other program in Python is taken for its compiler.
func TestPythonMakesNoByteCode(t *testing.T) {
	for _, args := range []string{
		"-E -S /usr/lib/python3.13/py_compile.py /usr/lib/python3.13/os.py",
		"-E -S -O /usr/lib/python3.13/py_compile.py /usr/lib/python3.13/os.py",
		"-m compileall -q /usr/share/app", "-Bs -W ignore -X dev -m py_compile /x.py",
	} {
		s := toolboxtest.New(t, map[string]string{"/usr/lib/python3.13/os.py": "x"})
		_, status, err := s.Tool("python3.13", strings.Fields(args)...)
		if status != 0 || err != nil || len(s.Machine.Notes) != 1 || s.Machine.Notes[0].Kind != "byte-code" {
			t.Errorf("python3.13 %s: status %d, %v, notes %v", args, status, err, s.Machine.Notes)
		}
		if _, err := s.FS.Lstat("/usr/lib/python3.13/__pycache__"); err == nil {
			t.Errorf("python3.13 %s makes byte code", args)
		}
	}
	for _, args := range []string{
		"/opt/app.py /usr/lib/python3.13/py_compile.py", "-c pass py_compile", "/opt/compileall.py", "-m app compileall", "-", "", "-m", "-Z -m compileall",
	} {
		s := toolboxtest.New(t, map[string]string{"/etc/x": "x"})
		if _, _, err := s.Tool("python3", strings.Fields(args)...); err == nil {
			t.Errorf("python3 %s is no error", args)
		}
	}
}
