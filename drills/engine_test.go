package drills_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What each example's program prints under an engine: all it needs is there, and
// nothing can be written.
func TestProgramsRunUnderTheEngines(t *testing.T) {
	real(t)
	bin := probes(t)
	static := probe{[]string{"/probe.d/static"}, "uid=65532 user=nonroot roots=true zone=Europe/Berlin read-only=true\n"}
	dynamic := probe{[]string{"/probe.d/dynamic"}, "uid=65532 user=nonroot glibc=1 openssl-roots=1 read-only=1\n"}
	python := probe{[]string{"/usr/bin/python3", "/probe.d/probe.py"}, "uid=65532 user=nonroot roots=True sqlite=42 sha256=e3b0c442 zone=2:00:00 name=3.13 read-only=True\n"}
	java := probe{[]string{"/usr/bin/java", "-cp", "/probe.d", "Probe"}, "user=nonroot roots=true trusted=true stranger=false zone=+02:00 name=21 read-only=true\n"}
	for _, row := range []struct {
		name   string
		probes []probe
	}{
		{"static", []probe{static}}, {"base", []probe{static, dynamic}}, {"debug", []probe{static, dynamic}},
		{"python", []probe{static, dynamic, python}}, {"java", []probe{static, java}},
	} {
		dir := example(t, row.name)
		build(t, dir, "--platform", "linux/amd64", "-o", "docker-archive:image.tar")
		for _, e := range engines() {
			t.Run(row.name+"/"+e.name, func(t *testing.T) {
				ref := e.load(t, filepath.Join(dir, "image.tar"))
				defer e.remove(t, ref)
				for _, p := range row.probes {
					if got := e.run(t, ref, bin, p.command...); got != p.want {
						t.Errorf("%s: got %q, want %q", strings.Join(p.command, " "), got, p.want)
					}
				}
			})
		}
	}
}

// Python and Java are what their images start.
func TestEntrypoints(t *testing.T) {
	real(t)
	for name, want := range map[string]string{"python": "Python 3.13.", "java": "openjdk 21."} {
		dir := example(t, name)
		build(t, dir, "--platform", "linux/amd64", "-o", "docker-archive:image.tar")
		for _, e := range engines() {
			ref := e.load(t, filepath.Join(dir, "image.tar"))
			defer e.remove(t, ref)
			if got := e.start(t, ref, nil, "--version"); !strings.HasPrefix(got, want) {
				t.Errorf("%s: %s --version printed %q, want %q", e.name, name, got, want)
			}
		}
	}
}

func TestDebugHasAShell(t *testing.T) {
	real(t)
	dir := example(t, "debug")
	build(t, dir, "--platform", "linux/amd64", "-o", "docker-archive:image.tar")
	for _, e := range engines() {
		ref := e.load(t, filepath.Join(dir, "image.tar"))
		defer e.remove(t, ref)
		if got := e.run(t, ref, t.TempDir(), "/bin/sh", "-c", "echo $((6*7)); ls / | head -1"); !strings.HasPrefix(got, "42\n") {
			t.Errorf("%s: the shell printed %q", e.name, got)
		}
	}
}

// engine is a container engine and how to run it on machines with an old cgroup layout.
type engine struct {
	name string
	cli  []string
	opts []string
}

func engines() []engine {
	return []engine{
		{"docker", []string{"docker"}, nil},
		{"podman", []string{"podman", "--runtime", "runc"}, []string{"--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000"}},
	}
}

// load loads an archive and returns the name that the engine gave it.
func (e engine) load(t *testing.T, archive string) string {
	t.Helper()
	out := run(t, "", e.cli[0], append(e.cli[1:], "load", "-i", archive)...)
	_, ref, ok := strings.Cut(out, "Loaded image: ")
	if !ok {
		if _, ref, ok = strings.Cut(out, "Loaded image ID: "); !ok {
			t.Fatalf("%s load printed %q", e.name, out)
		}
	}
	return strings.TrimSpace(ref)
}

// run runs a program with bin mounted.
func (e engine) run(t *testing.T, ref, bin string, command ...string) string {
	t.Helper()
	return e.start(t, ref, []string{"-v", bin + ":/probe.d:ro", "--entrypoint", command[0]}, command[1:]...)
}

// start runs the image with a read-only root and no network.
func (e engine) start(t *testing.T, ref string, opts []string, args ...string) string {
	t.Helper()
	all := slices.Concat(e.cli[1:], []string{"run", "--rm", "--read-only", "--network=none"}, opts, e.opts, []string{ref}, args)
	return run(t, "", e.cli[0], all...)
}

// shell runs a line of shell as root with a read-only root and no network, and
// returns what it prints on either output, whatever its status.
func (e engine) shell(t *testing.T, ref, line string) string {
	t.Helper()
	return e.sh(t, ref, line, "--read-only", "--tmpfs", "/tmp")
}

// change is shell with a root that can be changed.
func (e engine) change(t *testing.T, ref, line string) string {
	t.Helper()
	return e.sh(t, ref, line)
}

func (e engine) sh(t *testing.T, ref, line string, opts ...string) string {
	t.Helper()
	args := append(slices.Clone(e.cli[1:]), "run", "--rm", "--network=none", "--user=0", "--entrypoint", "/bin/sh")
	args = append(append(append(args, opts...), e.opts...), ref, "-c", "{ "+line+"\n} 2>&1; true")
	return run(t, "", e.cli[0], args...)
}

// remove removes the image: engines reuse layers by diffID, and a later load would prove nothing.
func (e engine) remove(t *testing.T, ref string) {
	t.Helper()
	run(t, "", e.cli[0], append(e.cli[1:], "rmi", "-f", ref)...)
}
