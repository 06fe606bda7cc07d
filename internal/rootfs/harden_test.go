package rootfs_test

import (
	"slices"
	"strings"
	"testing"

	"kiln"
	"kiln/internal/deb/debtest"
	"kiln/internal/recipe"
	"kiln/internal/rootfs"
	"kiln/internal/tree"
)

// guarded has programs with the setuid bit, one by a script; a shell; accounts.
func guarded() debtest.Spec {
	return debtest.Spec{Scripts: postinst("chmod 4755 /usr/bin/late; chmod 2755 /usr/bin/group; echo x:hash:1:0:99999:7::: > /etc/shadow; echo made > /etc/made; test -e /usr/bin/dash"), Entries: []debtest.Entry{
		{Path: "usr/bin/su", Content: "su", Mode: 0o4755}, {Path: "usr/bin/sudo", Content: "sudo", Mode: 0o4755}, {Path: "usr/bin/sudoedit", Type: 'h', Link: "usr/bin/sudo", Mode: 0o4755},
		{Path: "usr/bin/late", Content: "l", Mode: 0o755}, {Path: "usr/bin/group", Content: "g", Mode: 0o755},
		{Path: "usr/bin/dash", Content: "d", Mode: 0o755}, {Path: "usr/bin/sh", Link: "dash"}, {Path: "var/mail/", Mode: 0o2775},
		{Path: "etc/login.defs", Content: "UMASK 022\n"}, {Path: "usr/share/man/man1/x", Content: "m"},
	}}
}

func hardened(t *testing.T, rules ...recipe.Harden) *bench {
	t.Helper()
	r := oneLayer("pkg")
	r.Harden = rules
	r.Rules.Off = []recipe.RuleOff{{Name: "no-man", Why: "test"}}
	b := newBench(t, r)
	b.add(guarded())
	return b
}

func bitsOf(t *testing.T, img *rootfs.Image, path string) uint32 {
	t.Helper()
	e, ok := img.Tree.Lookup(path)
	if !ok {
		t.Fatalf("no %s", path)
	}
	return e.Mode
}

func TestHarden(t *testing.T) {
	img := hardened(t, recipe.Harden{Name: "no-setuid", Except: []string{"/usr/bin/sudoedit"}, Why: "operators"}, recipe.Harden{Name: "no-shells"},
		recipe.Harden{Name: "login-defs"}, recipe.Harden{Name: "no-docs"}).assemble()
	for path, want := range map[string]uint32{"usr/bin/su": 0o755, "usr/bin/late": 0o755, "usr/bin/group": 0o755, "usr/bin/sudo": 0o4755, "usr/bin/sudoedit": 0o4755, "var/mail": 0o2775} {
		if got := bitsOf(t, img, path); got != want {
			t.Errorf("%s has the mode %04o, want %04o", path, got, want)
		}
	}
	for _, gone := range []string{"usr/bin/dash", "usr/bin/sh", "usr/share/man/man1/x"} {
		if _, ok := img.Tree.Lookup(gone); ok {
			t.Errorf("%s is there", gone)
		}
	}
	if got := content(t, img, "etc/login.defs"); !strings.HasPrefix(got, "UMASK\t027\n") {
		t.Errorf("login.defs holds %q", got)
	}
	if content(t, img, "etc/made") != "made\n" {
		t.Error("the script did not run")
	}
	if e, _ := img.Tree.Lookup("usr/bin/su"); e.Origin.Rule != "no-setuid" || e.Origin.Package != "pkg" || e.Origin.Recipe != "harden[0]" {
		t.Errorf("origin %+v", e.Origin)
	}
	if n := len(img.Layers); n != 2 || img.Layers[1].Name != "harden" || len(img.Layers[1].Removed) != 0 {
		t.Errorf("%d layers", n)
	}
	// what is not setuid is in its package's member still
	if i := slices.IndexFunc(img.Layers[0].Members, func(m tree.Member) bool { return strings.HasPrefix(m.Name, "pkg_") }); i < 0 ||
		!slices.ContainsFunc(img.Layers[0].Members[i].Entries, func(e tree.Entry) bool { return e.Path == "usr/bin/su" }) {
		t.Error("su is not in its package's member")
	}
}

// A layer is the same whatever the rules write on top of it; with rules that find
// nothing to do, nothing comes on top.
func TestHardenedLayersStandAlone(t *testing.T) {
	plain, hard := hardened(t).assemble(), hardened(t, recipe.Harden{Name: "login-defs"}).assemble()
	if layerDigests(t, plain)["base"] != layerDigests(t, hard)["base"] || len(hard.Layers) != 2 {
		t.Error("the layer below depends on the rule")
	}
	if img := hardened(t, recipe.Harden{Name: "sshd"}).assemble(); len(img.Layers) != 1 {
		t.Error("a rule that has nothing to do makes a layer")
	}
}

// The recipe's files are final: a rule that would change one is an error with both
// places.
func TestHardenConflicts(t *testing.T) {
	text := "x"
	for _, row := range []struct {
		file recipe.File
		rule string
		want string
	}{
		{recipe.File{Path: "/etc/login.defs2", Content: &text, Mode: "4755", Why: "x"}, "no-setuid", "which harden[0] (no-setuid) takes the setuid bit off"},
		{recipe.File{Path: "/usr/bin/bash", Content: &text, Why: "x"}, "no-shells", "makes /usr/bin/bash, which harden[0] (no-shells) leaves out"},
		{recipe.File{Path: "/etc/modprobe.d/kiln-harden.conf", Content: &text, Why: "x"}, "modules", "makes /etc/modprobe.d/kiln-harden.conf, which harden[0] (modules) would change"},
	} {
		b := hardened(t, recipe.Harden{Name: row.rule})
		b.in.Recipe.Layers[0].Files = []recipe.File{row.file}
		b.fails(kiln.User, row.want)
	}
}

// An exception to which nothing answers is an error, with what is nearest: also one
// for what another rule has left out already, and one that comes too late for a typo.
func TestHardenUnusedExceptions(t *testing.T) {
	for _, row := range []struct {
		summary string
		rule    recipe.Harden
		want    string // empty: none is unused
	}{
		{"all answer", recipe.Harden{Name: "no-setuid", Except: []string{"/usr/bin/su*", "/usr/bin/late"}}, ""},
		{"no bit", recipe.Harden{Name: "no-setuid", Except: []string{"/usr/bin/dash"}}, `"/usr/bin/dash" matches nothing that the rule "no-setuid" would leave out or change`},
		{"a typo", recipe.Harden{Name: "no-setuid", Except: []string{"/usr/bin/su", "/usr/bin/lat"}}, `or write what it is for: /usr/bin/late or `},
		{"a shell that is not there", recipe.Harden{Name: "no-shells", Except: []string{"/usr/bin/bsh"}}, `or write what it is for: /usr/bin/sh or /usr/bin/dash`},
		{"a shell that is", recipe.Harden{Name: "no-shells", Except: []string{"/usr/bin/{sh,dash}"}}, ""},
		{"a setting", recipe.Harden{Name: "login-defs", Except: []string{"umask"}}, ""},
		{"a setting of none", recipe.Harden{Name: "login-defs", Except: []string{"UMASC"}}, `the rule "login-defs" sets no "UMASC"`},
		{"a parameter of none", recipe.Harden{Name: "modules", Except: []string{"cramfss"}}, `or write what it is for: cramfs or `},
		{"a user with nothing to change", recipe.Harden{Name: "noninteractive", Except: []string{"daemon"}}, `the image has no user "daemon" whom the rule "noninteractive" would change`},
		{"a rule without exceptions", recipe.Harden{Name: "root-locked", Except: []string{"root"}}, `the rule "root-locked" has no exceptions`},
	} {
		t.Run(row.summary, func(t *testing.T) {
			b := hardened(t, row.rule)
			if row.want == "" {
				b.assemble()
				return
			}
			b.fails(kiln.User, row.want)
		})
	}
	b := hardened(t, recipe.Harden{Name: "no-docs", Except: []string{"/usr/share/man/man1/x"}})
	b.assemble()
	b = hardened(t, recipe.Harden{Name: "no-docs", Except: []string{"/usr/share/man/man1/x"}})
	b.in.Recipe.Rules.Off = nil // no-man leaves it out first
	b.fails(kiln.User, `"/usr/share/man/man1/x" matches nothing`)
}
