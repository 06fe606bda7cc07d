package hosttool_test

import (
	"strings"
	"testing"

	"kiln/internal/maint/toolbox/toolboxtest"
)

// The words and the status are those of util-linux 2.38.
func TestMountpoint(t *testing.T) {
	for _, row := range []struct {
		args, out string
		status    int
	}{
		{"/proc", "/proc is a mountpoint\n", 0},
		{"-q /proc/", "", 0},
		{"/sys", "/sys is a mountpoint\n", 0},
		{"/", "/ is a mountpoint\n", 0},
		{"/etc", "/etc is not a mountpoint\n", 32},
		{"-q /etc", "", 32},
		{"/etc/passwd", "/etc/passwd is not a mountpoint\n", 32},
		{"/missing", "", 1},
		{"--quiet /missing", "", 1},
		{"", "", 1},
		{"/proc /sys", "", 1},
	} {
		s := toolboxtest.New(t, map[string]string{"/proc/": "", "/sys/": "", "/etc/passwd": ""})
		out, status, err := s.Tool("mountpoint", strings.Fields(row.args)...)
		if out != row.out || status != row.status || err != nil {
			t.Errorf("mountpoint %s: %q, status %d, %v; want %q, %d", row.args, out, status, err, row.out, row.status)
		}
	}
	s := toolboxtest.New(t, map[string]string{"/proc/": ""})
	if _, _, err := s.Tool("mountpoint", "-d", "/proc"); err == nil {
		t.Error("mountpoint -d has a number of a device, and there is none")
	}
}
