package drills_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// difference is what the drills read of kiln diff --json.
type difference struct {
	Before, After struct{ Tree string }
	Equal         bool
	Risks         []struct{ Kind, Subject string }
	Packages      []struct{ Name, Change string }
	Files         []struct {
		Path, Change string
		Fields       []string
	}
	Modes []struct {
		Path   string
		Fields []string
	}
	Accounts []struct{ Name string }
	Licences struct{ Added []string }
	Sizes    struct{ Before, After int64 }
}

func diff(t *testing.T, dir, a, b string) difference {
	t.Helper()
	var d difference
	if err := json.Unmarshal([]byte(run(t, dir, kilnBinary(t), "diff", "--json", "--store", sharedStore(t), a, b)), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// What other tools make of an image, layer for layer or unpacked, kiln reads back
// as the tree that it built.
func TestImagesComeBackTheSame(t *testing.T) {
	real(t)
	for _, name := range []string{"static", "debug"} {
		dir := example(t, name)
		r := build(t, dir, "--platform", "linux/amd64", "-o", "oci:image.oci", "-o", "oci-archive:image.oci.tar", "-o", "docker-archive:image.tar", "-o", "tar:root.tar", "-o", "folder:root")
		want := r.platform(t, "linux/amd64").Tree
		refs := []string{"oci:image.oci", "oci-archive:image.oci.tar", "docker-archive:image.tar", "tar:root.tar"}
		if os.Geteuid() == 0 {
			refs = append(refs, "folder:root")
		}
		for to, from := range map[string]string{"oci:copy.oci": "docker-archive:image.tar", "oci-archive:copy.oci.tar": "oci:image.oci", "docker-archive:copy.tar": "oci:image.oci"} {
			run(t, dir, "skopeo", "copy", "--insecure-policy", "-q", from, to+map[bool]string{true: ":copy:1"}[strings.HasPrefix(to, "docker")])
			refs = append(refs, to)
		}
		build(t, dir, "--platform", "linux/amd64", "--compression", "zstd", "-o", "oci:zstd.oci")
		refs = append(refs, "oci:zstd.oci")
		for _, e := range engines() {
			ref := e.load(t, filepath.Join(dir, "image.tar"))
			run(t, dir, e.cli[0], append(slices.Clone(e.cli[1:]), "save", "-o", e.name+".tar", ref)...)
			refs = append(refs, e.name+".tar")
			if e.name == "podman" {
				run(t, dir, e.cli[0], append(slices.Clone(e.cli[1:]), "save", "--format", "oci-archive", "-o", "podman.oci.tar", ref)...)
				run(t, dir, e.cli[0], append(slices.Clone(e.cli[1:]), "save", "--format", "oci-dir", "-o", "podman.oci", ref)...)
				refs = append(refs, "podman.oci.tar", "podman.oci")
			}
			e.remove(t, ref)
		}
		for _, ref := range refs {
			if d := diff(t, dir, ref, "oci:image.oci"); d.Before.Tree != want || d.After.Tree != want || len(d.Files)+len(d.Modes) > 0 {
				t.Errorf("%s: %s is the tree %s, want %s: %+v", name, ref, d.Before.Tree, want, d)
			}
		}
		if d := diff(t, dir, "oci:image.oci", "."); !d.Equal {
			t.Errorf("%s: the image differs from its recipe: %+v", name, d)
		}
	}
}

// atRunTime tells whether an engine makes or mounts something at the path for a
// container that runs.
func atRunTime(path string) bool {
	return strings.HasPrefix(path, "/dev") || strings.HasPrefix(path, "/proc") || strings.HasPrefix(path, "/sys") || strings.HasPrefix(path, "/run") ||
		slices.Contains([]string{"/", "/etc", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/mtab", "/.dockerenv"}, path)
}

// A container that took away, replaced and linked things is committed; the layers of
// that image, read by kiln, give what the engine itself exports.
func TestLayersOfEnginesAreReadAsTheyReadThem(t *testing.T) {
	real(t)
	dir := example(t, "debug")
	build(t, dir, "--platform", "linux/amd64", "-o", "docker-archive:image.tar", "-o", "oci:image.oci")
	const line = `set -e
ln() { busybox ln "$@"; }; chown() { busybox chown "$@"; }; chmod() { busybox chmod "$@"; }
rm -rf /usr/share/doc /etc/ssl/certs
mkdir /etc/ssl/certs && echo new > /etc/ssl/certs/one
rm -r /home/nonroot && echo file > /home/nonroot
rm /etc/nsswitch.conf && mkdir /etc/nsswitch.conf && echo x > /etc/nsswitch.conf/x
mkdir -p /srv/a/b && echo linked > /srv/a/b/1 && ln /srv/a/b/1 /srv/2 && ln -s /srv/2 /srv/3
mv /usr/share/zoneinfo /srv/zones && ln -s /srv/zones /usr/share/zoneinfo
chmod 4711 /srv/2 && chown 5:6 /srv/a/b`
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			ref := e.load(t, filepath.Join(dir, "image.tar"))
			defer e.remove(t, ref)
			call := func(args ...string) { run(t, dir, e.cli[0], append(slices.Clone(e.cli[1:]), args...)...) }
			args := append([]string{"run", "--name", "kiln-drill", "--network=none", "--user=0", "--entrypoint", "/bin/sh"}, e.opts...)
			defer call("rm", "-f", "kiln-drill")
			call(append(args, ref, "-c", line)...)
			call("commit", "kiln-drill", "kiln-drill:1")
			defer e.remove(t, "kiln-drill:1")
			call("save", "-o", e.name+".tar", "kiln-drill:1")
			call("export", "-o", e.name+"-root.tar", "kiln-drill")
			d := diff(t, dir, "docker-archive:"+e.name+".tar", "tar:"+e.name+"-root.tar")
			for _, f := range d.Files {
				if !atRunTime(f.Path) {
					t.Errorf("%s %s %q", f.Change, f.Path, f.Fields)
				}
			}
			for _, f := range d.Modes {
				if !atRunTime(f.Path) {
					t.Errorf("%s %q", f.Path, f.Fields)
				}
			}
			d = diff(t, dir, "oci:image.oci", e.name+".tar")
			if !slices.ContainsFunc(d.Risks, func(r struct{ Kind, Subject string }) bool { return r.Kind == "setuid" && r.Subject == "/srv/2" }) || len(d.Files) < 20 {
				t.Errorf("from the image before: %d files, risks %+v", len(d.Files), d.Risks)
			}
		})
	}
}

// An image with more packages differs in these, their licences and their size, and
// in no account; dpkg is the judge of which they are.
func TestDiffOfExamples(t *testing.T) {
	real(t)
	dir := t.TempDir()
	packages := map[string][]string{}
	for _, name := range []string{"static", "base"} {
		recipe := example(t, name)
		build(t, recipe, "--platform", "linux/amd64", "-o", "oci:"+filepath.Join(dir, name+".oci"), "-o", "folder:"+filepath.Join(dir, name))
		out := run(t, dir, "dpkg-query", "--admindir="+filepath.Join(name, "var/lib/dpkg"), "-W", "-f", "${Package}\n")
		packages[name] = strings.Fields(out)
	}
	d := diff(t, dir, "oci:static.oci", "base.oci")
	var added, want []string
	for _, p := range d.Packages {
		if p.Change != "added" {
			t.Errorf("%s is %s", p.Name, p.Change)
		}
		added = append(added, p.Name)
	}
	for _, p := range packages["base"] {
		if !slices.Contains(packages["static"], p) {
			want = append(want, p)
		}
	}
	slices.Sort(want)
	if !slices.Equal(added, want) || len(want) == 0 {
		t.Errorf("added %q, dpkg says %q", added, want)
	}
	if len(d.Accounts) > 0 || len(d.Risks) > 0 || !slices.Contains(d.Licences.Added, "Apache-2.0") || d.Sizes.After < 2*d.Sizes.Before {
		t.Errorf("%+v", d)
	}
	// A lock alone knows of the same.
	if back := diff(t, dir, "base.oci", "static.oci"); len(back.Packages) != len(want) {
		t.Errorf("back: %+v", back.Packages)
	}
}

// The changelog of what changed in a suite since it was released: dpkg-parsechangelog
// finds the same entries in the same file.
func TestChangelogOfUpdates(t *testing.T) {
	real(t)
	dir := example(t, "base")
	run(t, dir, kilnBinary(t), "lock", "--store", sharedStore(t))
	locked := lockedPackages(t, filepath.Join(dir, "kiln.lock"), "linux/amd64")
	i := slices.IndexFunc(locked, func(p string) bool { return strings.HasPrefix(p, "libc6 ") })
	version := strings.Fields(locked[i])[1]
	base, _, updated := strings.Cut(version, "+deb")
	if !updated {
		base = "2.41-11"
	}
	lock, err := os.ReadFile(filepath.Join(dir, "kiln.lock"))
	if err != nil {
		t.Fatal(err)
	}
	// The older package is one that nobody has: only its version counts.
	old := strings.ReplaceAll(string(lock), `"version": "`+version+`"`, `"version": "`+base+`"`)
	for _, digest := range shaOf(t, string(lock), "libc6") {
		old = strings.ReplaceAll(old, digest, strings.Repeat("0", 64))
	}
	// A lock of an older kiln has no digest of its own text.
	old = regexp.MustCompile(`(?m)^  "digest": .*\n`).ReplaceAllString(old, "")
	write(t, filepath.Join(dir, "old.lock"), old)
	var report struct {
		Sources []struct {
			Source, Before, After, Note string
			Entries                     []struct{ Version, Urgency string }
		}
	}
	if err := json.Unmarshal([]byte(run(t, dir, kilnBinary(t), "changelog", "--json", "--platform", "linux/amd64", "--store", sharedStore(t), "old.lock", ".")), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Sources) != 1 || report.Sources[0].Source != "glibc" || report.Sources[0].Before != base || report.Sources[0].After != version || report.Sources[0].Note != "" {
		t.Fatalf("%+v", report)
	}
	name := "libc6_" + version + "_amd64.deb"
	fetchDeb(t, dir, string(lock), "libc6", name)
	run(t, dir, "dpkg-deb", "-x", name, "x")
	cmd := exec.Command("sh", "-c", "zcat x/usr/share/doc/libc6/changelog.Debian.gz | dpkg-parsechangelog -l - --since "+base+" --format rfc822")
	cmd.Dir = dir
	var want, got []string
	for line := range strings.Lines(output(t, cmd)) {
		if v, ok := strings.CutPrefix(line, "Version: "); ok {
			want = append(want, strings.TrimSpace(v))
		}
	}
	for _, e := range report.Sources[0].Entries {
		got = append(got, e.Version)
	}
	if !slices.Equal(got, want) || len(want) == 0 {
		t.Errorf("entries of %q, dpkg finds %q", got, want)
	}
}

// shaOf are the digests of a package in a lock.
func shaOf(t *testing.T, lock, name string) []string {
	t.Helper()
	var l struct {
		Platforms map[string]struct {
			Packages []struct{ Name, SHA256 string }
		}
	}
	if err := json.Unmarshal([]byte(lock), &l); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, p := range l.Platforms {
		for _, pkg := range p.Packages {
			if pkg.Name == name {
				all = append(all, pkg.SHA256)
			}
		}
	}
	return all
}

// fetchDeb copies the .deb of a locked package for amd64 out of the store, where
// kiln changelog has brought it.
func fetchDeb(t *testing.T, dir, lock, name, to string) {
	t.Helper()
	for _, sha := range shaOf(t, lock, name) {
		found, err := filepath.Glob(filepath.Join(sharedStore(t), "blobs", "sha256", "*", sha))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, to), string(data))
			return
		}
	}
	t.Fatalf("the store has no %s", name)
}
