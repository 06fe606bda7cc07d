package closure_test

import (
	"testing"

	"kiln/internal/closure"
)

type closureCommand = closure.Command

func TestScriptsAndLinks(t *testing.T) {
	for _, row := range []struct {
		summary string
		make    func(*scene)
		want    []string
	}{
		{"a shell that is there", func(s *scene) { s.file("usr/bin/a*", "#! /bin/sh -e\n"); s.elf("bin/sh*", spec{}) }, nil},
		{"none", func(s *scene) { s.file("usr/bin/a*", "#!/bin/sh\n") }, []string{"script /usr/bin/a /bin/sh"}},
		{"not to be executed", func(s *scene) { s.file("usr/bin/a", "#!/bin/sh\n") }, nil},
		{"an example", func(s *scene) { s.file("usr/share/doc/a/x*", "#!/bin/sh\n"); s.link("usr/share/doc/a/y", "gone") }, nil},
		{"the recipe's own", func(s *scene) { s.file("usr/bin/a*", "#!/bin/sh\n"); s.own("usr/bin/a") }, []string{"script /usr/bin/a /bin/sh ! [a program of the recipe]"}},
		{"of a folder that the recipe takes", func(s *scene) { s.file("usr/bin/a*", "#!/bin/sh\n"); s.own("usr/bin/a"); s.in.Own = nil }, []string{"script /usr/bin/a /bin/sh"}},
		{"env and no program", func(s *scene) { s.file("opt/a*", "#!/usr/bin/env python3\n"); s.elf("usr/bin/env*", spec{}) }, []string{"script /opt/a python3"}},
		{"env with the program", func(s *scene) {
			s.file("opt/a*", "#!/usr/bin/env -S LANG=C python3 -u\n")
			s.elf("usr/bin/env*", spec{})
			s.elf("bin/python3*", spec{})
		}, nil},
		{"no env", func(s *scene) { s.file("opt/a*", "#!/usr/bin/env python3\n"); s.elf("usr/bin/python3*", spec{}) }, []string{"script /opt/a /usr/bin/env"}},
		{"the interpreter is a script that needs one", func(s *scene) {
			s.in.Commands = []closureCommand{{Recipe: "container.command", Words: []string{"/opt/a"}}}
			s.file("opt/a*", "#!/opt/b\n")
			s.file("opt/b*", "#!/opt/c\n")
		}, []string{"script /opt/b /opt/c ! [container.command]"}},
		{"the container's command", func(s *scene) {
			s.in.Commands = []closureCommand{{Recipe: "container.entrypoint", Words: []string{"/srv/app", "/etc"}}, {Recipe: "container.healthcheck.command", Words: []string{"check"}}}
		}, []string{"command /srv/app /srv/app ! [container.entrypoint]", "command /usr/bin/check check ! [container.healthcheck.command]"}},
		{"a link that leads nowhere", func(s *scene) { s.link("usr/bin/a", "b"); s.link("usr/bin/c", "a") },
			[]string{"link /usr/bin/a /usr/bin/b", "link /usr/bin/c /usr/bin/b"}},
		{"a loop", func(s *scene) { s.link("a", "b"); s.link("b", "a") }, []string{"link /a /a", "link /b /b"}},
		{"what comes when the image runs", func(s *scene) {
			s.link("etc/mtab", "../proc/self/mounts")
			s.link("dev/fd", "/proc/self/fd")
			s.link("etc/resolv.conf", "../run/systemd/resolve/stub-resolv.conf")
			s.link("var/run", "/run")
			s.link("srv/x", "/data/x")
			s.in.Later = []string{"/data/"}
		}, nil},
		{"the recipe's own link", func(s *scene) { s.link("a", "/b"); s.own("a") }, []string{"link /a /b !"}},
	} {
		t.Run(row.summary, func(t *testing.T) {
			s := newScene(t)
			row.make(s)
			s.finds(row.want...)
		})
	}
}

func TestPAM(t *testing.T) {
	const text = `# a comment
auth	required	pam_unix.so nullok
-session optional pam_systemd.so
session	optional pam_mail.so
account [success=1 default=ignore] pam_there.so
session \
  required pam_late.so
@include common-auth
auth include common-gone
auth substack /etc/pam.d/there
password requisite /opt/pam_own.so
`
	s := newScene(t)
	s.glibc()
	s.file("etc/pam.d/sshd", text)
	s.file("etc/pam.d/there", "")
	s.file("usr/lib/pam.d/common-auth", "")
	s.elf(lib+"security/pam_there.so", spec{})
	for _, certain := range []string{"", " ! [the unit ssh.service]"} {
		s.finds(
			"pam /etc/pam.d/sshd /etc/pam.d/common-gone"+certain,
			"pam /etc/pam.d/sshd /opt/pam_own.so"+certain,
			"pam /etc/pam.d/sshd pam_late.so"+certain,
			"pam /etc/pam.d/sshd pam_unix.so"+certain,
		)
		// What asks PAM for that service, and is started.
		s.elf("usr/sbin/sshd*", program("libpam.so.0"))
		s.elf(lib+"libpam.so.0", spec{Soname: "libpam.so.0"})
		s.elf("usr/lib/systemd/systemd*", program())
		s.file("usr/lib/systemd/system/ssh.service", "[Service]\nExecStart=/usr/sbin/sshd -D\n")
		s.in.Units = []string{"ssh.service"}
	}
}

func TestJudge(t *testing.T) {
	s := newScene(t)
	s.link("usr/lib/a", "b")
	s.file("usr/bin/a*", "#!/bin/sh\n")
	s.file("usr/bin/own*", "#!/bin/sh\n")
	s.own("usr/bin/own")
	found := closure.Check(s.input())
	for _, row := range []struct {
		summary                        string
		policy                         closure.Policy
		errors, notes, accepted, stale int
	}{
		{"nothing said", closure.Policy{}, 1, 2, 0, 0},
		{"strict in one kind", closure.Policy{Strict: []closure.Kind{"link"}}, 2, 1, 0, 0},
		{"accepted by path", closure.Policy{Accept: []closure.Acceptance{{Path: "/usr/**"}}}, 0, 0, 3, 0},
		{"accepted by what is missing", closure.Policy{Accept: []closure.Acceptance{{Path: "/usr/bin/*", Missing: "/bin/*"}, {Path: "/usr/bin/*", Missing: "/bin/bash"}}}, 0, 1, 2, 1},
		{"twice is no harm", closure.Policy{Accept: []closure.Acceptance{{Path: "/usr/bin/own"}, {Path: "/usr/bin/*"}}}, 0, 1, 2, 0},
		{"no such file", closure.Policy{Accept: []closure.Acceptance{{Path: "/usr/sbin/*"}}}, 1, 2, 0, 1},
	} {
		v := closure.Judge(found, row.policy)
		if len(v.Errors) != row.errors || len(v.Notes) != row.notes || len(v.Accepted) != row.accepted || len(v.Unused) != row.stale {
			t.Errorf("%s: %+v", row.summary, v)
		}
	}
}
