package survey_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kiln"
	"kiln/internal/facts"
	"kiln/internal/lock"
	"kiln/internal/oci"
	"kiln/internal/recipe"
	"kiln/internal/sbom"
	"kiln/internal/survey"
	"kiln/internal/tree"
)

// files are the contents of a small Debian image.
func files() map[string]string {
	return map[string]string{
		"etc/passwd": "root:x:0:0:root:/root:/bin/bash\napp:x:1000:1000::/srv:\nlost:x:5:5:::/bin/false\n",
		"etc/group":  "root:x:0:\napp:x:1000:\nops:x:50:app\n",
		"etc/shadow": "root:*:1::::::\napp::1::::::\nlost:$6$x:1::::::\n",
		"var/lib/dpkg/status": "Package: base\nStatus: install ok installed\nVersion: 1.0-1\nArchitecture: all\nMaintainer: x\nDescription: x\nInstalled-Size: 3\nSection: admin\nPriority: required\nEssential: yes\n\n" +
			"Package: gone\nStatus: deinstall ok config-files\nVersion: 1\nArchitecture: all\nMaintainer: x\nDescription: x\n",
		"var/lib/dpkg/info/base.list":   "/.\n/usr/bin/tool\n/etc/base.conf\n",
		"usr/bin/tool":                  "tool",
		"etc/base.conf":                 "conf",
		"srv/data":                      "data!",
		"etc/systemd/system/web.socket": "[Socket]\nListenStream=80\n",
	}
}

// subject is that image; change alters each entry.
func subject(t *testing.T, change func(*tree.Entry)) survey.Subject {
	t.Helper()
	contents := tree.Bytes{}
	list := []tree.Entry{
		{Path: "etc/systemd/system/multi-user.target.wants/ssh.service", Type: tree.Symlink, Mode: 0o777, Link: "/usr/lib/systemd/system/ssh.service"},
		{Path: "bin", Type: tree.Symlink, Mode: 0o777, Link: "usr/bin"},
	}
	for p, text := range files() {
		list = append(list, tree.Entry{Path: p, Type: tree.File, Mode: 0o644, Size: int64(len(text)), Content: contents.Add([]byte(text))})
	}
	dirs := map[string]bool{}
	for i := range list {
		for d := tree.Parent(list[i].Path); d != "."; d = tree.Parent(d) {
			dirs[d] = true
		}
	}
	for d := range dirs {
		list = append(list, tree.Entry{Path: d, Type: tree.Dir, Mode: 0o755})
	}
	for i := range list {
		switch e := &list[i]; e.Path {
		case "usr/bin/tool":
			e.Mode = 0o4755
		case "srv/data":
			e.UID, e.GID, e.Mode = 1000, 77, 0o666
			e.Xattrs = map[string]string{"security.capability": "\x01\x00\x00\x02\x00\x04\x00\x00" + strings.Repeat("\x00", 12)}
		}
		if change != nil {
			change(&list[i])
		}
	}
	tr, err := tree.Of(list...)
	if err != nil {
		t.Fatal(err)
	}
	return survey.Subject{Name: "x", Kind: "tar", Tree: tr, Contents: contents}
}

func read(t *testing.T, s survey.Subject) *facts.Facts {
	t.Helper()
	f, err := survey.Facts(s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func file(t *testing.T, f *facts.Facts, path string) string {
	t.Helper()
	i := slices.IndexFunc(f.Files, func(f facts.File) bool { return f.Path == path })
	if i < 0 {
		t.Fatalf("no file %s", path)
	}
	return jsonOf(t, f.Files[i])
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// What a plain root file system tells, and what it does not.
func TestRootFileSystem(t *testing.T) {
	f := read(t, subject(t, nil))
	for _, row := range []struct{ path, want string }{
		{"/usr/bin/tool", `{"path":"/usr/bin/tool","name":"tool","dir":"/usr/bin","type":"file","mode":"4755","uid":0,"gid":0,"owner":"root","group":"root","size":4,"setuid":true,"executable":true,"package":"base"}`},
		{"/srv/data", `{"path":"/srv/data","name":"data","dir":"/srv","type":"file","mode":"0666","uid":1000,"gid":77,"owner":"app","group":"","size":5,"world_writable":true,"group_writable":true,"capabilities":"cap_net_bind_service=ep","package":""}`},
		{"/bin", `{"path":"/bin","name":"bin","dir":"/","type":"symlink","mode":"0777","uid":0,"gid":0,"owner":"root","group":"root","size":0,"link":"usr/bin","package":""}`},
		{"/", `{"path":"/","name":"/","dir":"/","type":"directory","mode":"0755","uid":0,"gid":0,"owner":"root","group":"root","size":0,"package":"base"}`},
	} {
		if diff := cmp.Diff(row.want, file(t, f, row.path)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.path, diff)
		}
	}
	if got, want := jsonOf(t, f.Packages), `[{"name":"base","version":"1.0-1","architecture":"all","source":"base","source_version":"1.0-1","installed_size":3072,"section":"admin","priority":"required","essential":true}]`; got != want {
		t.Errorf("packages %s", got)
	}
	wantUsers := `[{"name":"root","uid":0,"gid":0,"groups":["root"],"gecos":"root","home":"/root","shell":"/bin/bash","password":"locked"},` +
		`{"name":"lost","uid":5,"gid":5,"groups":[],"gecos":"","home":"","shell":"/bin/false","password":"set"},` +
		`{"name":"app","uid":1000,"gid":1000,"groups":["ops","app"],"gecos":"","home":"/srv","shell":"/bin/sh","password":"empty"}]`
	if diff := cmp.Diff(wantUsers, jsonOf(t, f.Users)); diff != "" {
		t.Errorf("users (-want +got):\n%s", diff)
	}
	wantUnits := `[{"name":"ssh.service","enabled":true,"enabled_by":["multi-user.target"],"listens":[]},{"name":"web.socket","path":"/etc/systemd/system/web.socket","enabled":false,"enabled_by":[],"listens":["ListenStream=80"]}]`
	if diff := cmp.Diff(wantUnits, jsonOf(t, f.Units)); diff != "" {
		t.Errorf("units (-want +got):\n%s", diff)
	}
	if f.Config != nil || f.Ports != nil || f.Layers != nil || f.Image.Compressed != nil || f.Releases != nil || f.Recipe != nil || f.Secrets != nil {
		t.Errorf("facts that nobody knows: %s", jsonOf(t, f))
	}
	if !slices.Equal(f.Image.Setuid, []string{"/usr/bin/tool"}) || !slices.Equal(f.Image.Capable, []string{"/srv/data"}) || f.Image.Entries != int64(len(f.Files)) {
		t.Errorf("image %s", jsonOf(t, f.Image))
	}
}

// Every fact that is left out has its reason, and nothing that is there has one.
func TestUnknown(t *testing.T) {
	unowned := subject(t, nil)
	unowned.Unowned = true
	noLists := subject(t, func(e *tree.Entry) { e.Path = strings.Replace(e.Path, "base.list", "base.md5sums", 1) })
	strange := subject(t, func(e *tree.Entry) {
		if e.Path == "etc/group" {
			e.Content = kiln.DigestOf([]byte("a:b\n"))
		}
	})
	strange.Contents.(tree.Bytes).Add([]byte("a:b\n"))
	bare := survey.Subject{Name: "x", Tree: tree.New(), Contents: tree.Bytes{}}
	for _, row := range []struct {
		summary string
		subject survey.Subject
	}{{"plain", subject(t, nil)}, {"unowned", unowned}, {"no lists of files", noLists}, {"strange accounts", strange}, {"nothing in it", bare}, {"all that there is", built(t)}} {
		f := read(t, row.subject)
		for _, s := range facts.Structs() {
			for _, field := range s.Fields {
				check(t, row.summary, f, s.Name+"."+field.Name, missing(t, f, s, field.Name))
			}
		}
		var doc map[string]any
		if err := json.Unmarshal([]byte(jsonOf(t, f)), &doc); err != nil {
			t.Fatal(err)
		}
		for _, field := range facts.Top().Fields {
			if field.Optional {
				check(t, row.summary, f, field.Name, doc[field.Name] == nil)
			}
		}
	}
}

// missing tells whether an optional field is nil in any object of its type that is there.
func missing(t *testing.T, f *facts.Facts, s *facts.Struct, field string) bool {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal([]byte(jsonOf(t, f)), &doc); err != nil {
		t.Fatal(err)
	}
	optional, _ := s.Field(field)
	if !optional.Optional {
		return false
	}
	for _, top := range facts.Top().Fields {
		if top.Each != s.Name && top.Name != s.Name {
			continue
		}
		list, ok := doc[top.Name].([]any)
		if !ok {
			list = []any{doc[top.Name]}
		}
		for _, v := range list {
			if m, ok := v.(map[string]any); ok {
				if _, there := m[field]; !there {
					return true
				}
			}
		}
	}
	return false
}

func check(t *testing.T, summary string, f *facts.Facts, name string, missing bool) {
	t.Helper()
	_, said := f.Unknown[name]
	if name == "release.valid_until" { // a Release may have none: that is known
		return
	}
	if missing && !said {
		t.Errorf("%s: %s is not known, and nothing says why", summary, name)
	}
	if !missing && said && !strings.Contains(name, ".") {
		t.Errorf("%s: %s is known, and said not to be", summary, name)
	}
}

// built is what a build of kiln knows of the image.
func built(t *testing.T) survey.Subject {
	t.Helper()
	r, problems := recipe.Parse("kiln.yaml", []byte(`kiln: v1
name: web
version: "2"
owners: [team]
platforms: [linux/amd64, linux/arm64]
sources: [{archive: debian, suite: trixie}]
layers: [{name: base, packages: [base: the ground]}]
`))
	if problems != nil {
		t.Fatal(problems)
	}
	s := subject(t, func(e *tree.Entry) {
		switch e.Path {
		case "usr/bin/tool":
			e.Origin = tree.Origin{Package: "base"}
		case "etc/base.conf":
			e.Origin = tree.Origin{Package: "base", Script: "base.postinst:3"}
		case "srv/data":
			e.Origin = tree.Origin{Recipe: "layers[base].files[0]", Why: "what it serves"}
		}
	})
	date := time.Date(2026, 11, 14, 10, 0, 0, 0, time.UTC)
	size := int64(1000)
	s.Name, s.Kind, s.Platform, s.Digest, s.Origins, s.Recipe = "web", "build", "linux/amd64", kiln.DigestOf(nil), true, r
	s.Config = &oci.Config{Created: 1, User: "app", Env: []string{"A=1=2"}, Labels: map[string]string{"b": "c"}, ExposedPorts: []string{"80", "53/udp"}, Healthcheck: &oci.Healthcheck{Test: []string{"CMD", "/x"}}}
	s.Layers = []facts.Layer{{Name: "base", Compressed: &size}, {Name: "app", Compressed: &size}}
	s.Lock = &lock.Lock{
		Archives: []lock.Archive{{Name: "debian", Pockets: []lock.Pocket{{Name: "security", Suite: "trixie-security", Date: date, ValidUntil: &date}}}},
		Platforms: map[kiln.Platform]*lock.Platform{{OS: "linux", Architecture: "amd64"}: {Packages: []lock.Package{
			{Name: "base", Architecture: "all", Archive: "debian/trixie", RequiredBy: []string{"recipe"}},
		}}},
	}
	return s
}

// What was sought besides is told; and what of it could not be found, says why.
func TestEvidence(t *testing.T) {
	licence := func(l sbom.Licence) *sbom.Inventory {
		return &sbom.Inventory{Packages: []sbom.Package{{Name: "base", Version: "1.0-1", Architecture: "all", Licence: l}}}
	}
	for _, row := range []struct {
		summary  string
		evidence survey.Evidence
		pkg      string // the end of it, as JSON
		unknown  string
	}{
		{"nothing was sought", survey.Evidence{}, `"required_by":["recipe"]}`, "the licences of the packages were not read"},
		{"it could not be read", survey.Evidence{Unknown: map[string]string{"pkg.licences": "it is torn"}}, `"required_by":["recipe"]}`, "it is torn"},
		{"declared, with a choice and an exception", survey.Evidence{Inventory: licence(sbom.Licence{Declared: "(MIT OR GPL-2.0-only WITH Linux-syscall-note) AND ISC AND MIT", Concluded: "Zlib"})},
			`"licences":["GPL-2.0-only WITH Linux-syscall-note","ISC","MIT"]}`, ""},
		{"concluded", survey.Evidence{Inventory: licence(sbom.Licence{Concluded: "Zlib"})}, `"licences":["Zlib"],"licences_concluded":true}`, ""},
		{"none in it", survey.Evidence{Inventory: licence(sbom.Licence{Note: "free form"})}, `"licences":[]}`, ""},
		{"no file to read", survey.Evidence{Inventory: licence(sbom.Licence{Unread: true})}, `"required_by":["recipe"]}`, "the image does not hold the copyright files of all its packages, and no record of a build tells of them"},
		{"another version", survey.Evidence{Inventory: &sbom.Inventory{Packages: []sbom.Package{{Name: "base", Version: "2", Architecture: "all"}}}}, `"required_by":["recipe"]}`,
			"the image does not hold the copyright files of all its packages, and no record of a build tells of them"},
	} {
		s := built(t)
		s.Evidence = row.evidence
		f := read(t, s)
		if got := jsonOf(t, f.Packages[0]); !strings.HasSuffix(got, row.pkg) || f.Unknown["pkg.licences"] != row.unknown {
			t.Errorf("%s: %s, unknown: %q", row.summary, got, f.Unknown["pkg.licences"])
		}
	}
	s := built(t)
	s.Secrets = func(r *recipe.Recipe) []facts.Secret { return []facts.Secret{{Kind: "token", Place: r.Name}} }
	s.Signatures = []facts.Signature{}
	f := read(t, s)
	if jsonOf(t, f.Secrets) != `[{"kind":"token","place":"web"}]` || f.Signatures == nil || f.Unknown["secrets"]+f.Unknown["signatures"] != "" {
		t.Errorf("secrets %v, signatures %v, unknown %v", f.Secrets, f.Signatures, f.Unknown)
	}
}

func TestBuilt(t *testing.T) {
	f := read(t, built(t))
	for _, row := range []struct{ path, want string }{
		{"/usr/bin/tool", `"package":"base","origin":"package","why":""`},
		{"/etc/base.conf", `"package":"base","origin":"script","why":""`},
		{"/srv/data", `"package":"","origin":"recipe","why":"what it serves"`},
	} {
		if got := file(t, f, row.path); !strings.Contains(got, row.want) {
			t.Errorf("%s: %s", row.path, got)
		}
	}
	for _, row := range []struct {
		of   any
		want string
	}{
		{f.Packages[0], `"archive":"debian/trixie","why":"the ground","required_by":["recipe"]`},
		{f.Config, `{"user":"app","uid":1000,"entrypoint":[],"command":[],"env":{"A":"1=2"},"labels":{"b":"c"},"volumes":[],"healthcheck":["/x"]}`},
		{f.Ports, `[{"number":80,"protocol":"tcp"},{"number":53,"protocol":"udp"}]`},
		{f.Env, `[{"name":"A","value":"1=2"}]`},
		{f.Releases, `[{"archive":"debian","suite":"trixie-security","pocket":"security","date":"2026-11-14T10:00:00Z","valid_until":"2026-11-14T10:00:00Z"}]`},
		{f.Recipe, `{"name":"web","version":"2","summary":"","owners":["team"]}`},
		{f.Image, `"compressed":2000`},
		{f.Image, `"platforms":["linux/amd64","linux/arm64"]`},
	} {
		if got := jsonOf(t, row.of); !strings.Contains(got, row.want) {
			t.Errorf("got %s, want %s", got, row.want)
		}
	}
}

// The user of a configuration by its number, wherever that is told.
func TestUserOfTheConfiguration(t *testing.T) {
	for _, row := range []struct {
		user string
		want int64
	}{{"", 0}, {"0", 0}, {"65532:65532", 65532}, {"app", 1000}, {"app:ops", 1000}, {"root", 0}, {"nobody-knows", -1}} {
		s := subject(t, nil)
		s.Config = &oci.Config{User: row.user}
		got := int64(-1)
		if uid := read(t, s).Config.UID; uid != nil {
			got = *uid
		}
		if got != row.want {
			t.Errorf("%q is %d, want %d", row.user, got, row.want)
		}
	}
}
