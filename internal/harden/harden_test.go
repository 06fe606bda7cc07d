package harden_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"kiln/internal/harden"
	"kiln/internal/recipe"
	"kiln/internal/tree"
)

// The recipe and the rules know the same names.
func TestNames(t *testing.T) {
	t.Parallel()
	var names []string
	for _, r := range harden.Rules() {
		names = append(names, r.Name)
		if r.Why == "" || r.Does == "" || r.Except == "" {
			t.Errorf("%s does not explain itself", r.Name)
		}
		for _, i := range r.Answers {
			if i.ID == "" || i.Title == "" {
				t.Errorf("%s answers %+v", r.Name, i)
			}
		}
	}
	if diff := cmp.Diff(recipe.HardenNames(), names); diff != "" {
		t.Errorf("-recipe +rules\n%s", diff)
	}
}

// root is a tree of files: "path" is a file with content, "path/" a folder.
func root(t fataler, files map[string]string) (*tree.Tree, tree.Bytes) {
	t.Helper()
	contents := tree.Bytes{}
	tr := tree.New()
	var dirs func(p string)
	dirs = func(p string) {
		if _, ok := tr.Lookup(p); ok {
			return
		}
		dirs(tree.Parent(p))
		if err := tr.Insert(tree.Entry{Path: p, Type: tree.Dir, Mode: 0o755}); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range sorted(files) {
		if dir, ok := strings.CutSuffix(p, "/"); ok {
			dirs(dir)
			continue
		}
		dirs(tree.Parent(p))
		text := files[p]
		e := tree.Entry{Path: p, Type: tree.File, Mode: 0o644, Size: int64(len(text)), Content: contents.Add([]byte(text)), Origin: tree.Origin{Package: "p"}}
		if strings.HasPrefix(text, "recipe:") {
			e.Origin = tree.Origin{Recipe: "layers[app].files[0]"}
		}
		if err := tr.Insert(e); err != nil {
			t.Fatal(err)
		}
	}
	return tr, contents
}

type fataler interface {
	Helper()
	Fatal(args ...any)
}

func sorted(m map[string]string) []string {
	var list []string
	for k := range m {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}

// uses are rules as a recipe names them: "sysctl", "noninteractive except bob",
// "read-only-root writable /srv".
func uses(t fataler, names ...string) []harden.Use {
	t.Helper()
	var list []harden.Use
	for i, n := range names {
		f := strings.Fields(n)
		r, ok := harden.Find(f[0])
		if !ok {
			t.Fatal("no rule " + f[0])
		}
		u := harden.Use{Rule: r, Place: fmt.Sprintf("harden[%d]", i)}
		if len(f) > 2 && f[1] == "except" {
			u.Except = f[2:]
		}
		if len(f) > 2 && f[1] == "writable" {
			u.Writable = f[2:]
		}
		u.Prepare()
		list = append(list, u)
	}
	return list
}

const (
	people = "root:x:0:0:root:/root:/bin/bash\nsync:x:4:65534:sync:/bin:/bin/sync\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\nbob:x:1000:1000::/home/bob:/bin/bash\n"
	hashes = "root:secret:20000:0:99999:7:::\nsync:*:20000:0:99999:7:::\nwww-data:*:20000:0:99999:7:::\nbob:hash:20000:0:99999:7:::\n"
	daemon = "Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin yes\n"
)

// What each rule makes of a small tree.
func TestApply(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		summary string
		files   map[string]string
		rules   []string
		want    map[string]string // path: text, or "has TEXT", or "" for unchanged
		fails   string
	}{
		{"noninteractive", map[string]string{"etc/passwd": people, "etc/shadow": hashes}, []string{"noninteractive"}, map[string]string{
			"etc/passwd": strings.Replace(people, "/home/bob:/bin/bash", "/home/bob:/usr/sbin/nologin", 1), "etc/shadow": strings.Replace(hashes, "bob:hash", "bob:!hash", 1)}, ""},
		{"noninteractive, with an exception", map[string]string{"etc/passwd": people, "etc/shadow": hashes}, []string{"noninteractive except bob"}, map[string]string{}, ""},
		{"noninteractive, without shadow", map[string]string{"etc/passwd": "bob::1:1::/:/bin/sh\n"}, []string{"noninteractive"}, map[string]string{"etc/passwd": "bob:!:1:1::/:/usr/sbin/nologin\n"}, ""},
		{"an image without accounts", map[string]string{"srv/x": ""}, []string{"noninteractive", "root-locked", "login-defs", "sshd"}, map[string]string{}, ""},
		{"root-locked", map[string]string{"etc/passwd": people, "etc/shadow": hashes}, []string{"root-locked"}, map[string]string{"etc/shadow": strings.Replace(hashes, "root:secret", "root:!secret", 1)}, ""},
		{"accounts of the recipe", map[string]string{"etc/passwd": "recipe:x:1:1::/:/bin/sh\n"}, []string{"noninteractive"}, nil, "layers[app].files[0] makes /etc/passwd, which harden[0] (noninteractive) would change"},
		{"login-defs", map[string]string{"etc/login.defs": "# UMASK is\nUMASK\t022\nX 1\n  PASS_MAX_DAYS 99999\nPASS_MAX_DAYS 1\n"}, []string{"login-defs except HOME_MODE ENCRYPT_METHOD"},
			map[string]string{"etc/login.defs": "# UMASK is\nUMASK\t027\nX 1\nPASS_MAX_DAYS\t365\nPASS_MIN_DAYS\t1\nPASS_WARN_AGE\t7\n"}, ""},
		{"sysctl", map[string]string{"usr/sbin/sysctl": "x", "etc/": ""}, []string{"sysctl except net.ipv4.ip_forward"}, map[string]string{"etc/sysctl.d/60-kiln-harden.conf": "has -kernel.dmesg_restrict = 1\n"}, ""},
		{"sysctl without a reader", map[string]string{"etc/": ""}, []string{"sysctl"}, nil, "harden[0] (sysctl): nothing in the image sets the kernel's parameters"},
		{"modules", map[string]string{"etc/": ""}, []string{"modules except udf"}, map[string]string{"etc/modprobe.d/kiln-harden.conf": "has blacklist cramfs\ninstall cramfs /bin/false\n"}, ""},
		{"sshd", map[string]string{"usr/sbin/sshd": "x", "etc/ssh/sshd_config": daemon}, []string{"sshd"}, map[string]string{"etc/ssh/sshd_config.d/00-kiln-harden.conf": "has PermitRootLogin no\n"}, ""},
		{"sshd that reads nothing else", map[string]string{"usr/sbin/sshd": "x", "etc/ssh/sshd_config": "recipe: x"}, []string{"sshd"}, nil, "harden[0] (sshd): /etc/ssh/sshd_config does not include"},
		{"sshd's file is the recipe's", map[string]string{"usr/sbin/sshd": "x", "etc/ssh/sshd_config": daemon, "etc/ssh/sshd_config.d/00-kiln-harden.conf": "recipe: x"}, []string{"sshd"}, nil, "kiln does not choose"},
		{"read-only container", map[string]string{"srv/data/": "", "etc/": ""}, []string{"read-only-root writable /srv/data"}, map[string]string{}, ""},
		{"read-only container, no folder", map[string]string{"etc/": ""}, []string{"read-only-root writable /srv/data"}, nil, "the image has no folder /srv/data"},
		{"read-only system", map[string]string{"usr/lib/systemd/systemd": "x", "srv/data/": "", "etc/fstab": "/dev/vda1 / ext4 ro 0 1\n"}, []string{"read-only-root writable /srv/data"}, map[string]string{
			"etc/fstab": "/dev/vda1 / ext4 ro 0 1\ntmpfs /tmp tmpfs nosuid,nodev,noexec,mode=1777 0 0\ntmpfs /dev/shm tmpfs nosuid,nodev,noexec,mode=1777 0 0\ntmpfs /srv/data tmpfs nosuid,nodev,mode=0755,uid=0,gid=0 0 0\n"}, ""},
	} {
		t.Run(row.summary, func(t *testing.T) {
			t.Parallel()
			tr, contents := root(t, row.files)
			list, made, err := harden.Apply(tr, contents, uses(t, row.rules...))
			if row.fails != "" {
				if err == nil || !strings.Contains(err.Error(), row.fails) {
					t.Errorf("error %v, want %q", err, row.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range list {
				got, want := string(made[e.Content]), row.want[e.Path]
				part, has := strings.CutPrefix(want, "has ")
				if has && !strings.Contains(got, part) || !has && got != want {
					t.Errorf("%s is\n%swant\n%s", e.Path, got, want)
				}
				if e.Origin.Rule == "" || e.Origin.Why == "" || e.Origin.Recipe == "" {
					t.Errorf("%s comes of %+v", e.Path, e.Origin)
				}
			}
			if len(list) != len(row.want) {
				t.Errorf("%d entries are changed, want %d", len(list), len(row.want))
			}
		})
	}
}

// Applying rules again changes nothing, whichever rules these are, in whichever order,
// and whatever files there are; and the order is no matter.
func TestIdempotent(t *testing.T) {
	t.Parallel()
	var names []string
	for _, r := range harden.Rules() {
		names = append(names, r.Name)
	}
	for _, name := range names {
		did := map[string]bool{}
		if hard(t, fullImage(), uses(t, name), did); !did[name] {
			t.Errorf("the rule %s finds nothing to do", name)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		files := drawFiles(t)
		order := rapid.Permutation(names).Draw(t, "order")
		order = order[:rapid.IntRange(1, len(order)).Draw(t, "how many")]
		tr, contents := hard(t, files, uses(t, order...), nil)
		once := string(tr.Listing())
		again, _ := hardenOnce(t, tr, contents, uses(t, order...), nil)
		if got := string(again.Listing()); got != once {
			t.Fatalf("%v applied again:\n%s\nafter once:\n%s", order, got, once)
		}
		other, _ := hard(t, files, uses(t, rapid.Permutation(order).Draw(t, "another order")...), nil)
		if got := string(other.Listing()); got != once {
			t.Fatalf("%v in another order:\n%s\nelse:\n%s", order, got, once)
		}
	})
}

// fullImage has something to do for each rule.
func fullImage() map[string]string {
	return map[string]string{
		"usr/lib/systemd/systemd": "x", "usr/lib/systemd/systemd-sysctl": "x", "etc/": "", "srv/": "", "usr/bin/bash": "x", "usr/bin/apt-get": "x", "!usr/bin/su": "x",
		"usr/share/doc/x/README": "x", "etc/login.defs": "UMASK 022\n", "etc/passwd": people, "etc/shadow": hashes, "usr/sbin/sshd": "x", "etc/ssh/sshd_config": daemon,
	}
}

// drawFiles are those of some image; a path that begins with "!" has the setuid bit.
func drawFiles(t *rapid.T) map[string]string {
	files := map[string]string{"usr/lib/systemd/systemd": "x", "usr/lib/systemd/systemd-sysctl": "x", "etc/": "", "srv/": ""}
	draw := func(path string, lines ...string) {
		if rapid.Bool().Draw(t, path) {
			files[path] = strings.Join(rapid.SliceOf(rapid.SampledFrom(lines)).Draw(t, path+" holds"), "")
		}
	}
	for _, path := range []string{
		"usr/bin/bash", "usr/bin/busybox", "etc/shells", "usr/bin/apt-get", "usr/bin/dpkg", "etc/apt/sources.list", "usr/share/doc/x/README", "usr/share/doc/x/copyright",
		"usr/share/man/man1/x.1", "!usr/bin/su", "!usr/bin/dash", "!srv/own", "usr/sbin/sysctl",
	} {
		draw(path, "x")
	}
	draw("etc/login.defs", "UMASK 022\n", "UMASK\t077\n", "# UMASK\n", "PASS_MAX_DAYS 1\n", "X\n", "  HOME_MODE 0755\n")
	draw("etc/fstab", "tmpfs /tmp tmpfs rw 0 0\n", "# x\n", "/dev/vda1 / ext4 ro 0 1\n")
	draw("etc/passwd", strings.SplitAfter(people, "\n")[:4]...)
	draw("etc/shadow", strings.SplitAfter(hashes, "\n")[:4]...)
	draw("etc/sysctl.d/60-kiln-harden.conf", "net.ipv4.ip_forward = 1\n")
	draw("etc/modprobe.d/kiln-harden.conf", "install udf /bin/true\n")
	if rapid.Bool().Draw(t, "sshd") {
		files["usr/sbin/sshd"], files["etc/ssh/sshd_config"] = "x", daemon
	}
	return files
}

// hard is a tree of such files with the rules applied.
func hard(t fataler, files map[string]string, list []harden.Use, did map[string]bool) (*tree.Tree, tree.Bytes) {
	t.Helper()
	plain := map[string]string{}
	for p, text := range files {
		plain[strings.TrimPrefix(p, "!")] = text
	}
	tr, contents := root(t, plain)
	for p := range files {
		if p, ok := strings.CutPrefix(p, "!"); ok {
			e, _ := tr.Lookup(p)
			e.Mode = 0o4755
			if err := tr.Insert(e); err != nil {
				t.Fatal(err)
			}
		}
	}
	return hardenOnce(t, tr, contents, list, did)
}

// hardenOnce applies the rules once: it leaves out, takes bits off, writes.
func hardenOnce(t fataler, from *tree.Tree, contents tree.Bytes, list []harden.Use, did map[string]bool) (*tree.Tree, tree.Bytes) {
	t.Helper()
	if did == nil {
		did = map[string]bool{}
	}
	tr, all := tree.New(), tree.Bytes{}
	for d, b := range contents {
		all[d] = b
	}
	insert := func(e tree.Entry) {
		insertDirs(t, tr, tree.Parent(e.Path))
		if err := tr.Insert(e); err != nil {
			t.Fatal(err)
		}
	}
	for e := range from.All() {
		out := false
		for i := range list {
			if e.Type != tree.Dir && list[i].Drops(&e) {
				out, did[list[i].Rule.Name] = true, true
			}
			if list[i].Clears(&e) {
				e.Mode, did[list[i].Rule.Name] = e.Mode&^0o6000, true
			}
		}
		if !out {
			insert(e)
		}
	}
	entries, made, err := harden.Apply(tr, all, list)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		did[e.Origin.Rule] = true
		insert(e)
		all[e.Content] = made[e.Content]
	}
	return tr, all
}

func insertDirs(t fataler, tr *tree.Tree, p string) {
	t.Helper()
	if _, ok := tr.Lookup(p); ok {
		return
	}
	insertDirs(t, tr, tree.Parent(p))
	if err := tr.Insert(tree.Entry{Path: p, Type: tree.Dir, Mode: 0o755}); err != nil {
		t.Fatal(err)
	}
}

// What the dropping rules leave out, and what they do not.
func TestDrops(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		rule, path string
		want       bool
	}{
		{"no-shells", "usr/bin/dash", true}, {"no-shells", "usr/bin/sh", true}, {"no-shells", "usr/bin/zsh", true}, {"no-shells", "etc/shells", true}, {"no-shells", "usr/bin/sha256sum", false},
		{"no-shells except /usr/bin/dash", "usr/bin/dash", false}, {"no-shells", "usr/share/doc/bash/copyright", false},
		{"no-package-manager", "usr/bin/dpkg-query", true}, {"no-package-manager", "usr/lib/x86_64-linux-gnu/libapt-pkg.so.7.0", true}, {"no-package-manager", "usr/sbin/start-stop-daemon", false},
		{"no-package-manager", "var/lib/dpkg/status", false}, {"no-package-manager", "usr/lib/apt/methods/http", true}, {"no-package-manager", "etc/apt", true},
		{"no-docs", "usr/share/doc/x/README", true}, {"no-docs", "usr/share/doc/x/copyright", false}, {"no-docs", "usr/share/man/man1/x.1", true},
	} {
		u := uses(t, row.rule)[0]
		if got := u.Drops(&tree.Entry{Path: row.path, Type: tree.File}); got != row.want {
			t.Errorf("%s leaves out %s: %v", row.rule, row.path, got)
		}
	}
	u := uses(t, "no-setuid except /usr/bin/sudo")[0]
	for path, want := range map[string]bool{"usr/bin/su": true, "usr/bin/sudo": false} {
		if got := u.Clears(&tree.Entry{Path: path, Type: tree.File, Mode: 0o4755}); got != want {
			t.Errorf("no-setuid clears %s: %v", path, got)
		}
	}
	if u.Clears(&tree.Entry{Path: "var/local", Type: tree.Dir, Mode: 0o2775}) {
		t.Error("no-setuid clears a folder")
	}
}
