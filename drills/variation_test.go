package drills_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The same recipe and lock give the same digests from a cold and a warm store,
// another folder, user, umask, time zone, locale, and with one processor.
func TestTheSurroundingsDoNotReachTheBytes(t *testing.T) {
	real(t)
	home := example(t, "base")
	want := build(t, home)
	lock, err := os.ReadFile(filepath.Join(home, "kiln.lock"))
	if err != nil {
		t.Fatal(err)
	}
	t.Run("warm", func(t *testing.T) { same(t, want, build(t, home)) })
	rows := []struct {
		name, umask string
		env         []string
		user        bool
	}{
		{"another folder and a cold store", "022", nil, false},
		{"umask", "077", nil, false},
		{"time zone and locale", "022", []string{"TZ=Pacific/Kiritimati", "LANG=tr_TR.UTF-8", "LC_ALL=tr_TR.UTF-8"}, false},
		{"one processor", "022", []string{"GOMAXPROCS=1"}, false},
		{"another user", "027", nil, true},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			dir := example(t, "base")
			write(t, filepath.Join(dir, "kiln.lock"), string(lock))
			cmd := exec.Command("sh", "-c", "umask "+row.umask+` && exec "$@"`, "sh",
				kilnBinary(t), "build", "--locked", "--json", "--store", filepath.Join(dir, "store"), "kiln.yaml")
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), row.env...)
			if row.user {
				asUser(t, cmd, dir)
			}
			same(t, want, decode(t, output(t, cmd)))
		})
	}
}

// asUser makes cmd run as an ordinary user who owns dir, where the drill runs as root.
func asUser(t *testing.T, cmd *exec.Cmd, dir string) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	const nobody = 65534
	if err := filepath.WalkDir(dir, func(p string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(p, nobody, nobody)
	}); err != nil {
		t.Fatal(err)
	}
	for p := dir; p != os.TempDir() && p != "/"; p = filepath.Dir(p) {
		if err := os.Chmod(p, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	cmd.Env = append(cmd.Environ(), "HOME="+dir)
}

func same(t *testing.T, want, got report) {
	t.Helper()
	if got.Index != want.Index {
		t.Errorf("index %s, want %s", got.Index, want.Index)
	}
	for i, img := range want.Images {
		if got.Images[i].Digest != img.Digest || got.Images[i].Tree != img.Tree {
			t.Errorf("%s: digest %s, tree %s; want %s, %s", img.Platform, got.Images[i].Digest, got.Images[i].Tree, img.Digest, img.Tree)
		}
	}
}

// A change of one layer leaves the digests of the others.
func TestLayersStandAlone(t *testing.T) {
	real(t)
	dir := example(t, "debug")
	before := build(t, dir).platform(t, "linux/amd64")
	path := filepath.Join(dir, "kiln.yaml")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data) + "\n"
	if !strings.Contains(text, "\nusers:") {
		t.Fatal("the recipe has no users section to insert before")
	}
	more := "  - name: more\n    packages:\n      - libbz2-1.0: another library\n"
	write(t, path, strings.Replace(text, "\nusers:", "\n"+more+"\nusers:", 1))
	after := build(t, dir).platform(t, "linux/amd64")
	digests := map[string]string{}
	for _, l := range after.Layers {
		digests[l.Name] = l.Digest
	}
	for _, l := range before.Layers {
		if l.Name != "dpkg" && digests[l.Name] != l.Digest {
			t.Errorf("layer %s was %s and is %s", l.Name, l.Digest, digests[l.Name])
		}
	}
}
