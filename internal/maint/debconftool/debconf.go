// Package debconftool is debconf as scripts see it: the stand-in for confmodule and
// the commands around the database. Nobody is asked; see package debconf.
package debconftool

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"kiln/internal/maint/command"
	"kiln/internal/maint/debconf"
	"kiln/internal/maint/vfs"
)

const debconfFolder = "/var/cache/debconf"

// Confmodule stands in for /usr/share/debconf/confmodule: sourcing it starts a
// talk with debconf, which first loads the package's templates and runs its config
// script, as debconf's front end does; the functions are those of the original.
// Each runs the command of the same name from the table, which prints what RET is
// to be.
const Confmodule = `
if [ ! "${DEBIAN_HAS_FRONTEND:-}" ]; then
	DEBIAN_HAS_FRONTEND=1
	export DEBIAN_HAS_FRONTEND
	_debconf_start "$@" || exit $?
fi
if [ -z "${DEBCONF_REDIR:-}" ]; then
	exec 3>&1
	exec 1>&2
	DEBCONF_REDIR=1
	export DEBCONF_REDIR
fi
_db_cmd () { RET="$(_debconf_talk "$@")"; }
db_beginblock () { _db_cmd BEGINBLOCK "$@"; }
db_capb () { _db_cmd CAPB "$@"; }
db_clear () { _db_cmd CLEAR "$@"; }
db_data () { _db_cmd DATA "$@"; }
db_endblock () { _db_cmd ENDBLOCK "$@"; }
db_fget () { _db_cmd FGET "$@"; }
db_fset () { _db_cmd FSET "$@"; }
db_get () { _db_cmd GET "$@"; }
db_go () { _db_cmd GO "$@"; }
db_info () { _db_cmd INFO "$@"; }
db_input () { _db_cmd INPUT "$@"; }
db_metaget () { _db_cmd METAGET "$@"; }
db_progress () { _db_cmd PROGRESS "$@"; }
db_purge () { _db_cmd PURGE "$@"; }
db_register () { _db_cmd REGISTER "$@"; }
db_reset () { _db_cmd RESET "$@"; }
db_set () { _db_cmd SET "$@"; }
db_settitle () { _db_cmd SETTITLE "$@"; }
db_subst () { _db_cmd SUBST "$@"; }
db_text () { _db_cmd INPUT "$@"; }
db_title () { _db_cmd TITLE "$@"; }
db_unregister () { _db_cmd UNREGISTER "$@"; }
db_version () { _db_cmd VERSION "$@"; }
db_x_loadtemplatefile () { _db_cmd X_LOADTEMPLATEFILE "$@"; }
db_stop () { return 0; }
`

// Open opens the database of the tree at its first use.
func Open(m *command.Machine, f *vfs.FS) (*command.Debconf, error) {
	if m.Debconf != nil {
		return m.Debconf, nil
	}
	s := &command.Debconf{DB: debconf.New(m.Answers)}
	var files debconf.Files
	for _, p := range []struct {
		name string
		into *[]byte
	}{{"config.dat", &files.Config}, {"templates.dat", &files.Templates}, {"passwords.dat", &files.Passwords}} {
		text, err := f.ReadIfThere(debconfFolder + "/" + p.name)
		if err != nil {
			return nil, err
		}
		*p.into = text
	}
	if err := s.DB.Read(files); err != nil {
		return nil, err
	}
	m.Debconf = s
	return s, nil
}

// Finish writes debconf's database into the tree, when the last script has
// run. A tree without debconf has none.
func Finish(m *command.Machine, f *vfs.FS) error {
	if m.Debconf == nil {
		return nil
	}
	EndTalk(m.Debconf)
	if !m.Debconf.DB.Changed() || !f.IsFile("/usr/share/debconf/frontend") {
		return nil
	}
	if err := f.MkdirAll(debconfFolder, 0o755); err != nil {
		return err
	}
	files := m.Debconf.DB.Write()
	return errors.Join(
		f.Rewrite(debconfFolder+"/config.dat", files.Config, 0o644),
		f.Rewrite(debconfFolder+"/templates.dat", files.Templates, 0o644),
		f.Rewrite(debconfFolder+"/passwords.dat", files.Passwords, 0o600),
	)
}

// DebconfStart begins a script's talk with debconf: the package's templates are
// loaded, and its config script runs before preinst and postinst. The arguments
// are the script's own.
func DebconfStart(ctx context.Context, c *command.Call) (int, error) {
	s, err := Open(c.Machine, c.FS)
	if err != nil {
		return 1, c.Unhonoured("%v", err)
	}
	beginTalk(c, s)
	base, ok := controlBase(c, s)
	if !ok {
		return 0, nil
	}
	if err := LoadTemplates(c, s, base+"templates", s.Owner); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 1, err
	}
	script := c.Machine.Script
	if script != "preinst" && script != "postinst" || !c.FS.IsFile(base+"config") {
		return 0, nil
	}
	version := ""
	if len(c.Args) > 1 {
		version = c.Args[1]
	}
	c.Machine.Script = "config"
	status, err := c.Exec(ctx, []string{base + "config", "configure", version}, c.Stdin, c.Stderr, c.Stderr)
	c.Machine.Script = script
	beginTalk(c, s)
	return status, err
}

// beginTalk starts a talk in the name of the package whose script runs.
func beginTalk(c *command.Call, s *command.Debconf) {
	s.Owner = c.Machine.Package
	if c.Machine.Script == "preinst" {
		s.Owner, _, _ = strings.Cut(s.Owner, ":")
	}
	EndTalk(s)
	s.Session = Talk(c, s)
}

// Talk starts a talk in the name of the package whose script runs, set up by what
// the script's environment says of debconf.
func Talk(c *command.Call, s *command.Debconf) *debconf.Session {
	talk := s.DB.Session(s.Owner)
	talk.MarkSeen = c.Env["DEBCONF_NONINTERACTIVE_SEEN"] == "true"
	talk.Priority = c.Env["DEBIAN_PRIORITY"]
	return talk
}

// EndTalk ends the talk of the script that ran last, if there was one.
func EndTalk(s *command.Debconf) {
	if s.Session != nil {
		s.Session.End()
		s.Session = nil
	}
}

// controlBase is what the names of the package's control files begin with.
func controlBase(c *command.Call, s *command.Debconf) (string, bool) {
	name, _, _ := strings.Cut(c.Machine.Package, ":")
	for _, base := range []string{"/var/lib/dpkg/tmp.ci/", "/var/lib/dpkg/info/" + c.Machine.Package + ".", "/var/lib/dpkg/info/" + name + "."} {
		if strings.HasSuffix(base, "tmp.ci/") && c.Machine.Script != "preinst" {
			continue
		}
		if c.FS.IsFile(base+"templates") || c.FS.IsFile(base+"config") {
			return base, true
		}
	}
	return "", false
}

// LoadTemplates loads a file of templates, which owner then has.
func LoadTemplates(c *command.Call, s *command.Debconf, file, owner string) error {
	text, err := c.FS.ReadFile(file)
	if err != nil {
		return err
	}
	templates, err := debconf.ParseTemplates(text)
	if err != nil {
		return c.Unhonoured("%s: %v", file, err)
	}
	s.DB.Load(templates, owner)
	return nil
}

// DebconfTalk carries out one command of the protocol. It prints what the shell's
// RET becomes; the status is the protocol's.
func DebconfTalk(_ context.Context, c *command.Call) (int, error) {
	s, err := Open(c.Machine, c.FS)
	if err != nil {
		return 1, c.Unhonoured("%v", err)
	}
	if s.Session == nil {
		beginTalk(c, s)
	}
	if len(c.Args) > 0 && strings.EqualFold(c.Args[0], "X_LOADTEMPLATEFILE") {
		return loadTemplateFile(c, s)
	}
	// As in confmodule, words lose their borders on the way.
	status, text, _ := strings.Cut(s.Session.Line(strings.Join(c.Args, " ")), " ")
	code := 0
	if _, err := fmt.Sscan(status, &code); err != nil {
		return 0, nil // STOP answers nothing
	}
	if code == debconf.Escaped {
		code, text = debconf.Success, debconf.Unescape(text)
	}
	if code == debconf.Syntax {
		_, _ = c.Complain(code, "%s", text)
	}
	_, err = fmt.Fprint(c.Stdout, text)
	return code, err
}

func loadTemplateFile(c *command.Call, s *command.Debconf) (int, error) {
	args := strings.Fields(strings.Join(c.Args[1:], " "))
	if len(args) < 1 || len(args) > 2 {
		return debconf.Syntax, nil
	}
	owner := s.Owner
	if len(args) == 2 {
		owner = args[1]
	}
	err := LoadTemplates(c, s, args[0], owner)
	if errors.Is(err, fs.ErrNotExist) {
		return debconf.BadParam, nil
	}
	return 0, err
}

// Debconf is the commands named as the functions of confmodule, for scripts that
// reach them in other ways: "db_get" talks GET.
func Debconf(ctx context.Context, c *command.Call) (int, error) {
	verb := strings.ToUpper(strings.TrimPrefix(c.Name, "db_"))
	if verb == "STOP" {
		return 0, nil
	}
	talk := *c
	talk.Args = append([]string{verb}, c.Args...)
	return DebconfTalk(ctx, &talk)
}
