package pythontool_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"kiln/internal/maint/command"
	"kiln/internal/maint/debconf"
	"kiln/internal/maint/pythontool"
	"kiln/internal/maint/toolbox/toolboxtest"
)

func TestPython(t *testing.T) {
	s := toolboxtest.New(t, map[string]string{"/etc/": "", "/usr/bin/": "", "/tmp/x.py": "print(1)\n", "/usr/lib/python3/dist-packages/apt_listchanges/debconf_helper.py": "another program\n"})
	python := func(args ...string) (int, error) {
		return pythontool.Python(context.Background(), &command.Call{Name: "python3", Args: args, Dir: "/", FS: s.FS, Machine: s.Machine, Stderr: &bytes.Buffer{}})
	}
	if status, err := python("-B", "-c", "import debconf"); status != 1 || err != nil {
		t.Errorf("a module that is not there gives %d, %v", status, err)
	}
	toolboxtest.Must(t, s.FS.WriteFile("/usr/lib/python3/dist-packages/debconf.py", nil, 0o644))
	if status, err := python("-B", "-c", "import debconf"); status != 0 || err != nil {
		t.Errorf("a module that is there gives %d, %v", status, err)
	}
	for _, args := range [][]string{{"-c", "import os"}, {"/tmp/x.py"}, {"-m", "apt_listchanges.debconf_helper", "postinst", "/etc/apt/listchanges.conf", ""}} {
		if _, err := python(args...); err == nil || !strings.Contains(err.Error(), "not interpreted") {
			t.Errorf("%q gives %v", args, err)
		}
	}
}

// The configuration of apt-listchanges is that which its own program writes: the
// first row is the file of a fresh Debian 13.
func TestListchanges(t *testing.T) {
	templates := strings.NewReplacer("#", "apt-listchanges/").Replace(
		"Template: #frontend\nType: select\nChoices: pager, mail, none\nDefault: pager\n\nTemplate: #which\nType: select\nChoices: news, both\nDefault: news\n\n" +
			"Template: #no-network\nType: boolean\nDefault: false\n\nTemplate: #email-address\nType: string\nDefault: root\n\n" +
			"Template: #email-format\nType: select\nChoices: text, html\nDefault: text\n\nTemplate: #confirm\nType: boolean\nDefault: false\n\n" +
			"Template: #headers\nType: boolean\nDefault: false\n\nTemplate: #reverse\nType: boolean\nDefault: false\n\nTemplate: #save-seen\nType: boolean\nDefault: true\n")
	for _, row := range []struct {
		name    string
		answers map[string]string
		want    string
	}{
		{"defaults", nil, "[apt]\nfrontend=pager\nwhich=news\nemail_address=root\nemail_format=text\nconfirm=false\nheaders=false\nreverse=false\nsave_seen=/var/lib/apt/listchanges\n\n"},
		{"mail to nobody", map[string]string{"frontend": "mail", "which": "both", "email-address": "", "save-seen": "false", "headers": "true"},
			"[apt]\nfrontend=mail\nwhich=both\nno_network=false\nemail_address=none\nheaders=true\nreverse=false\nsave_seen=none\n\n"},
		{"no front end", map[string]string{"frontend": "none"}, "[apt]\nfrontend=none\n\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := toolboxtest.New(t, map[string]string{"/etc/apt/": "", "/usr/bin/": ""})
			parsed, err := debconf.ParseTemplates([]byte(templates))
			if err != nil {
				t.Fatal(err)
			}
			db := debconf.New(nil)
			db.Load(parsed, "apt-listchanges")
			for name, value := range row.answers {
				db.Session("apt-listchanges").Do("SET", "apt-listchanges/"+name, value)
			}
			s.Machine.Debconf = &command.Debconf{DB: db}
			var errs bytes.Buffer
			call := func(args ...string) (int, error) {
				return pythontool.Listchanges(context.Background(), &command.Call{Name: "python3", Args: args, Dir: "/", FS: s.FS, Machine: s.Machine, Stderr: &errs})
			}
			for _, action := range []string{"config", "postinst"} {
				if status, err := call(action, "/etc/apt/listchanges.conf", ""); status != 0 || err != nil {
					t.Fatalf("%s: status %d, %v\n%s", action, status, err, errs.String())
				}
			}
			s.Is("/etc/apt/listchanges.conf.new", row.want)
			if s.FS.Present("/etc/apt/listchanges.conf") {
				t.Error("the configuration itself was written: that is ucf's part")
			}
			toolboxtest.Must(t, s.FS.WriteFile("/etc/apt/listchanges.conf", []byte("[apt]\n"), 0o644))
			if _, err := call("postinst", "/etc/apt/listchanges.conf", ""); err == nil {
				t.Error("a configuration that is there is passed over")
			}
		})
	}
}
