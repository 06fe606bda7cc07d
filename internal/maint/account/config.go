package account

import (
	"strconv"
	"strings"
)

// Range is a range of ids, both ends included.
type Range struct{ Min, Max int }

// LoginDefs is what of login.defs(5) matters for making accounts.
type LoginDefs struct {
	UIDs, GIDs       Range // of people
	SysUIDs, SysGIDs Range
	PassMin, PassMax string // days, "" where not set
	PassWarn         string
	HomeMode, Umask  uint32
	UserGroups       bool
	CreateHome       bool
	values           map[string]string
}

// ParseLoginDefs reads login.defs; an empty text gives shadow's own defaults.
func ParseLoginDefs(text []byte) LoginDefs {
	v := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) >= 2 && !strings.HasPrefix(f[0], "#") {
			v[f[0]] = strings.Trim(strings.Join(f[1:], " "), `"`)
		}
	}
	d := LoginDefs{values: v}
	d.fill()
	return d
}

// Set overrides one value, as "useradd -K NAME=VALUE" does.
func (d *LoginDefs) Set(name, value string) {
	d.values[name] = value
	d.fill()
}

func (d *LoginDefs) fill() {
	d.UIDs = Range{d.Number("UID_MIN", 1000), d.Number("UID_MAX", 60000)}
	d.GIDs = Range{d.Number("GID_MIN", 1000), d.Number("GID_MAX", 60000)}
	d.SysUIDs = Range{max(1, d.Number("SYS_UID_MIN", 101)), d.Number("SYS_UID_MAX", d.UIDs.Min-1)}
	d.SysGIDs = Range{max(1, d.Number("SYS_GID_MIN", 101)), d.Number("SYS_GID_MAX", d.GIDs.Min-1)}
	d.PassMin, d.PassMax, d.PassWarn = d.values["PASS_MIN_DAYS"], d.values["PASS_MAX_DAYS"], d.values["PASS_WARN_AGE"]
	d.Umask = uint32(d.Number("UMASK", 0o22))
	d.HomeMode = uint32(d.Number("HOME_MODE", int(0o777&^d.Umask)))
	d.UserGroups = d.values["USERGROUPS_ENAB"] == "yes"
	d.CreateHome = d.values["CREATE_HOME"] == "yes"
}

// Number returns the value of a number, or otherwise. It reads C's notation: 0700 is octal.
func (d *LoginDefs) Number(name string, otherwise int) int {
	n, err := strconv.ParseInt(d.values[name], 0, 33)
	if err != nil || n < 0 || n > maxID {
		return otherwise
	}
	return int(n)
}

// AdduserConf is adduser.conf(5), as far as it matters for making accounts.
type AdduserConf struct {
	UIDs, GIDs       Range
	SysUIDs, SysGIDs Range
	Shell, Home      string // DSHELL, DHOME
	Skel             string
	HomeMode         uint32 // DIR_MODE
	SysHomeMode      uint32 // SYS_DIR_MODE
	UserGroups       bool
	UsersGroup       string   // for those without a group of their own
	ExtraGroups      []string // with --add-extra-groups
}

// ParseAdduserConf reads adduser.conf; an empty text gives adduser's defaults.
func ParseAdduserConf(text []byte) AdduserConf {
	v := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if ok && !strings.HasPrefix(name, "#") {
			v[strings.ToLower(strings.TrimSpace(name))] = strings.Trim(strings.TrimSpace(value), `"'`)
		}
	}
	number := func(name string, base, otherwise int) int {
		n, err := strconv.ParseUint(v[name], base, 32)
		if err != nil || n > maxID {
			return otherwise
		}
		return int(n)
	}
	text1 := func(name, otherwise string) string {
		if s, ok := v[name]; ok && s != "" {
			return s
		}
		return otherwise
	}
	return AdduserConf{
		UIDs:        Range{number("first_uid", 10, 1000), number("last_uid", 10, 59999)},
		GIDs:        Range{number("first_gid", 10, 1000), number("last_gid", 10, 59999)},
		SysUIDs:     Range{number("first_system_uid", 10, 100), number("last_system_uid", 10, 999)},
		SysGIDs:     Range{number("first_system_gid", 10, 100), number("last_system_gid", 10, 999)},
		Shell:       text1("dshell", "/bin/bash"),
		Home:        text1("dhome", "/home"),
		Skel:        text1("skel", "/etc/skel"),
		HomeMode:    uint32(number("dir_mode", 8, 0o700)),
		SysHomeMode: uint32(number("sys_dir_mode", 8, 0o755)),
		UserGroups:  text1("usergroups", "yes") == "yes",
		UsersGroup:  text1("users_group", "users"),
		ExtraGroups: strings.Fields(text1("extra_groups", "users")),
	}
}
