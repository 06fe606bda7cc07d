package servertool

import (
	"context"
	"path"
	"regexp"
	"slices"
	"strings"

	"kiln/internal/maint/command"
)

// apacheKind is what a2enmod(8) and its like switch: modules, sites or pieces of
// configuration.
type apacheKind struct {
	name, folder, suffix string
	state                string // folder below /var/lib/apache2
}

var apacheKinds = map[string]apacheKind{
	"mod":  {"Module", "mods", ".load", "module"},
	"site": {"Site", "sites", ".conf", "site"},
	"conf": {"Conf", "conf", ".conf", "conf"},
}

// a2 is one call of a2enmod, a2dismod, a2ensite, a2dissite, a2enconf or a2disconf.
type a2 struct {
	*command.Call
	o      command.Options
	kind   apacheKind
	enable bool
}

// A2enmod is a2enmod(8) and its like, for the instance in /etc/apache2 whose
// envvars move no folder. Services are told nothing: none runs.
func A2enmod(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("quiet,q force,f maintmode,m purge,p")
	if err != nil {
		return 2, err
	}
	action, kind := c.Name[2:4], c.Name[4:]
	if action == "di" {
		action, kind = "dis", c.Name[5:]
	}
	a := &a2{Call: c, o: o, kind: apacheKinds[kind], enable: action == "en"}
	envvars, err := c.FS.ReadIfThere("/etc/apache2/envvars")
	if err != nil {
		return 1, err
	}
	if regexp.MustCompile(`(?m)^\s*(export\s+)?APACHE_(MODS|SITES|CONF|STATE|CONFDIR)\w*=`).Match(envvars) || c.Env["APACHE_CONFDIR"] != "" || c.Env["APACHE_ENVVARS"] != "" {
		return 1, c.Unhonoured("Apache's folders are not where Debian has them")
	}
	if len(o.Rest) == 0 {
		return 1, c.Unhonoured("without arguments it asks")
	}
	status := 0
	for _, arg := range o.Rest {
		names, err := a.matching(strings.TrimSuffix(arg, a.kind.suffix))
		if err != nil {
			return 1, err
		}
		if len(names) == 0 {
			a.problem("No %s found matching %s!", strings.ToLower(a.kind.name), arg)
			status = 1
		}
		for _, name := range names {
			ok, err := a.switchOne(name)
			if err != nil {
				return 1, err
			}
			if !ok {
				status = 1
			}
		}
	}
	return status, nil
}

func (a *a2) available() string { return "/etc/apache2/" + a.kind.folder + "-available/" }
func (a *a2) enabled() string   { return "/etc/apache2/" + a.kind.folder + "-enabled/" }

// matching lists the names that a glob pattern stands for. One without wildcards
// stands for itself, whether it is there or not, as perl's glob has it.
func (a *a2) matching(pattern string) ([]string, error) {
	if strings.ContainsAny(pattern, "{}~ ") {
		return nil, a.Unhonoured("the pattern %q is not known", pattern)
	}
	if !strings.ContainsAny(pattern, "*?[") {
		return []string{pattern}, nil
	}
	folder := a.enabled()
	if a.enable {
		folder = a.available()
	}
	var names []string
	for _, p := range a.FS.Glob(folder + pattern + a.kind.suffix) {
		names = append(names, strings.TrimSuffix(path.Base(p), a.kind.suffix))
	}
	return names, nil
}

func (a *a2) info(format string, args ...any) {
	if !a.o.Has("quiet") {
		a.Say(format, args...)
	}
}

func (a *a2) problem(format string, args ...any) {
	c := *a.Call
	c.Name = "ERROR"
	_, _ = c.Complain(1, format, args...)
}

// switchOne enables or disables one of them; ok is false where the tool would fail.
func (a *a2) switchOne(name string) (ok bool, err error) {
	modules := a.kind.state == "module"
	if modules && a.enable && name == "cgi" {
		return false, a.Unhonoured("which of cgi and cgid it is depends on what apache2ctl tells")
	}
	if modules && name == "cache_disk" {
		return false, a.Unhonoured("the module cache_disk has a service of its own")
	}
	if !a.FS.Exists(a.available() + name + a.kind.suffix) {
		return a.vanished(name)
	}
	switch {
	case modules && a.enable:
		ok, err = a.dependencies(name)
	case modules:
		ok, err = a.dependents(name)
	case a.enable:
		ok, err = a.needed(name)
	default:
		ok = true
	}
	if !ok || err != nil {
		return false, err
	}
	if a.enable {
		return a.enableOne(name)
	}
	return a.disableOne(name)
}

// vanished is about one that is not available.
func (a *a2) vanished(name string) (bool, error) {
	link := a.enabled() + name + a.kind.suffix
	if a.FS.IsLink(link) && !a.enable {
		a.info("removing dangling symlink %s", link)
		if err := a.FS.Remove(link); err != nil {
			return false, err
		}
		if conf := a.enabled() + name + ".conf"; a.FS.IsLink(conf) && !a.FS.Exists(conf) {
			return true, a.FS.Remove(conf)
		}
		return true, nil
	}
	if a.o.Has("purge") {
		return true, a.mark(name)
	}
	a.problem("%s %s does not exist!", a.kind.name, name)
	return false, nil
}

// listed reads a line such as "# Depends: a b" from the comments that begin a file.
func (a *a2) listed(file, field string) ([]string, error) {
	text, err := a.FS.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "# "+field+":"); ok {
			return strings.Fields(rest), nil
		}
		if line != "" && line[0] != '#' {
			break
		}
	}
	return nil, nil
}

func (a *a2) dependencies(name string) (bool, error) {
	file := a.available() + name + ".load"
	depends, err := a.listed(file, "Depends")
	if err != nil {
		return false, err
	}
	for _, d := range depends {
		a.info("Considering dependency %s for %s:", d, name)
		if ok, err := a.switchOne(d); !ok || err != nil {
			a.problem("Could not enable dependency %s for %s, aborting", d, name)
			return false, err
		}
	}
	conflicts, err := a.listed(file, "Conflicts")
	fine := true
	for _, d := range conflicts {
		a.info("Considering conflict %s for %s:", d, name)
		if a.FS.Exists(a.enabled() + d + ".load") {
			a.problem("Module %s is enabled - cannot proceed due to conflicts. It needs to be disabled first!", d)
			fine = false
		}
	}
	return fine, err
}

// dependents looks for enabled modules that need one which is to be disabled.
func (a *a2) dependents(name string) (bool, error) {
	var others []string
	for _, load := range a.FS.Glob(a.enabled() + "*.load") {
		depends, err := a.listed(load, "Depends")
		if err != nil {
			return false, err
		}
		if slices.Contains(depends, name) {
			others = append(others, strings.TrimSuffix(path.Base(load), ".load"))
		}
	}
	if len(others) > 0 && !a.o.Has("force") {
		a.problem("The following modules depend on %s and need to be disabled first: %s", name, strings.Join(others, " "))
		return false, nil
	}
	for _, d := range others {
		if ok, err := a.switchOne(d); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// needed checks that the modules are enabled which a site or configuration needs.
func (a *a2) needed(name string) (bool, error) {
	depends, err := a.listed(a.available()+name+".conf", "Depends")
	for _, d := range depends {
		if !a.FS.Exists("/etc/apache2/mods-enabled/" + d + ".load") {
			_, _ = a.Stderr.Write([]byte("WARNING: Module " + d + " is not enabled, but " + name + " depends on it, aborting\n"))
			return false, err
		}
	}
	return true, err
}

// files are the names below the available folder that belong to one of them: a
// module can have a configuration besides what loads it.
func (a *a2) files(name string) []string {
	all := []string{name + a.kind.suffix}
	if conf := name + ".conf"; a.kind.state == "module" && a.FS.Exists(a.available()+conf) {
		all = append([]string{conf}, all...)
	}
	return all
}

func (a *a2) enableOne(name string) (bool, error) {
	fresh := false
	for _, f := range a.files(name) {
		link, target := a.enabled()+f, a.available()+f
		switch {
		case a.FS.Exists(link) && !a.FS.IsLink(link):
			a.problem("%s %s not properly enabled: %s is a real file, not touching it", a.kind.name, name, link)
			return false, nil
		case a.FS.Exists(link) && !a.same(link, target):
			a.problem("%s %s not properly enabled: %s exists but does not point to %s, not touching it", a.kind.name, name, link, target)
			return false, nil
		case a.FS.Exists(link):
			continue
		}
		fresh = fresh || strings.HasSuffix(f, a.kind.suffix)
		if err := a.FS.ReplaceLink("../"+a.kind.folder+"-available/"+f, link); err != nil {
			return false, err
		}
	}
	if !fresh {
		a.info("%s %s already enabled", a.kind.name, name)
		return true, nil
	}
	a.Say("Enabling %s %s.", strings.ToLower(a.kind.name), name)
	return true, a.mark(name)
}

func (a *a2) same(x, y string) bool {
	p, err := a.FS.Resolve(x)
	q, again := a.FS.Resolve(y)
	return err == nil && again == nil && p == q
}

func (a *a2) disableOne(name string) (bool, error) {
	essential := strings.Fields("alias auth_basic authn_file authz_host authz_user autoindex deflate dir env filter logio mime negotiation setenvif unixd version watchdog")
	gone := false
	for _, f := range a.files(name) {
		link := a.enabled() + f
		if !a.FS.Present(link) {
			continue
		}
		if a.kind.state == "module" && slices.Contains(essential, name) && !a.o.Has("force") {
			return false, a.Unhonoured("the module %q is essential, and the tool asks", name)
		}
		if !a.FS.IsLink(link) {
			a.problem("%s is not a symbolic link, not deleting", link)
			return false, nil
		}
		gone = true
		if err := a.FS.Remove(link); err != nil {
			return false, err
		}
	}
	if gone {
		a.Say("%s %s disabled.", a.kind.name, name)
		return true, a.mark(name)
	}
	a.info("%s %s already disabled", a.kind.name, name)
	if a.o.Has("purge") {
		return true, a.mark(name)
	}
	return true, nil
}

// mark remembers who switched it last, a package or the administrator.
func (a *a2) mark(name string) error {
	state, who, what := "/var/lib/apache2/"+a.kind.state, "admin", "disabled"
	if a.o.Has("maintmode") {
		who = "maint"
	}
	if a.enable {
		what = "enabled"
	}
	for _, old := range a.FS.Glob(state + "/*/" + name) {
		if err := a.FS.Remove(old); err != nil {
			return err
		}
	}
	folder := state + "/" + what + "_by_" + who
	if err := a.FS.MkdirAll(folder, 0o755); err != nil || a.o.Has("purge") {
		return err
	}
	return a.FS.WriteFile(folder+"/"+name, nil, 0o644)
}

// A2query is a2query(1) for whether something is enabled: 0 if it is, 1 if it never
// was, 32 and 33 if the administrator or a package disabled it.
func A2query(_ context.Context, c *command.Call) (int, error) {
	if slices.Equal(c.Args, []string{"-m"}) {
		return 0, enabledModules(c)
	}
	o, err := c.ParseOptions("quiet,q m= s= c= M")
	if err != nil {
		return 1, err
	}
	if o.Has("M") {
		return multiProcessing(c)
	}
	for _, q := range []struct{ option, kind string }{{"m", "mod"}, {"s", "site"}, {"c", "conf"}} {
		if !o.Has(q.option) {
			continue
		}
		k, name := apacheKinds[q.kind], o.Value(q.option, "")
		state := "/var/lib/apache2/" + k.state + "/"
		if c.FS.Exists("/etc/apache2/" + k.folder + "-enabled/" + strings.TrimSuffix(name, k.suffix) + k.suffix) {
			if !o.Has("quiet") {
				c.Say("%s (enabled by %s)", name, enabledBy(c, state, name))
			}
			return 0, nil
		}
		switch {
		case c.FS.Exists(state + "disabled_by_admin/" + name):
			return c.Complain(32, "No %s matches %s (disabled by site administrator)", strings.ToLower(k.name), name)
		case c.FS.Exists(state + "disabled_by_maint/" + name):
			return c.Complain(33, "No %s matches %s (disabled by maintainer script)", strings.ToLower(k.name), name)
		}
		return c.Complain(1, "No %s matches %s", strings.ToLower(k.name), name)
	}
	return 1, c.Unhonoured("only -m, -s, -c and -M are known")
}

// multiProcessing prints which of Apache's multi-processing modules is enabled.
func multiProcessing(c *command.Call) (int, error) {
	loads := c.FS.Glob("/etc/apache2/mods-enabled/mpm_*.load")
	switch len(loads) {
	case 0:
		c.Say("invalid")
	case 1:
		c.Say("%s", strings.TrimSuffix(strings.TrimPrefix(path.Base(loads[0]), "mpm_"), ".load"))
	default:
		return c.Complain(1, "There is more than one MPM loaded. Do not proceed due to undefined results")
	}
	return 0, nil
}

// enabledBy says who enabled something.
func enabledBy(c *command.Call, state, name string) string {
	switch {
	case c.FS.Exists(state + "enabled_by_maint/" + name):
		return "maintainer script"
	case c.FS.Exists(state + "enabled_by_admin/" + name):
		return "site administrator"
	}
	return "unknown"
}

// enabledModules lists all, in the order of their names; the tool's order is that of
// the disk.
func enabledModules(c *command.Call) error {
	for _, load := range c.FS.Glob("/etc/apache2/mods-enabled/*.load") {
		name := strings.TrimSuffix(path.Base(load), ".load")
		c.Say("%s (enabled by %s)", name, enabledBy(c, "/var/lib/apache2/module/", name))
	}
	return nil
}

// ApacheCheck is apache2(8) with -t, by which scripts check the configuration before
// a reload. It is not checked here.
func ApacheCheck(_ context.Context, c *command.Call) (int, error) {
	if len(c.Args) != 1 || c.Args[0] != "-t" {
		return 1, c.Unhonoured("only the check of the configuration is known")
	}
	_, _ = c.Stderr.Write([]byte("Syntax OK\n"))
	return 0, nil
}
