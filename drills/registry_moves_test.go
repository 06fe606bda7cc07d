package drills_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// program starts a registry program that ends with the test, and returns the line of
// its output that tells its address.
func program(t *testing.T, says func(line string) (addr string, ok bool), name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	out, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, in
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	found := make(chan string, 1)
	go func() {
		var all []string
		for lines := bufio.NewScanner(out); lines.Scan(); {
			all = append(all, lines.Text())
			if addr, ok := says(lines.Text()); ok {
				found <- addr
				_, _ = io.Copy(io.Discard, out)
				return
			}
		}
		found <- "no address in: " + strings.Join(all, "\n")
	}()
	select {
	case addr := <-found:
		if !strings.HasPrefix(addr, "127.0.0.1:") {
			t.Fatal(addr)
		}
		return addr
	case <-time.After(time.Minute):
		t.Fatalf("%s does not say where it listens", name)
		return ""
	}
}

// debianRegistry is Debian's docker-registry, which knows nothing of referrers. With
// htpasswd it wants a login.
func debianRegistry(t *testing.T, htpasswd string) string {
	t.Helper()
	dir := t.TempDir()
	config := fmt.Sprintf("version: 0.1\nstorage: {filesystem: {rootdirectory: %s/data}}\nhttp: {addr: 127.0.0.1:0}\nlog: {level: info}\n", dir)
	if htpasswd != "" {
		if err := os.WriteFile(filepath.Join(dir, "htpasswd"), []byte(htpasswd), 0o644); err != nil {
			t.Fatal(err)
		}
		config += fmt.Sprintf("auth: {htpasswd: {realm: drill, path: %s/htpasswd}}\n", dir)
	}
	file := filepath.Join(dir, "config.yml")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	return program(t, func(line string) (string, bool) {
		_, rest, ok := strings.Cut(line, "listening on ")
		addr, _, _ := strings.Cut(rest, `"`)
		return addr, ok
	}, "docker-registry", "serve", file)
}

// modernRegistry is one of the distribution specification 1.1, with lists of referrers.
func modernRegistry(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "oci11")
	cmd := exec.Command("go", "build", "-o", bin, ".")
	cmd.Dir = filepath.Join("testdata", "oci11")
	output(t, cmd)
	return program(t, func(line string) (string, bool) { return line, strings.HasPrefix(line, "127.0.0.1:") }, bin)
}

// flaky is a way to a server on which connections are cut, in either direction, after
// some bytes: the first ones after few, later ones after more, so that in the end all
// gets through, soon. It returns its address and how many were cut.
func flaky(t *testing.T, to string) (string, *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var cuts, serial atomic.Int64
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			limit := int64(300_000) << min(serial.Add(1), 20)
			go func() {
				defer c.Close()
				s, err := net.Dial("tcp", to)
				if err != nil {
					return
				}
				defer s.Close()
				done := make(chan bool, 2)
				for _, way := range [][2]net.Conn{{s, c}, {c, s}} {
					go func() {
						n, _ := io.CopyN(way[0], way[1], limit)
						done <- n == limit
					}()
				}
				if <-done {
					cuts.Add(1)
				}
			}()
		}
	}()
	return l.Addr().String(), &cuts
}

// copied is what kiln push and kiln pull print with --json.
type copied struct {
	Reference string `json:"reference"`
	Digest    string `json:"digest"`
	Referrers []struct {
		ArtifactType string `json:"artifact_type"`
		Digest       string `json:"digest"`
		Subject      string `json:"subject"`
	} `json:"referrers"`
}

func move(t *testing.T, dir string, args ...string) copied {
	t.Helper()
	cmd := exec.Command(kilnBinary(t), append(args, "--json")...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "KILN_RETRIES=20")
	var c copied
	if text := output(t, cmd); json.Unmarshal([]byte(text), &c) != nil {
		t.Fatalf("%q printed %q", args, text)
	}
	return c
}

// An image goes through a network that cuts each connection into registries of both
// kinds, and comes back byte for byte; skopeo finds its digest there, and the engines
// run it by that.
func TestRegistriesTakeImages(t *testing.T) {
	real(t)
	dir := example(t, "debug")
	want := build(t, dir, "-o", "oci:image.oci")
	for name, addr := range map[string]string{"1.0": debianRegistry(t, ""), "1.1": modernRegistry(t)} {
		t.Run(name, func(t *testing.T) {
			way, cuts := flaky(t, addr)
			pushed := move(t, dir, "push", "image.oci", way+"/team/debug:v", "--store", t.TempDir())
			if pushed.Digest != want.Index || len(pushed.Referrers) == 0 || cuts.Load() == 0 {
				t.Errorf("pushed %+v, want %s; %d connections were cut", pushed, want.Index, cuts.Load())
			}
			ref := addr + "/team/debug@" + want.Index
			if got := run(t, dir, "skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", "docker://"+addr+"/team/debug:v"); strings.TrimSpace(got) != want.Index {
				t.Errorf("skopeo finds %q, want %q", got, want.Index)
			}
			for _, r := range pushed.Referrers {
				if got := listReferrers(t, addr, "team/debug", r.Subject); !strings.Contains(got, r.Digest) {
					t.Errorf("the registry lists %s, and not %+v", got, r)
				}
			}
			way, cuts = flaky(t, addr)
			move(t, dir, "pull", way+"/team/debug:v", "oci:"+name+".oci", "--store", t.TempDir())
			run(t, dir, "diff", "-r", "image.oci", name+".oci")
			if cuts.Load() == 0 {
				t.Error("no connection was cut")
			}
			if c := move(t, dir, "copy", ref, addr+"/prod/debug:current"); c.Digest != want.Index {
				t.Errorf("copied %+v", c)
			}
			run(t, dir, kilnBinary(t), "verify", addr+"/prod/debug:current")
			for _, e := range engines() {
				if e.name == "podman" {
					run(t, dir, e.cli[0], append(e.cli[1:], "pull", "--tls-verify=false", ref)...)
				} else {
					run(t, dir, e.cli[0], append(e.cli[1:], "pull", ref)...)
				}
				if got := e.run(t, ref, t.TempDir(), "/bin/sh", "-c", "echo $((6*7))"); got != "42\n" {
					t.Errorf("%s: the shell printed %q", e.name, got)
				}
				e.remove(t, ref)
			}
		})
	}
}

// listReferrers is the list of referrers of a registry, or else the one that clients keep.
func listReferrers(t *testing.T, addr, name, digest string) string {
	t.Helper()
	for _, path := range []string{"referrers/" + digest, "manifests/" + strings.Replace(digest, ":", "-", 1)} {
		req, err := http.NewRequest(http.MethodGet, "http://"+addr+"/v2/"+name+"/"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", "application/vnd.oci.image.index.v1+json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err == nil && resp.StatusCode == http.StatusOK {
			return string(b)
		}
	}
	return ""
}

// What podman login wrote is what kiln logs in with, and the other way round.
func TestLoginOfPodman(t *testing.T) {
	real(t)
	dir := example(t, "static")
	build(t, dir, "-o", "oci:image.oci")
	// bcrypt of "drill-password"
	addr := debianRegistry(t, "ann:$2b$05$bM/A/Yt0pYp0F24JpQBT4.2T33/A0Mh2S6T/9EPYiEgAQkT3m/fBW\n")
	auth := filepath.Join(dir, "auth.json")
	kiln := func(args ...string) (string, error) {
		cmd := exec.Command(kilnBinary(t), args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "REGISTRY_AUTH_FILE="+auth)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := kiln("push", "image.oci", addr+"/team/static:v"); err == nil || !strings.Contains(out, "kiln login "+addr) {
		t.Errorf("without a login: %v %s", err, out)
	}
	run(t, dir, "podman", "login", "--authfile", auth, "--tls-verify=false", "-u", "ann", "-p", "drill-password", addr)
	if out, err := kiln("push", "image.oci", addr+"/team/static:v"); err != nil {
		t.Errorf("with a login: %v %s", err, out)
	}
	if out, err := kiln("verify", addr+"/team/static:v"); err != nil {
		t.Errorf("with a login: %v %s", err, out)
	}
	run(t, dir, "podman", "logout", "--authfile", auth, addr)
	if out, err := kiln("verify", addr+"/team/static:v"); err == nil || !strings.Contains(out, "kiln login "+addr) {
		t.Errorf("logged out: %v %s", err, out)
	}
	login := func(password string) (string, error) {
		cmd := exec.Command(kilnBinary(t), "login", addr, "--authfile", auth, "--username", "ann", "--password-stdin")
		cmd.Stdin = strings.NewReader(password)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := login("wrong"); err == nil || !strings.Contains(out, "check the user name and the password") {
		t.Errorf("with a wrong password: %v %s", err, out)
	}
	if out, err := login("drill-password"); err != nil {
		t.Errorf("kiln login: %v %s", err, out)
	}
	if got := run(t, dir, "podman", "login", "--authfile", auth, "--get-login", addr); strings.TrimSpace(got) != "ann" {
		t.Errorf("podman finds the login of %q", got)
	}
	run(t, dir, "skopeo", "inspect", "--authfile", auth, "--tls-verify=false", "docker://"+addr+"/team/static:v")
	if out, err := kiln("logout", addr); err != nil {
		t.Errorf("kiln logout: %v %s", err, out)
	}
	if out, err := exec.Command("podman", "login", "--authfile", auth, "--get-login", addr).CombinedOutput(); err == nil {
		t.Errorf("podman still finds the login of %s", out)
	}
}
