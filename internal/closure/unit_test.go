package closure_test

import "testing"

func TestUnits(t *testing.T) {
	const dir = "usr/lib/systemd/system/"
	for _, row := range []struct {
		summary string
		text    string
		more    func(*scene)
		want    []string
	}{
		{"a program that is there", "[Service]\nExecStart=/usr/bin/there --now\n", nil, nil},
		{"one that is not", "[Service]\nExecStart=/usr/bin/gone --now\n", nil, []string{"unit /" + dir + "x.service /usr/bin/gone"}},
		{"prefixes", "ExecStartPre=+!/usr/bin/gone\nExecStart=@/usr/bin/gone2 name\nExecStop=:/usr/bin/gone3", nil,
			[]string{"unit /" + dir + "x.service /usr/bin/gone", "unit /" + dir + "x.service /usr/bin/gone2", "unit /" + dir + "x.service /usr/bin/gone3"}},
		{"it may fail", "ExecStartPre=-/usr/bin/gone\nExecStart=@-/usr/bin/gone x\nExecStartPost=+-/usr/bin/gone", nil, nil},
		{"a name without a folder", "ExecStart=there x\nExecStop=gone x", nil, []string{"unit /" + dir + "x.service gone"}},
		{"quotes, variables, lines that go on", "ExecStart=\"/opt/a b\" c\nExecStop=$PROGRAM x\nExecReload=\\\n# comment\n  /usr/bin/gone \\\n  x\n", nil,
			[]string{"unit /" + dir + "x.service /opt/a b", "unit /" + dir + "x.service /usr/bin/gone"}},
		{"specifiers", "ExecStart=/opt/%p/%N\nExecStop=%t/x\nExecReload=%h/x\nExecStopPost=%S/%%x", nil,
			[]string{"unit /" + dir + "x.service /opt/x/x", "unit /" + dir + "x.service /var/lib/%x"}},
		{"a condition that fails", "ConditionPathExists=/etc/gone\nExecStart=/usr/bin/gone", nil, nil},
		{"one that holds", "ConditionPathExists=!/etc/gone\nConditionFileIsExecutable=/usr/bin/there\nExecStart=/usr/bin/gone", nil, []string{"unit /" + dir + "x.service /usr/bin/gone"}},
		{"one that nobody knows yet", "ConditionPathExists=/run/x\nExecStart=/usr/bin/gone", nil, []string{"unit /" + dir + "x.service /usr/bin/gone"}},
		{"of these one is enough", "ConditionPathExists=|/etc/gone\nConditionPathExists=|/usr/bin/there\nExecStart=/usr/bin/gone", nil, []string{"unit /" + dir + "x.service /usr/bin/gone"}},
		{"and none holds", "ConditionPathExists=|/etc/gone\nConditionPathExists=|!/usr/bin/there\nExecStart=/usr/bin/gone", nil, nil},
		{"in another root", "RootDirectory=/srv/root\nExecStart=/usr/bin/gone", nil, nil},
		{"what the administrator has comes first", "ExecStart=/usr/bin/gone", func(s *scene) { s.file("etc/systemd/system/x.service", "ExecStart=/usr/bin/there\n") }, nil},
		{"masked", "ExecStart=/usr/bin/gone", func(s *scene) { s.link("etc/systemd/system/x.service", "/dev/null") }, nil},
		{"a drop-in takes it back", "ExecStart=/usr/bin/gone", func(s *scene) {
			s.file("etc/systemd/system/x.service.d/10.conf", "[Service]\nExecStart=\nExecStart=/usr/bin/gone2\n")
			s.file(dir+"x.service.d/10.conf", "[Service]\nExecStart=/usr/bin/hidden\n")
		}, []string{"unit /etc/systemd/system/x.service.d/10.conf /usr/bin/gone2"}},
		{"enabled", "ExecStart=/usr/bin/gone", func(s *scene) { s.in.Units = []string{"x.service"} }, []string{"unit /" + dir + "x.service /usr/bin/gone ! [the unit x.service]"}},
		{"by its socket", "ExecStart=/usr/bin/gone", func(s *scene) { s.in.Units = []string{"x.socket"} }, []string{"unit /" + dir + "x.service /usr/bin/gone ! [the unit x.service]"}},
		{"what its program needs", "ExecStart=/opt/script", func(s *scene) {
			s.file("opt/script*", "#!/bin/zsh\n")
			s.in.Units = []string{"x.service"}
		}, []string{"script /opt/script /bin/zsh ! [the unit x.service]"}},
		{"no systemd", "ExecStart=/usr/bin/gone", func(s *scene) { delete(s.entries, "usr/lib/systemd/systemd") }, nil},
	} {
		t.Run(row.summary, func(t *testing.T) {
			s := newScene(t)
			s.elf("usr/lib/systemd/systemd*", spec{Static: true})
			s.elf("usr/bin/there*", spec{Static: true})
			s.file(dir+"x.service", row.text)
			if row.more != nil {
				row.more(s)
			}
			s.finds(row.want...)
		})
	}
}

// Of a template only what does not depend on the instance is known, and an instance
// of its own file has it all.
func TestTemplates(t *testing.T) {
	s := newScene(t)
	s.elf("usr/lib/systemd/systemd*", spec{Static: true})
	s.file("usr/lib/systemd/system/x@.service", "ExecStart=/opt/%i\nExecStop=/opt/%p\n")
	s.file("usr/lib/systemd/user/x@a.service", "ExecStart=/opt/%i\n")
	s.finds("unit /usr/lib/systemd/system/x@.service /opt/x", "unit /usr/lib/systemd/user/x@a.service /opt/a")
}

// An instance that the recipe enables is made of the template.
func TestInstances(t *testing.T) {
	s := newScene(t)
	s.elf("usr/lib/systemd/systemd*", spec{Static: true})
	s.file("usr/lib/systemd/system/x@.service", "ExecStart=/opt/%i\n")
	s.in.Units = []string{"x@a.service"}
	s.finds("unit /usr/lib/systemd/system/x@.service /opt/a ! [the unit x@a.service]")
}

func FuzzUnit(f *testing.F) {
	f.Add("[Service]\nExecStart=-/usr/bin/x %i \\\n y\n")
	f.Fuzz(func(t *testing.T, text string) {
		s := newScene(t)
		s.elf("usr/lib/systemd/systemd*", spec{Static: true})
		s.file("usr/lib/systemd/system/x.service", text)
		s.file("etc/pam.d/x", text)
		s.file("usr/bin/x*", "#!"+text)
		s.input()
	})
}
