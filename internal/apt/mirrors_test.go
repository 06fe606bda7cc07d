package apt_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"kiln"
	"kiln/internal/apt"
)

func TestFindMirrors(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	env := func(pairs ...string) func(string) string {
		return func(name string) string {
			for i := 0; i < len(pairs); i += 2 {
				if pairs[i] == name {
					return pairs[i+1]
				}
			}
			return ""
		}
	}
	host := fstest.MapFS{"sources.list": file("deb http://host.example.org/debian bookworm main\n")}
	rows := []struct {
		summary        string
		o              apt.MirrorOptions
		main, security string // "" is an error
	}{
		{"nothing", apt.MirrorOptions{}, "", ""},
		{"a flag comes before all", apt.MirrorOptions{
			Flags:  []string{"debian=http://flag.example.org/debian/"},
			Getenv: env("KILN_MIRROR_DEBIAN", "http://env.example.org/debian"),
			Config: map[string]string{"debian": "http://config.example.org/debian"}, Host: host,
		}, "http://flag.example.org/debian/", "http://flag.example.org/debian-security"},
		{"then the environment", apt.MirrorOptions{
			Getenv: env("KILN_MIRROR_DEBIAN", "http://env.example.org/debian", "KILN_MIRROR_DEBIAN_SECURITY", "https://sec.example.org/x"),
			Config: map[string]string{"debian": "http://config.example.org/debian"}, Host: host,
		}, "http://env.example.org/debian", "https://sec.example.org/x"},
		{"then the config file", apt.MirrorOptions{
			Config: map[string]string{"debian": "http://config.example.org/debian", "debian-security": "file:///srv/sec"}, Host: host,
		}, "http://config.example.org/debian", "file:///srv/sec"},
		{"then the host", apt.MirrorOptions{Getenv: env(), Host: host}, "http://host.example.org/debian", "http://host.example.org/debian-security"},
		{"security by a flag alone", apt.MirrorOptions{Flags: []string{"debian-security=http://flag.example.org/s"}, Host: host},
			"http://host.example.org/debian", "http://flag.example.org/s"},
		{"several of each", apt.MirrorOptions{
			Flags:  []string{"debian=http://a.example.org/debian", "debian=http://b.example.org/debian"},
			Getenv: env("KILN_MIRROR_DEBIAN_SECURITY", "http://c.example.org/s http://d.example.org/s"),
		}, "http://a.example.org/debian http://b.example.org/debian", "http://c.example.org/s http://d.example.org/s"},
		{"a main mirror of another name has no sibling", apt.MirrorOptions{Flags: []string{"debian=file:///srv/mirror"}}, "file:///srv/mirror", ""},
		{"a main mirror named on purpose comes before the host's security mirror", apt.MirrorOptions{
			Getenv: env("KILN_MIRROR_DEBIAN", "http://env.example.org/debian"),
			Host:   fstest.MapFS{"sources.list": file("deb http://host.example.org/debian-security bookworm-security main\n")},
		}, "http://env.example.org/debian", "http://env.example.org/debian-security"},
		{"deb822 on the host", apt.MirrorOptions{Host: fstest.MapFS{"sources.list.d/debian.sources": file(`
# a comment
Types: deb deb-src
URIs: http://one.example.org/debian
# a comment inside
 http://two.example.org/debian/
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Enabled: no
Types: deb
URIs: http://off.example.org/debian
Suites: bookworm

Types: deb-src
URIs: http://src.example.org/debian
Suites: bookworm

Types: deb
URIs: http://three.example.org/debian-security
Suites: bookworm-security
`)}}, "http://one.example.org/debian http://two.example.org/debian/", "http://three.example.org/debian-security"},
		{"one-line forms on the host", apt.MirrorOptions{Host: fstest.MapFS{
			"sources.list": file("# deb http://off.example.org/debian x main\n" +
				"deb-src http://src.example.org/debian x main\n" +
				"deb cdrom:[Debian]/ x main\n" +
				"deb mirror+file:/etc/apt/mirrors/debian.list x main\n" +
				"deb tor+http://onion.example.org/debian x main\n" +
				"deb [ arch=amd64 signed-by=/k.gpg ] http://one.example.org/debian x main # a comment\n" +
				"deb [arch=amd64] file:///srv/debian x main\n" +
				"deb [broken http://broken.example.org/debian x main\n" +
				"deb http://short.example.org/debian\n"),
			"sources.list.d/vendor.list":       file("deb http://vendor.example.org/apt x main\n"),
			"sources.list.d/security.list":     file("deb http://sec.example.org/debian-security x main\n"),
			"sources.list.d/off.list.disabled": file("deb http://off.example.org/debian x main\n"),
		}}, "http://one.example.org/debian file:///srv/debian", "http://sec.example.org/debian-security"},
		{"a host without Debian", apt.MirrorOptions{Host: fstest.MapFS{"sources.list": file("deb http://u.example.org/ubuntu noble main\n")}}, "", ""},
	}
	for _, row := range rows {
		t.Run(row.summary, func(t *testing.T) {
			m, err := apt.FindMirrors(row.o)
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range map[string]string{"debian": row.main, "debian-security": row.security} {
				urls, err := m.Of(name)
				if want == "" {
					variable := map[string]string{"debian": "KILN_MIRROR_DEBIAN", "debian-security": "KILN_MIRROR_DEBIAN_SECURITY"}[name]
					wantError(t, err, kiln.User, "cannot find a mirror of "+name)
					if hints := strings.Join(kiln.HintsOf(err), "\n"); !strings.Contains(hints, "--mirror "+name+"=URL") || !strings.Contains(hints, "export "+variable+"=URL") {
						t.Errorf("hints %q", hints)
					}
					continue
				}
				if got := strings.Join(urls, " "); got != want {
					t.Errorf("%s is %q, want %q: %v", name, got, want, err)
				}
			}
		})
	}
}

func TestMirrorsThatAreNone(t *testing.T) {
	bad := []apt.MirrorOptions{
		{Flags: []string{"debian"}},
		{Flags: []string{"ubuntu=http://x.example.org/ubuntu"}},
		{Flags: []string{"debian=ftp://x.example.org/debian"}},
		{Flags: []string{"debian=http:///debian"}},
		{Flags: []string{"debian=file:relative"}},
		{Flags: []string{"debian=file://host/x"}},
		{Flags: []string{"debian=http://x.example.org/debian?a=b"}},
		{Getenv: func(string) string { return "x.example.org/debian" }},
		{Config: map[string]string{"debian": "://"}},
	}
	for _, o := range bad {
		if _, err := apt.FindMirrors(o); err == nil || kiln.CodeOf(err) == kiln.Bug {
			t.Errorf("%v: %v", o, err)
		}
	}
}

func TestDebian(t *testing.T) {
	rows := []struct {
		suite      string
		pockets    []string
		want       string
		signatures string // first digits of the fingerprints of release and security
	}{
		{"trixie", nil, "trixie:debian trixie-updates:debian trixie-security:debian-security", "04B54C3C 41587F7D | 5E04A1E3"},
		{"bookworm", nil, "bookworm:debian bookworm-updates:debian bookworm-security:debian-security", "B8B80B5B 4D64FEC1 | 05AB9034"},
		{"bullseye", nil, "bullseye:debian bullseye-updates:debian bullseye-security:debian-security", "1F89983E A4285295 | AC530D52"},
		{"sid", nil, "sid:debian", "04B54C3C B8B80B5B"},
		{"trixie", []string{}, "trixie:debian", "04B54C3C 41587F7D"},
		{"trixie", []string{"security", "security"}, "trixie:debian trixie-security:debian-security", "04B54C3C 41587F7D | 5E04A1E3"},
	}
	for _, row := range rows {
		a, err := apt.Debian(row.suite, nil, row.pockets)
		if err != nil {
			t.Errorf("%s: %v", row.suite, err)
			continue
		}
		var got, prints []string
		for _, p := range a.Pockets {
			got = append(got, p.Suite+":"+p.Mirror)
			if p.Name == "security" {
				prints = append(prints, "|")
			}
			for _, k := range p.Keys.Keys() {
				if p.Name != "updates" {
					prints = append(prints, k.Fingerprint[:8])
				}
				if !strings.Contains(k.Name, "Debian") || len(k.Fingerprint) != 40 {
					t.Errorf("%s: odd key %v", row.suite, k)
				}
			}
		}
		if strings.Join(got, " ") != row.want || strings.Join(prints, " ") != row.signatures {
			t.Errorf("%s: %q signed by %q", row.suite, got, prints)
		}
	}
	for _, suite := range []string{"stable", "forky", "../x", ""} {
		_, err := apt.Debian(suite, nil, nil)
		wantError(t, err, kiln.User, "cannot use the suite")
	}
	_, err := apt.Debian("sid", nil, []string{"security"})
	wantError(t, err, kiln.User, `the pocket "security"`)
}
