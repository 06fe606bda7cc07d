package servicetool_test

import (
	"slices"
	"strings"
	"testing"

	"kiln/internal/maint/command"
	"kiln/internal/maint/toolbox/toolboxtest"
)

func units(t *testing.T) *toolboxtest.System {
	s := toolboxtest.New(t, map[string]string{
		"/usr/lib/systemd/system/web.service":        "[Unit]\nAlias=no.service\n[Install]\nWantedBy=multi-user.target\nAlias=www.service\nAlso=web.socket\n",
		"/usr/lib/systemd/system/web.socket":         "[Install]\nWantedBy=sockets.target\n",
		"/usr/lib/systemd/system/getty@.service":     "[Install]\nWantedBy=getty.target\nDefaultInstance=tty1\n",
		"/usr/lib/systemd/system/plain.service":      "[Service]\n",
		"/usr/lib/systemd/system/debug.service":      "[Install]\nWantedBy=x.target\n",
		"/usr/lib/systemd/system-preset/90-x.preset": "disable debug.*\nenable *\n",
		"/lib": "-> usr/lib", "/etc/systemd/system/": "", "/var/lib/": "", "/usr/bin/systemctl": "#!",
	})
	s.Machine.Enable = func(unit string) bool { return unit != "off.service" }
	return s
}

func TestUnitsAreEnabledWhenWanted(t *testing.T) {
	s := units(t)
	s.OK("deb-systemd-helper enable web.service")
	s.Links(map[string]string{
		"/etc/systemd/system/multi-user.target.wants/web.service": "/usr/lib/systemd/system/web.service",
		"/etc/systemd/system/www.service":                         "/usr/lib/systemd/system/web.service",
		"/etc/systemd/system/sockets.target.wants/web.socket":     "/usr/lib/systemd/system/web.socket",
		"/etc/systemd/system/no.service":                          "",
	})
	const state = "/var/lib/systemd/deb-systemd-helper-enabled/"
	s.Is(state+"multi-user.target.wants/web.service", "")
	if got := s.File(state + "web.service.dsh-also"); !strings.Contains(got, "/etc/systemd/system/sockets.target.wants/web.socket\n") || !strings.HasSuffix(got, "/etc/systemd/system/multi-user.target.wants/web.service\n") {
		t.Errorf("the state is\n%s", got)
	}
	s.Fails("deb-systemd-helper --quiet debian-installed web.service", 0)
	s.Fails("deb-systemd-helper --quiet debian-installed plain.service", 1)
	s.OK("deb-systemd-helper enable debug.service")
	s.Links(map[string]string{"/etc/systemd/system/x.target.wants/debug.service": ""})
	s.OK("systemctl enable getty@tty1.service")
	s.Links(map[string]string{"/etc/systemd/system/getty.target.wants/getty@tty1.service": "/usr/lib/systemd/system/getty@.service"})
	s.Fails("systemctl is-enabled web.service", 0)
	s.Fails("systemctl is-enabled debug", 1)
	s.Fails("systemctl is-enabled none.service", 4)
	s.Fails("systemctl enable none.service", 1)
	s.OK("systemctl disable web.service")
	s.Links(map[string]string{"/etc/systemd/system/multi-user.target.wants/web.service": ""})
	s.Refuses("systemctl frobnicate x", "frobnicate")
	s.Refuses("deb-systemd-helper frobnicate x", "frobnicate")
}

// Units of packages stay off where the recipe does not ask for them, are recorded,
// and count as switched off by an administrator from then on.
func TestUnitsStayOff(t *testing.T) {
	s := units(t)
	s.Machine.Enable = nil
	s.Fails("deb-systemd-helper --quiet was-enabled web.service", 0)
	s.OK("deb-systemd-helper enable web.service")
	s.OK("systemctl enable web.socket")
	s.OK("deb-systemd-helper enable plain.service") // which nobody could enable
	s.Links(map[string]string{"/etc/systemd/system/multi-user.target.wants/web.service": "", "/etc/systemd/system/sockets.target.wants/web.socket": ""})
	s.Fails("deb-systemd-helper --quiet was-enabled web.service", 1)
	want := []command.Note{
		{Package: "app", Script: "postinst", Kind: "enable", Subject: "web.service"}, {Package: "app", Script: "postinst", Kind: "enable", Subject: "web.socket"},
	}
	if !slices.Equal(s.Machine.Notes, want) {
		t.Errorf("notes are %+v", s.Machine.Notes)
	}
}

func TestMask(t *testing.T) {
	s := units(t)
	s.OK("deb-systemd-helper mask web.service")
	s.Links(map[string]string{"/etc/systemd/system/web.service": "/dev/null"})
	s.Fails("systemctl is-enabled web.service", 1)
	s.OK("deb-systemd-helper unmask web.service")
	s.Links(map[string]string{"/etc/systemd/system/web.service": ""})
	s.OK("systemctl mask web.service")
	s.OK("deb-systemd-helper unmask web.service") // not masked by it
	s.Links(map[string]string{"/etc/systemd/system/web.service": "/dev/null"})
}

func TestNothingRuns(t *testing.T) {
	s := units(t)
	for _, line := range []string{"systemctl --system daemon-reload", "systemctl start web", "deb-systemd-invoke restart web.service", "invoke-rc.d --skip-systemd-native web start", "service web restart", "udevadm trigger", "py3compile -p app"} {
		s.OK(line)
	}
	if len(s.Machine.Notes) != 7 || s.Machine.Notes[1].Subject != "web.service" {
		t.Errorf("notes are %+v", s.Machine.Notes)
	}
	s.Fails("invoke-rc.d web status", 4)
	s.Fails("systemctl is-system-running", 1)
	s.Fails("policy-rc.d web start", 101)
}

func TestUpdateRcD(t *testing.T) {
	s := toolboxtest.New(t, map[string]string{"/etc/init.d/web": "#!/bin/sh\n### BEGIN INIT INFO\n# Default-Start:     2 3\n# Default-Stop: 0\n### END INIT INFO\n# Default-Start: 9\n"})
	s.OK("update-rc.d web defaults")
	s.Links(map[string]string{"/etc/rc2.d/K01web": "../init.d/web", "/etc/rc0.d/K01web": "../init.d/web", "/etc/rc2.d/S01web": "", "/etc/rc9.d/K01web": ""})
	s.OK("update-rc.d web remove")
	s.Machine.Enable = func(string) bool { return true }
	s.OK("update-rc.d web defaults")
	s.Links(map[string]string{"/etc/rc2.d/S01web": "../init.d/web", "/etc/rc3.d/S01web": "../init.d/web", "/etc/rc0.d/K01web": "../init.d/web"})
	s.OK("update-rc.d web disable")
	s.Links(map[string]string{"/etc/rc2.d/K01web": "../init.d/web", "/etc/rc2.d/S01web": ""})
	s.Fails("update-rc.d none defaults", 1)
	s.Refuses("update-rc.d web frob", "frob")
}
