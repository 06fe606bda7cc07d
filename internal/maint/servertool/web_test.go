package servertool_test

import (
	"strings"
	"testing"

	"kiln/internal/maint/toolbox/toolboxtest"
)

// apacheTree is as apache2's package leaves it: modules, one of which needs others
// and one that conflicts, a site, and configurations.
func apacheTree(t *testing.T) *toolboxtest.System {
	t.Helper()
	files := map[string]string{"/etc/apache2/mods-enabled/": "", "/etc/apache2/sites-enabled/": "", "/etc/apache2/conf-enabled/": "", "/var/lib/apache2/": ""}
	for name, text := range map[string]string{
		"mods-available/mpm_event.load":    "# Conflicts: mpm_worker mpm_prefork\nLoadModule mpm_event_module x\n# Depends: not-read\n",
		"mods-available/mpm_event.conf":    "x",
		"mods-available/mpm_prefork.load":  "# Conflicts: mpm_event mpm_worker\nLoadModule\n",
		"mods-available/authn_core.load":   "x",
		"mods-available/auth_basic.load":   "# Depends: authn_core\nx",
		"mods-available/alias.load":        "x",
		"sites-available/000-default.conf": "x",
		"conf-available/security.conf":     "# Depends: headers\nx",
		"conf-available/charset.conf":      "x",
	} {
		files["/etc/apache2/"+name] = text
	}
	return toolboxtest.New(t, files)
}

func TestApacheSwitches(t *testing.T) {
	s := apacheTree(t)
	if out := s.OK("a2enmod -m -q mpm_event"); out != "Enabling module mpm_event.\n" {
		t.Errorf("it says %q", out)
	}
	if got := s.Link("/etc/apache2/mods-enabled/mpm_event.conf"); got != "../mods-available/mpm_event.conf" {
		t.Errorf("the configuration's link is %q", got)
	}
	s.Is("/var/lib/apache2/module/enabled_by_maint/mpm_event", "")
	s.Fails("a2enmod -m -q mpm_prefork", 1) // conflicts
	s.OK("a2enmod -q auth_basic")
	for _, name := range []string{"auth_basic", "authn_core"} {
		if s.Link("/etc/apache2/mods-enabled/"+name+".load") == "" {
			t.Errorf("%s is not enabled", name)
		}
		s.Is("/var/lib/apache2/module/enabled_by_admin/"+name, "")
	}
	if out := s.OK("a2enmod auth_basic"); !strings.Contains(out, "Module auth_basic already enabled") {
		t.Errorf("it says %q", out)
	}
	s.Fails("a2dismod authn_core", 1) // is needed
	s.OK("a2dismod -f authn_core")
	if s.Link("/etc/apache2/mods-enabled/auth_basic.load") != "" {
		t.Error("what needs a disabled module stays")
	}
	s.Is("/var/lib/apache2/module/disabled_by_admin/authn_core", "")
	s.OK("a2ensite -q 000-default")
	s.OK("a2enconf -m -q charset.conf")
	s.Fails("a2enconf security", 1) // needs a module
	s.Fails("a2enmod no-such-module", 1)
	s.Refuses("a2enmod cgi", "apache2ctl")
	s.Refuses("a2enmod", "asks")
}

func TestApacheQuestions(t *testing.T) {
	s := apacheTree(t)
	s.OK("a2enmod -m -q mpm_event")
	if out := s.OK("a2query -m mpm_event"); out != "mpm_event (enabled by maintainer script)\n" {
		t.Errorf("it says %q", out)
	}
	if out := s.OK("a2query -m"); out != "mpm_event (enabled by maintainer script)\n" {
		t.Errorf("it lists %q", out)
	}
	if out := s.OK("a2query -M"); out != "event\n" {
		t.Errorf("the module is %q", out)
	}
	s.Fails("a2query -m alias", 1)
	s.OK("a2enmod alias")
	s.OK("a2dismod -f alias")
	s.Fails("a2query -m alias", 32)
	s.OK("a2enconf -m charset")
	s.OK("a2disconf -m charset")
	s.Fails("a2query -c charset", 33)
	s.Refuses("a2query -v", "not known")
}

func TestLightyEnableMod(t *testing.T) {
	s := toolboxtest.New(t, map[string]string{
		"/etc/lighttpd/conf-enabled/":                 "",
		"/etc/lighttpd/conf-available/10-auth.conf":   "# -*- depends: base, other -*-\nx",
		"/etc/lighttpd/conf-available/05-base.conf":   "x",
		"/etc/lighttpd/conf-available/05-other.conf":  "x",
		"/etc/lighttpd/conf-available/20-enemy.conf":  "# -*- conflicts: auth -*-\nx",
		"/etc/lighttpd/conf-available/20-lonely.conf": "# -*- depends: nothing -*-\nx",
	})
	out := s.OK("lighty-enable-mod auth")
	if !strings.Contains(out, "Enabling auth: ok\nEnabling base: ok\nEnabling other: ok\n") {
		t.Errorf("it says %q", out)
	}
	if got := s.Link("/etc/lighttpd/conf-enabled/10-auth.conf"); got != "../conf-available/10-auth.conf" {
		t.Errorf("the link is %q", got)
	}
	s.Fails("lighty-enable-mod auth", 2)
	s.Fails("lighty-enable-mod unknown", 2)
	s.Fails("lighty-enable-mod enemy", 1)
	s.Fails("lighty-enable-mod lonely", 1)
}

// What belongs to a machine is noted, and found there later.
func TestOfTheMachine(t *testing.T) {
	s := toolboxtest.New(t, map[string]string{"/etc/iscsi/": ""})
	s.OK("mariadb-install-db --rpm --cross-bootstrap --user=mysql --disable-log-bin --skip-test-db")
	if out := s.OK("iscsi-iname -p iqn.1993-08.org.debian:01"); out != "\nGenerateName=yes\n" {
		t.Errorf("the name is %q", out)
	}
	if n := s.Machine.Notes; len(n) != 2 || n[0].Kind != "mariadb-install-db" || n[1].Kind != "identity" || n[1].Subject != "/etc/iscsi/initiatorname.iscsi" {
		t.Errorf("the notes are %+v", n)
	}
	s.Refuses("iscsi-iname", "prefix")
}
