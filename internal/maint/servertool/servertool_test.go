package servertool_test

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"

	"kiln/internal/maint/command"
	"kiln/internal/maint/servertool"
	"kiln/internal/maint/toolbox"
	"kiln/internal/maint/toolbox/toolboxtest"
)

// What is expected here is what the programs of Debian 13 print for the same files.

func server(t *testing.T, pkg string, files map[string]string) *toolboxtest.System {
	s := toolboxtest.New(t, files)
	s.Machine.Package = pkg
	return s
}

func prints(s *toolboxtest.System, line, want string) {
	s.T.Helper()
	if got := s.OK(line); got != want {
		s.T.Errorf("%s prints\n%s\nwant\n%s", line, got, want)
	}
}

func TestSshdHostKeys(t *testing.T) {
	const config = "/etc/ssh/sshd_config"
	s := server(t, "openssh-server", map[string]string{config: "#HostKey /no\nUsePAM yes\n"})
	prints(s, "sshd -G", "hostkey /etc/ssh/ssh_host_rsa_key\nhostkey /etc/ssh/ssh_host_ecdsa_key\nhostkey /etc/ssh/ssh_host_ed25519_key\n")
	s = server(t, "openssh-server", map[string]string{
		config:                          "# c\nInclude /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\n  HostKey = '/etc/ssh/q'\nMatch User x\nPasswordAuthentication no\n",
		"/etc/ssh/sshd_config.d/a.conf": "HostKey \"/etc/ssh/with space\"   # c\nhostkey=/etc/ssh/eq\nHOSTKEY /etc/ssh/eq\n",
	})
	prints(s, "sshd -G", "hostkey /etc/ssh/with space\nhostkey /etc/ssh/eq\nhostkey /etc/ssh/eq\nhostkey /etc/ssh/q\n")
	s.Refuses("sshd -t", "-t")
	s.Refuses("sshd", "no server runs")
	for _, bad := range []string{"HostKey none\n", "HostKey relative\n", "Match all\nHostKey /a\n", "HostKey\n"} {
		toolboxtest.Must(t, s.FS.WriteFile(config, []byte(bad), 0o644))
		s.Refuses("sshd -G", "HostKey")
	}
	toolboxtest.Must(t, s.FS.WriteFile(config, []byte("Include "+config+"\n"), 0o644))
	s.Fails("sshd -G", 255)
	s.Fails("sshd -G -f /none", 1)
	s.Machine.Package = "other"
	s.Refuses("sshd -G", "only the host keys")
}

// An image holds no key; what was wanted is noted.
func TestSSHKeygen(t *testing.T) {
	s := server(t, "openssh-server", map[string]string{"/etc/ssh/": ""})
	if _, out, err := s.CallWords("ssh-keygen", "-q", "-f", "/etc/ssh/ssh_host_rsa_key", "-N", "", "-t", "rsa"); err != nil || out != "" {
		t.Errorf("%q, %v", out, err)
	}
	prints(s, "ssh-keygen -l -f /etc/ssh/ssh_host_rsa_key.pub", "")
	s.OK("ssh-keygen -A")
	want := []command.Note{
		{Package: "openssh-server", Script: "postinst", Kind: "host-key", Subject: "/etc/ssh/ssh_host_rsa_key"},
		{Package: "openssh-server", Script: "postinst", Kind: "host-key", Subject: "/etc/ssh/ssh_host_*_key"},
	}
	if !slices.Equal(s.Machine.Notes, want) {
		t.Errorf("notes are %+v", s.Machine.Notes)
	}
	if got := s.FS.Glob("/etc/ssh/*"); len(got) > 0 {
		t.Errorf("made %v", got)
	}
	s.Refuses("ssh-keygen -l -f /etc/ssh/other.pub", "fingerprints")
	s.Refuses("ssh-keygen -R host", "-R")
	s.Refuses("ssh-keygen -t rsa", "name of the file")
}

func TestChronydPrintsItsConfiguration(t *testing.T) {
	s := server(t, "chrony", map[string]string{
		"/etc/chrony/chrony.conf": "! note\n  makestep   1\t3  \n% x\nconfdir /c/two /c/one\ninclude /c/*.inc\n  INCLUDE /c/none*\nrtcsync\n",
		"/c/two/m.conf":           "user two\n", "/c/one/m.conf": "user one\n", "/c/one/a.conf": "port 0\n", "/c/one/z.no": "port 1\n", "/c/b.inc": "cmdport 0 \n",
		"/c/bad": "rtcsync\ninclude /c/missing\n", "/c/loop": "include /c/loop\n",
	})
	prints(s, "chronyd -p", "makestep 1 3\nport 0\nuser two\ncmdport 0\nrtcsync\n")
	s.Fails("chronyd -p -f /c/bad", 1)
	s.Fails("chronyd -p -f /c/loop", 1)
	s.Refuses("chronyd -q", "-q")
	s.Refuses("chronyd", "no daemon runs")
}

func TestPamGetenv(t *testing.T) {
	const config = "/etc/security/pam_env.conf"
	s := toolboxtest.New(t, map[string]string{config: "# only\n\n  # comments\n", "/etc/environment": "# c\nA=1\nexport B=\"two words\"\nC='x\"\nD=a \\\n  b\nE=\nF=\"open\nA=3 # end\n"})
	for name, want := range map[string]string{"A": "3 \n", "B": "two words\n", "C": "x\n", "D": "a b\n", "E": "", "F": "open\n", "G": ""} {
		prints(s, "pam_getenv -l "+name, want)
	}
	s.Fails("pam_getenv -l", 255)
	toolboxtest.Must(t, s.FS.WriteFile(config, []byte("LANG DEFAULT=C\n"), 0o644))
	s.Refuses("pam_getenv A", config)
	toolboxtest.Must(t, s.FS.Remove(config))
	s.Fails("pam_getenv A", 2)
}

func TestPgConftool(t *testing.T) {
	s := toolboxtest.New(t, map[string]string{
		"/m.conf":   "# c\nOne = 'it''s \\'q' # x\ntwo on\nthree=1.5\nfour = yes\ninclude_dir 'd'\ninclude_if_exists 'nope'\nsix = off\n",
		"/d/a.conf": "five = 'x'\nsix = true\n", "/d/b.conf": "five='y z'\n", "/d/c.no": "bad bad bad\n", "/bad.conf": "bad line here\n", "/inc.conf": "include 'nope'\n",
	})
	for line, want := range map[string]string{
		"show one": "one = 'it''s ''q'\n", "-s show one": "it's 'q\n", "show two": "two = on\n", "-bs show two": "on\n", "-b show four": "four = on\n",
		"show three": "three = 1.5\n", "show five": "five = 'y z'\n", "-bs show five": "off\n", "show six": "six = off\n", "-s get two": "on\n",
	} {
		prints(s, "pg_conftool /m.conf "+line, want)
	}
	s.Fails("pg_conftool /m.conf show none", 1)
	s.Fails("pg_conftool /bad.conf show x", 1)
	s.Fails("pg_conftool /inc.conf show x", 1)
	s.Fails("pg_conftool /none.conf show x", 1)
	s.Refuses("pg_conftool /m.conf set one 1", "only to show")
	s.Refuses("pg_conftool 17 main show port", "only to show")
}

// A cluster is not made, and there is none to list.
func TestNoCluster(t *testing.T) {
	s := server(t, "postgresql-17", map[string]string{"/etc/postgresql/": ""})
	s.OK("pg_createcluster -u postgres --no-status 17 main")
	prints(s, "pg_lsclusters -h", "")
	s.OK("pg_checksystem")
	want := []command.Note{{Package: "postgresql-17", Script: "postinst", Kind: "pg_createcluster", Subject: "-u postgres --no-status 17 main"}}
	if !slices.Equal(s.Machine.Notes, want) {
		t.Errorf("notes are %+v", s.Machine.Notes)
	}
	s.Refuses("pg_lsclusters", "only -h")
	s.Refuses("pg_lsclusters -j", "-j")
	toolboxtest.Must(t, s.FS.MkdirAll("/etc/postgresql/17/main", 0o755))
	toolboxtest.Must(t, s.FS.WriteFile("/etc/postgresql/17/main/postgresql.conf", nil, 0o644))
	s.Refuses("pg_lsclusters -h", "/etc/postgresql/17/main/postgresql.conf")
}

func TestPgUpdatedicts(t *testing.T) {
	const data = "/usr/share/postgresql/17/tsearch_data"
	s := toolboxtest.New(t, map[string]string{
		"/usr/share/hunspell/de_DE.aff": "SET ISO8859-1\nSFX a\n", "/usr/share/hunspell/de_DE.dic": "1\nstra\xdfe\n",
		"/usr/share/hunspell/de_AT.aff": "-> de_DE.aff", "/usr/share/hunspell/de_AT.dic": "-> de_DE.dic",
		"/usr/share/hunspell/xx.aff": "SET UTF-8\n", "/usr/share/hunspell/yy.aff": "none\n", "/usr/share/hunspell/yy.dic": "",
		"/usr/share/myspell/dicts/own.aff": "SET UTF-8\n", "/usr/share/myspell/dicts/own.dic": "0\n",
		"/var/cache/postgresql/dicts/old.dict": "", data + "/old.affix": "-> /gone", data + "/own.dict": "the administrator's",
		"/usr/lib/postgresql/17/bin/postgres": "", "/usr/lib/postgresql/16/bin/postgres": "",
	})
	c := &command.Call{Name: "pg_updatedicts", FS: s.FS, Machine: s.Machine, Stdin: strings.NewReader(""), Stderr: io.Discard, Dir: "/", Umask: 0o22}
	var out strings.Builder
	c.Stdout = &out
	c.Exec = func(ctx context.Context, args []string, _ io.Reader, _, _ io.Writer) (int, error) {
		inner := *c
		inner.Name, inner.Args = args[0], args[1:]
		return toolbox.ShellTools()[args[0]](ctx, &inner)
	}
	if status, err := servertool.PgUpdatedicts(context.Background(), c); status != 0 || err != nil {
		t.Fatal(status, err)
	}
	want := "Building PostgreSQL dictionaries from installed myspell/hunspell packages...\n  de_de\n  own\nRemoving obsolete dictionary files:\n" +
		"  /var/cache/postgresql/dicts/old.dict\n  " + data + "/old.affix\n"
	if out.String() != want {
		t.Errorf("it prints\n%s", out.String())
	}
	s.Is("/var/cache/postgresql/dicts/de_de.dict", "1\nstraße\n")
	s.Is("/var/cache/postgresql/dicts/de_de.affix", "SET ISO8859-1\nSFX a\n")
	s.Is(data+"/own.dict", "the administrator's")
	s.Links(map[string]string{
		data + "/de_de.affix": "/var/cache/postgresql/dicts/de_de.affix", data + "/de_de.dict": "/var/cache/postgresql/dicts/de_de.dict",
		data + "/own.affix": "", data + "/old.affix": "",
	})
	if s.FS.Glob("/usr/share/postgresql/16") != nil {
		t.Error("a folder for a version without dictionaries was made")
	}
}

// Whatever stands in a configuration, reading it ends, and no line is printed that
// is no line of it.
func FuzzConfigurations(f *testing.F) {
	f.Add("HostKey = '/a b' # c\nInclude /etc/*\nMatch all\n")
	f.Add("include_dir 'x'\na = 'it''s'\nB on\n")
	f.Add("confdir /etc /etc\n! c\ninclude /etc/*\nuser x\n")
	f.Add("export A=\"b\\\n c\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		s := server(t, "openssh-server", map[string]string{
			"/etc/ssh/sshd_config": text, "/etc/chrony/chrony.conf": text, "/etc/environment": text, "/etc/security/pam_env.conf": "", "/etc/m.conf": text,
		})
		for _, line := range []string{"sshd -G", "chronyd -p", "pam_getenv A", "pg_conftool -s /etc/m.conf show a"} {
			status, out, err := s.Call(line)
			if status < 0 || status > 255 {
				t.Errorf("%s: status %d", line, status)
			}
			for word := range strings.FieldsSeq(out) {
				if err == nil && status == 0 && strings.HasPrefix(line, "chronyd") && !strings.Contains(text, word) {
					t.Errorf("%s prints %q", line, word)
				}
			}
		}
	})
}
