package debconf_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/maint/debconf"
)

// TestAgainstDebconf holds the same talk with the real debconf, over the templates
// of every package of this machine, and compares replies and database files.
func TestAgainstDebconf(t *testing.T) {
	if os.Getenv("KILN_TEST") != "real" {
		t.Skip("compares with the real debconf: KILN_TEST=real")
	}
	dir := t.TempDir()
	installed, err := filepath.Glob("/var/lib/dpkg/info/*.templates")
	if err != nil || len(installed) == 0 {
		t.Fatalf("this machine has no templates: %v", err)
	}
	var lines []string
	for _, f := range installed {
		lines = append(lines, "X_LOADTEMPLATEFILE "+f+" "+strings.TrimSuffix(filepath.Base(f), ".templates"))
	}
	for _, row := range talk() {
		if row.say != "STOP" {
			lines = append(lines, row.say)
		}
	}
	realTalk(t, dir, lines, "DEBCONF_NONINTERACTIVE_SEEN=true")
	db, replies := mine(t, lines)
	if diff := cmp.Diff(strings.Split(load(t, dir+"/replies"), "\n"), replies); diff != "" {
		t.Errorf("replies (-real +kiln)\n%s", diff)
	}
	files := db.Write()
	for name, text := range map[string][]byte{"config.dat": files.Config, "passwords.dat": files.Passwords, "templates.dat": files.Templates} {
		if diff := cmp.Diff(strings.Split(load(t, dir+"/"+name), "\n"), strings.Split(string(text), "\n")); diff != "" {
			t.Errorf("%s (-real +kiln)\n%s", name, diff)
		}
	}
}

// realTalk has debconf answer the lines of a script of the package app. Its database
// and the replies are then in dir.
func realTalk(t *testing.T, dir string, lines []string, env ...string) {
	t.Helper()
	save(t, dir+"/app.templates", templates)
	save(t, dir+"/lines", strings.Join(lines, "\n")+"\n")
	save(t, dir+"/app.postinst", "#!/bin/sh\nexec 3>&1 1>&2\nwhile read -r line <&4; do printf '%s\\n' \"$line\" >&3; read -r reply; printf '%s\\n' \"$reply\" >> "+
		dir+"/replies; done 4< "+dir+"/lines\necho STOP >&3\n")
	if err := os.Chmod(dir+"/app.postinst", 0o755); err != nil {
		t.Fatal(err)
	}
	conf := "Config: configdb\nTemplates: templatedb\n"
	for _, db := range []string{
		"config\nDriver: File\nMode: 644\nReject-Type: password\nFilename: %s/config.dat",
		"passwords\nDriver: File\nMode: 600\nBackup: false\nRequired: false\nAccept-Type: password\nFilename: %s/passwords.dat",
		"configdb\nDriver: Stack\nStack: config, passwords",
		"templatedb\nDriver: File\nMode: 644\nFilename: %s/templates.dat",
	} {
		conf += "\nName: " + strings.ReplaceAll(db, "%s", dir) + "\n"
	}
	save(t, dir+"/debconf.conf", conf)
	cmd := exec.Command("/usr/share/debconf/frontend", dir+"/app.postinst", "configure", "")
	cmd.Env = append(env, "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "DEBCONF_SYSTEMRC="+dir+"/debconf.conf", "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("debconf: %v\n%s", err, out)
	}
}

// TestSeenAgainstDebconf asks the real debconf which questions count as seen.
func TestSeenAgainstDebconf(t *testing.T) {
	if os.Getenv("KILN_TEST") != "real" {
		t.Skip("compares with the real debconf: KILN_TEST=real")
	}
	for _, row := range seenTalks() {
		dir := t.TempDir()
		env := []string{fmt.Sprintf("DEBCONF_NONINTERACTIVE_SEEN=%v", row.mark)}
		if row.priority != "" {
			env = append(env, "DEBIAN_PRIORITY="+row.priority)
		}
		realTalk(t, dir, row.lines, env...)
		_, question, _ := strings.Cut(load(t, dir+"/config.dat"), "Name: app/name\n")
		question, _, _ = strings.Cut(question, "\n\n")
		if got := strings.Contains(question, "\nFlags: seen"); got != row.want {
			t.Errorf("%s: debconf has %v, the row %v", row.summary, got, row.want)
		}
	}
}

func mine(t *testing.T, lines []string) (*debconf.DB, []string) {
	t.Helper()
	db, s := session(t, nil)
	s.MarkSeen = true
	var replies []string
	for _, line := range lines {
		w := strings.Fields(line)
		if w[0] != "X_LOADTEMPLATEFILE" {
			replies = append(replies, s.Line(line))
			continue
		}
		all, err := debconf.ParseTemplates([]byte(load(t, w[1])))
		if err != nil {
			t.Fatal(fmt.Errorf("%s: %w", w[1], err))
		}
		db.Load(all, w[2])
		replies = append(replies, "0")
	}
	s.End()
	return db, append(replies, "")
}

func save(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func load(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
