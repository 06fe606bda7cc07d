package debconf_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/maint/debconf"
)

const templates = `Template: app/name
Type: string
Default: world
Description: A name?
 The first line
 goes on.
 .
  kept as it is
  with its own lines
 and on.
Description-de.UTF-8: Ein Name?

Template: app/kind
Type: select
Choices: One, Two\, too, ${more}
Choices-C: one, two\, too, ${more}
Default: zero
Description: Which of ${more}?


Template: app/secret
Type: password
Description: Password

Template: app/sure
Type: boolean
Default: false
Description: Sure?
`

func session(t *testing.T, answers map[string]string) (*debconf.DB, *debconf.Session) {
	t.Helper()
	all, err := debconf.ParseTemplates([]byte(templates))
	if err != nil {
		t.Fatal(err)
	}
	db := debconf.New(answers)
	db.Load(all, "app")
	return db, db.Session("app")
}

func TestParseTemplates(t *testing.T) {
	all, err := debconf.ParseTemplates([]byte(templates))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"type": "string", "default": "world", "description": "A name?", "description-de.utf-8": "Ein Name?",
		"extended_description": "The first line goes on.\n\n kept as it is\n with its own lines\nand on.",
	}
	if diff := cmp.Diff(want, all[0].Fields); diff != "" {
		t.Error(diff)
	}
}

func TestBadTemplates(t *testing.T) {
	for name, text := range map[string]string{
		"no type":      "Template: a\n",
		"no name":      "Type: string\n",
		"field twice":  "Template: a\nType: string\nType: note\n",
		"not a field":  "Template: a\nType: string\n# no comments\n",
		"continuation": " begins with one\n",
	} {
		if _, err := debconf.ParseTemplates([]byte(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// talk is a run of protocol lines and what is answered.
func talk() []struct{ say, want string } {
	return []struct{ say, want string }{
		{"VERSION 2.0", "0 2.0"},
		{"VERSION 3.0", "30 Version too high (3.0)"},
		{"CAPB backup", "0 multiselect escape"},
		{"TITLE any thing", "0"},
		{"GET app/name", "0 world"},
		{"get app/none", "10 app/none doesn't exist"},
		{"INPUT medium app/name", "30 question skipped"},
		{"INPUT loud app/name", `20 "loud" is not a valid priority`},
		{"SUBST app/kind more three  spaced", "0"},
		{"INPUT high app/kind", "30 question skipped"},
		{"UNREGISTER app/kind", "10 app/kind is busy, cannot unregister right now"},
		{"GO", "0 ok"},
		{"GET app/kind", "0 one"},
		{"METAGET app/kind choices", `0 One, Two\, too, three spaced`},
		{"METAGET app/kind choices-c", `0 one, two\, too, three spaced`},
		{"METAGET app/kind description", "0 Which of three spaced?"},
		{"METAGET app/name owners", "0 app"},
		{"FGET app/name seen", "0 false"},
		{"FSET app/name seen true", "0 true"},
		{"FGET app/name seen", "0 true"},
		{"SET app/name a  b", "0 value set"},
		{"GET app/name", "0 a b"},
		{"RESET app/name", "0"},
		{"GET app/name", "0 world"},
		{"FGET app/name seen", "0 false"},
		{"REGISTER app/name app/other", "0"},
		{"SET app/other x", "0 value set"},
		{"REGISTER app/void app/more", `10 No such template, "app/void"`},
		{"EXIST app/other", "0 true"},
		{"SET app/secret hush", "0 value set"},
		{"BEGINBLOCK", "0"},
		{"ENDBLOCK", "0"},
		{"GO now", "20 Incorrect number of arguments"},
		{"CAPB escape", "0 multiselect escape"},
		{`SET app/name one\ntwo\ \ three`, "0 value set"},
		{"GET app/name", `1 one\ntwo  three`},
		{"CAPB", "0 multiselect escape"},
		{"UNREGISTER app/sure", "0"},
		{"EXIST app/sure", "0 false"},
		{"PROGRESS START 0 10 app/name", "0 OK"},
		{"STOP", ""},
	}
}

func TestTalk(t *testing.T) {
	_, s := session(t, nil)
	for _, row := range talk() {
		if got := s.Line(row.say); got != row.want {
			t.Errorf("%s: %q, want %q", row.say, got, row.want)
		}
	}
}

func TestAnswersOutliveResets(t *testing.T) {
	db, s := session(t, map[string]string{"app/name": "kiln"})
	for _, line := range []string{"RESET app/name", "FSET app/name seen false", "INPUT high app/name", "GO"} {
		s.Line(line)
	}
	if v, _ := db.Value("app/name"); v != "kiln" {
		t.Errorf("the answer is %q", v)
	}
}

// seenTalk is a talk after which app/name counts as seen, or not.
type seenTalk struct {
	summary  string
	mark     bool
	priority string
	lines    []string
	want     bool
}

func seenTalks() []seenTalk {
	return []seenTalk{
		{"asked", true, "", []string{"INPUT high app/name", "GO"}, true},
		{"nobody is asked", false, "", []string{"INPUT high app/name", "GO"}, false},
		{"not important enough", true, "", []string{"INPUT medium app/name", "GO"}, false},
		{"all are asked", true, "low", []string{"INPUT low app/name", "GO"}, true},
		{"only critical ones", true, "critical", []string{"INPUT high app/name", "GO"}, false},
		{"not gone on", true, "", []string{"INPUT high app/name"}, false},
		{"taken back", true, "", []string{"INPUT high app/name", "CLEAR", "GO"}, false},
		{"flagged afterwards", true, "", []string{"INPUT high app/name", "GO", "FSET app/name seen false"}, false},
		{"flagged otherwise", true, "", []string{"INPUT high app/name", "GO", "FSET app/name told false"}, true},
		{"reset afterwards", true, "", []string{"INPUT high app/name", "GO", "RESET app/name"}, true},
		{"asked and removed", true, "", []string{"INPUT high app/name", "GO", "UNREGISTER app/name"}, false},
	}
}

func TestQuestionsCountAsSeenWhenTheTalkEnds(t *testing.T) {
	for _, row := range seenTalks() {
		db, s := session(t, nil)
		s.MarkSeen, s.Priority = row.mark, row.priority
		for _, line := range row.lines {
			s.Line(line)
		}
		if db.Seen("app/name") {
			t.Errorf("%s: it counts as seen before the end", row.summary)
		}
		s.End()
		if got := db.Seen("app/name"); got != row.want {
			t.Errorf("%s: seen is %v, want %v", row.summary, got, row.want)
		}
	}
}

func TestFilesRoundTrip(t *testing.T) {
	db, s := session(t, nil)
	for _, line := range []string{"SUBST app/kind more three", "FSET app/name seen true", "SET app/secret hush"} {
		s.Line(line)
	}
	files := db.Write()
	if want := "Name: app/secret\nTemplate: app/secret\nValue: hush\nOwners: app\n\n"; string(files.Passwords) != want {
		t.Errorf("passwords.dat is\n%swant\n%s", files.Passwords, want)
	}
	if strings.Contains(string(files.Config), "hush") {
		t.Error("config.dat holds a password")
	}
	again := debconf.New(nil)
	if err := again.Read(files); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(files, again.Write()); diff != "" {
		t.Error(diff)
	}
}

func FuzzParseTemplates(f *testing.F) {
	f.Add([]byte(templates))
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := debconf.ParseTemplates(text)
		if err != nil {
			return
		}
		db := debconf.New(nil)
		db.Load(all, "app")
		files := db.Write()
		again := debconf.New(nil)
		if err := again.Read(files); err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, files.Templates)
		}
		if diff := cmp.Diff(files, again.Write()); diff != "" {
			t.Errorf("it is written otherwise the second time:\n%s", diff)
		}
		if strings.Contains(string(files.Templates), "\n\n\n") {
			t.Errorf("an empty entry was written:\n%s", files.Templates)
		}
	})
}

func FuzzLine(f *testing.F) {
	for _, row := range talk() {
		f.Add(row.say)
	}
	f.Fuzz(func(t *testing.T, line string) {
		_, s := session(t, nil)
		s.Line("CAPB escape")
		if reply := s.Line(line); strings.Contains(reply, "\n") {
			t.Errorf("%q has a line end", reply)
		}
	})
}
