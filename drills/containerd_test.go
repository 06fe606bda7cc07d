package drills_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// containerd is a daemon of the test's own, whose snapshots are plain folders: so
// it needs nothing of the file system below.
type containerd struct {
	dir string
}

// startContainerd starts a daemon with nothing in it, which ends with the test.
func startContainerd(t *testing.T) *containerd {
	t.Helper()
	dir, err := os.MkdirTemp("", "kiln-ctr") // short: a socket's path has room for 100 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	c := &containerd{dir}
	config := filepath.Join(c.dir, "config.toml")
	write(t, config, fmt.Sprintf("version = 2\nroot = %q\nstate = %q\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n[grpc]\naddress = %q\n",
		filepath.Join(c.dir, "root"), filepath.Join(c.dir, "state"), c.socket()))
	cmd := exec.Command("containerd", "--config", config)
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready, ended := make(chan bool), make(chan bool)
	var lines strings.Builder
	go func() {
		defer close(ended)
		said := false
		for s := bufio.NewScanner(log); s.Scan(); {
			fmt.Fprintln(&lines, s.Text())
			if !said && strings.Contains(s.Text(), "successfully booted") {
				said = true
				close(ready)
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		_ = cmd.Wait()
	})
	select {
	case <-ready:
	case <-ended:
		t.Fatalf("containerd ended:\n%s", lines.String())
	}
	return c
}

func (c *containerd) socket() string { return filepath.Join(c.dir, "socket") }

// ctr runs containerd's own client.
func (c *containerd) ctr(t *testing.T, args ...string) string {
	t.Helper()
	return run(t, c.dir, "ctr", append([]string{"--address", c.socket()}, args...)...)
}

// containerdTakes imports the image, looks into it, and runs programs of it; then
// the same again as it comes from a registry. Each has a daemon of its own.
func containerdTakes(t *testing.T, m *members) {
	for _, row := range []struct {
		how string
		get func(c *containerd) (ref string)
	}{
		{"import", func(c *containerd) string {
			c.ctr(t, "images", "import", "--base-name", "members", "--snapshotter", "native", m.path("image.oci.tar"))
			return "members:" + refName(t, m.dir)
		}},
		{"pull", func(c *containerd) string {
			ref := m.serve(t)
			c.ctr(t, "images", "pull", "--plain-http", "--snapshotter", "native", ref)
			return ref
		}},
	} {
		t.Run(row.how, func(t *testing.T) {
			c := startContainerd(t)
			ref := row.get(c)
			if out := c.ctr(t, "images", "ls"); !strings.Contains(out, m.image.Digest) {
				t.Errorf("the image %s is not listed:\n%s", m.image.Digest, out)
			}
			folder := filepath.Join(c.dir, "mounted")
			if err := os.Mkdir(folder, 0o777); err != nil {
				t.Fatal(err)
			}
			c.ctr(t, "images", "mount", "--snapshotter", "native", ref, folder)
			m.sameTree(t, tarOf(t, folder), true)
			c.ctr(t, "images", "unmount", "--rm", "--snapshotter", "native", folder)
			args := append([]string{"run", "--rm", "--snapshotter", "native", ref, "drill"}, worksCommand()...)
			if got := c.ctr(t, args...); got != works {
				t.Errorf("programs print %q, want %q", got, works)
			}
		})
	}
}
