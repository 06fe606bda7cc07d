package cli_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/apt/apttest"
	"kiln/internal/deb/debtest"
)

// serviceRecipe wants a service whose scripts make users, files, links and units,
// and in a second layer a package that changes what is below.
const serviceRecipe = `kiln: v1
name: web
platforms: [linux/amd64]
sources:
  - {name: test, url: URL, suite: stable, keyring: key.asc}
layers:
  - name: base
    packages:
      - svc: the service of this image
    drop:
      - /usr/share/svc/big/**: nobody reads it
  - name: app
    packages:
      - addon: it makes the service faster
      - quiet: {why: one file of it, keep: [/usr/share/quiet/version]}
    files:
      - {path: /etc/app.conf, content: "listen=:8080\n", why: default port}
      - {path: /srv/data, directory: true, owner: app, why: where the service writes}
users:
  - {name: app, uid: 10001, home: /srv/data, why: runs the service}
groups:
  - {name: readers, gid: 10002, members: [app], why: may read the data}
skip:
  - {package: quiet, scripts: [postinst], why: it greets}
system:
  services:
    enable:
      - {unit: svc.service, why: this image is for it}
`

const svcPreinst = `#!/bin/sh
set -e
mkdir -p /var/lib/svc
`

const svcPostinst = `#!/bin/sh
set -e
adduser --system --group --home /var/lib/svc --no-create-home --gecos 'The service' svc
chown svc:svc /var/lib/svc
chmod 4755 /usr/bin/svc
echo "made by $1" > /etc/svc.state
ln -s svc /usr/bin/svc-link
rm /usr/share/svc/once
deb-systemd-helper enable svc.service
deb-systemd-helper enable svc-clean.timer
systemctl daemon-reload
touch /etc/svc.tmp
rm /etc/svc.tmp
echo big > /usr/share/svc/big/made
`

const addonPostinst = `#!/bin/sh
set -e

echo "addon $1" >> /etc/svc.state
rm /usr/share/svc/gone
invoke-rc.d svc restart
deb-systemd-helper enable addon.socket
`

const svcUnit = "[Service]\nExecStart=/usr/bin/svc\n[Install]\nWantedBy=multi-user.target\nAlias=service.service\n"

// service is an archive for serviceRecipe.
func service() apttest.Suite {
	tool := func(path string) debtest.Entry {
		return debtest.Entry{Path: path, Mode: 0o755, Content: "a program"}
	}
	return later(0,
		pkg("tools", "1.0", "all", entries(tool("usr/sbin/adduser"), tool("usr/bin/deb-systemd-helper"), tool("usr/bin/systemctl"), tool("usr/sbin/invoke-rc.d"))),
		pkg("middle", "1.0", "all", fields("Depends: tools")),
		pkg("svc", "1.0", "amd64", func(s *debtest.Spec) {
			s.Fields = []string{"Depends: middle"}
			s.Scripts = []debtest.Script{{Name: "preinst", Content: svcPreinst}, {Name: "postinst", Content: svcPostinst}}
			entries(
				debtest.Entry{Path: "usr/bin/svc", Mode: 0o755, Content: "service"},
				debtest.Entry{Path: "usr/bin/svc-again", Type: 'h', Link: "usr/bin/svc"},
				debtest.Entry{Path: "usr/lib/systemd/system/svc.service", Content: svcUnit},
				debtest.Entry{Path: "usr/lib/systemd/system/svc-clean.timer", Content: "[Install]\nWantedBy=timers.target\n"},
				debtest.Entry{Path: "usr/lib/systemd/system/svc-idle.service", Content: "[Service]\nExecStart=/usr/bin/svc\n"},
				debtest.Entry{Path: "usr/share/man/man1/svc.1", Content: "manual"},
				debtest.Entry{Path: "usr/share/svc/big/file", Content: "big"},
				debtest.Entry{Path: "usr/share/svc/once", Content: "1"},
				debtest.Entry{Path: "usr/share/svc/gone", Content: "1"},
			)(s)
		}),
		pkg("addon", "1.0", "all", func(s *debtest.Spec) {
			s.Fields = []string{"Depends: tools, svc"}
			s.Scripts = []debtest.Script{{Name: "postinst", Content: addonPostinst}}
			entries(debtest.Entry{Path: "usr/lib/systemd/system/addon.socket", Content: "[Install]\nWantedBy=sockets.target\n"})(s)
		}),
		pkg("quiet", "1.0", "all", func(s *debtest.Spec) {
			s.Scripts = []debtest.Script{{Name: "postinst", Content: "#!/bin/sh\nexit 3\n"}}
			entries(debtest.Entry{Path: "usr/share/quiet/loud", Content: "x"})(s)
		}),
	)
}

func newService(t *testing.T) *scene {
	t.Helper()
	s := newScene(t, apttest.New(service()))
	s.recipe(serviceRecipe)
	s.does("lock", "web")
	return s
}

// golden compares a text with a file of testdata; -update writes it. Digests and
// keys depend on signatures.
func golden(t *testing.T, name, got string) {
	t.Helper()
	got = regexp.MustCompile(`[0-9a-f]{64}`).ReplaceAllString(got, "DIGEST")
	got = regexp.MustCompile(`[0-9A-F]{40}`).ReplaceAllString(got, "KEY")
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("another text than %s; -update writes it (-want +got):\n%s", path, diff)
	}
}

// decoded reads the JSON of a command.
func decoded[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	d := json.NewDecoder(strings.NewReader(text))
	if err := d.Decode(&v); err != nil || d.More() {
		t.Fatalf("%v in %q", err, text)
	}
	return v
}
