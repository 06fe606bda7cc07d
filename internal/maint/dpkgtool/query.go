package dpkgtool

import (
	"context"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"kiln/internal/maint/command"
)

// DpkgQuery is dpkg-query(1).
func DpkgQuery(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("show,W showformat,f= status,s listfiles,L search,S list,l control-path,c control-list control-show " +
		"no-pager load-avail admindir= root=")
	if err != nil {
		return 2, err
	}
	if o.Has("admindir") || o.Has("root") || o.Has("load-avail") {
		return 2, c.Unhonoured("there is one database only")
	}
	q := &dpkgQuery{c: c, o: o}
	switch {
	case o.Has("show"):
		return q.show()
	case o.Has("status"):
		return q.status()
	case o.Has("listfiles"):
		return q.listFiles()
	case o.Has("search"):
		return q.search()
	case o.Has("control-path"), o.Has("control-list"), o.Has("control-show"):
		return q.control()
	case o.Has("list"):
		return q.list()
	}
	return c.Complain(2, "error: need an action option")
}

type dpkgQuery struct {
	c *command.Call
	o command.Options
}

func (q *dpkgQuery) packages() command.Packages { return q.c.Machine.Packages }

// match returns the packages that a name or a pattern means, sorted by name.
func (q *dpkgQuery) match(pattern string) []command.Status {
	if st, ok := q.packages().Lookup(pattern); ok {
		return []command.Status{st}
	}
	var all []command.Status
	if !strings.ContainsAny(pattern, "*?[") {
		return nil
	}
	name, arch, _ := strings.Cut(pattern, ":")
	for _, n := range q.packages().Names() {
		if st, ok := q.packages().Lookup(n); ok && command.Fnmatch(name, st.Name) && (arch == "" || command.Fnmatch(arch, st.Architecture)) {
			all = append(all, st)
		}
	}
	return all
}

func (q *dpkgQuery) show() (int, error) {
	format := strings.TrimPrefix(q.o.Value("showformat", `${binary:Package}\t${Version}\n`), "=")
	patterns := q.o.Rest
	if len(patterns) == 0 {
		patterns = []string{"*"}
	}
	found, status := q.matchAll(patterns)
	for _, st := range found {
		text, err := formatStatus(q.c, format, st)
		if err != nil {
			return 2, err
		}
		_, _ = q.c.Stdout.Write([]byte(text))
	}
	return status, nil
}

// matchAll returns the packages that any of the patterns means, each once, sorted.
// The status is 1 where one means none.
func (q *dpkgQuery) matchAll(patterns []string) (all []command.Status, status int) {
	byName := map[string]command.Status{}
	for _, p := range patterns {
		found := q.match(p)
		if len(found) == 0 {
			status, _ = q.c.Complain(1, "no packages found matching %s", p)
		}
		for _, st := range found {
			byName[st.Name+"\x00"+st.Architecture] = st
		}
	}
	for _, n := range slices.Sorted(maps.Keys(byName)) {
		all = append(all, byName[n])
	}
	return all, status
}

// formatStatus fills in a format of dpkg-query: ${field} and ${field;width}, with
// the escapes \n, \t, \r and \\.
func formatStatus(c *command.Call, format string, st command.Status) (string, error) {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		switch {
		case format[i] == '\\' && i+1 < len(format):
			i++
			b.WriteString(strings.NewReplacer("n", "\n", "t", "\t", "r", "\r").Replace(format[i : i+1]))
		case strings.HasPrefix(format[i:], "${"):
			end := strings.IndexByte(format[i:], '}')
			if end < 0 {
				return "", c.Unhonoured("the format %q has no end", format)
			}
			b.WriteString(formatField(format[i+2:i+end], st))
			i += end
		default:
			b.WriteByte(format[i])
		}
	}
	return b.String(), nil
}

func formatField(field string, st command.Status) string {
	name, width, padded := strings.Cut(field, ";")
	v := statusField(name, st)
	n, err := strconv.Atoi(width)
	if !padded || err != nil {
		return v
	}
	pad := strings.Repeat(" ", max(0, max(n, -n)-len(v)))
	if n < 0 {
		return v + pad
	}
	return pad + v
}

// binaryName is the name with its architecture where dpkg shows it: of packages
// that can be there more than once.
func binaryName(st command.Status) string {
	if st.MultiArch == "same" {
		return st.Name + ":" + st.Architecture
	}
	return st.Name
}

func statusField(name string, st command.Status) string {
	state := st.State
	if state == "" {
		state = "not-installed"
	}
	want := "install"
	if state == "config-files" || state == "not-installed" {
		want = "deinstall"
	}
	source, sourceVersion, _ := strings.Cut(st.Fields["Source"], " ")
	if source == "" {
		source = st.Name
	}
	if sourceVersion = strings.Trim(sourceVersion, "()"); sourceVersion == "" {
		sourceVersion = st.Version
	}
	switch name {
	case "binary:Package":
		return binaryName(st)
	case "binary:Summary":
		summary, _, _ := strings.Cut(st.Fields["Description"], "\n")
		return summary
	case "Package":
		return st.Name
	case "Version":
		return st.Version
	case "Architecture":
		return st.Architecture
	case "Multi-Arch":
		return st.MultiArch
	case "Status":
		return want + " ok " + state
	case "db:Status-Status":
		return state
	case "db:Status-Want":
		return want
	case "db:Status-Eflag":
		return "ok"
	case "db:Status-Abbrev":
		return want[:1] + stateLetter(state) + " "
	case "source:Package":
		return source
	case "source:Version":
		return sourceVersion
	case "source:Upstream-Version":
		return upstreamVersion(sourceVersion)
	}
	return strings.TrimPrefix(st.Fields[name], "\n")
}

func upstreamVersion(v string) string {
	if _, rest, ok := strings.Cut(v, ":"); ok {
		v = rest
	}
	if i := strings.LastIndexByte(v, '-'); i >= 0 {
		v = v[:i]
	}
	return v
}

func stateLetter(state string) string {
	letters := map[string]string{
		"not-installed": "n", "config-files": "c", "half-installed": "H", "unpacked": "U", "half-configured": "F",
		"triggers-awaited": "W", "triggers-pending": "t", "installed": "i",
	}
	return letters[state]
}

func (q *dpkgQuery) status() (int, error) {
	status := 0
	for i, p := range q.o.Rest {
		st, ok := q.packages().Lookup(p)
		if !ok || st.State == "not-installed" {
			status, _ = q.c.Complain(1, "package '%s' is not installed and no information is available", p)
			continue
		}
		if i > 0 {
			q.c.Say("")
		}
		q.paragraph(st)
	}
	return status, nil
}

// paragraph prints a package's status as dpkg's database has it.
func (q *dpkgQuery) paragraph(st command.Status) {
	first := []string{"Package", "Essential", "Status", "Priority", "Section", "Installed-Size", "Maintainer", "Architecture", "Multi-Arch",
		"Source", "Version", "Replaces", "Provides", "Depends", "Pre-Depends", "Recommends", "Suggests", "Breaks", "Conflicts", "Enhances",
		"Conffiles", "Description", "Homepage"}
	names := slices.Clone(first)
	for _, n := range slices.Sorted(maps.Keys(st.Fields)) {
		if !slices.Contains(first, n) {
			names = append(names, n)
		}
	}
	for _, n := range names {
		if v := statusField(n, st); v != "" {
			sep := " "
			if strings.HasPrefix(v, " ") {
				sep = "\n" // a field whose value begins on the next line
			}
			q.c.Say("%s:%s%s", n, sep, v)
		}
	}
}

func (q *dpkgQuery) listFiles() (int, error) {
	status := 0
	for i, p := range q.o.Rest {
		st, ok := q.packages().Lookup(p)
		if !ok || st.State == "not-installed" || st.State == "config-files" {
			status, _ = q.c.Complain(1, "package '%s' is not installed", p)
			continue
		}
		if i > 0 {
			q.c.Say("")
		}
		for _, f := range st.Files {
			q.c.Say("%s", f)
		}
	}
	return status, nil
}

func (q *dpkgQuery) search() (int, error) {
	status := 0
	for _, p := range q.o.Rest {
		pattern := p
		if !strings.HasPrefix(p, "/") && !strings.ContainsAny(p, "*[?") {
			pattern = "*" + p + "*"
		}
		owners := map[string][]string{}
		for _, n := range q.packages().Names() {
			st, ok := q.packages().Lookup(n)
			if !ok {
				continue
			}
			for _, f := range st.Files {
				if command.Fnmatch(pattern, f) {
					owners[f] = append(owners[f], binaryName(st))
				}
			}
		}
		if len(owners) == 0 {
			status, _ = q.c.Complain(1, "no path found matching pattern %s", p)
		}
		files := slices.Sorted(maps.Keys(owners))
		slices.SortStableFunc(files, compareHashed) // dpkg's order
		for _, f := range files {
			q.c.Say("%s: %s", strings.Join(owners[f], ", "), f)
		}
	}
	return status, nil
}

// control serves the files of /var/lib/dpkg/info.
func (q *dpkgQuery) control() (int, error) {
	if len(q.o.Rest) == 0 {
		return q.c.Complain(2, "error: needs a package name")
	}
	st, ok := q.packages().Lookup(q.o.Rest[0])
	if !ok {
		return q.c.Complain(1, "package '%s' is not installed", q.o.Rest[0])
	}
	kinds := map[string]string{}
	for _, base := range []string{st.Name, st.Name + ":" + st.Architecture} {
		for _, p := range q.c.FS.Glob("/var/lib/dpkg/info/" + base + ".*") {
			kind := strings.TrimPrefix(path.Base(p), base+".")
			if kind != "list" {
				kinds[kind] = p
			}
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		switch {
		case len(q.o.Rest) > 1 && q.o.Rest[1] != kind:
		case q.o.Has("control-list"):
			q.c.Say("%s", kind)
		case q.o.Has("control-show") && len(q.o.Rest) > 1:
			text, err := q.c.FS.ReadFile(kinds[kind])
			if err != nil {
				return 2, err
			}
			_, _ = q.c.Stdout.Write(text)
		default:
			q.c.Say("%s", kinds[kind])
		}
	}
	return 0, nil
}

// list prints the lines of "dpkg -l" that scripts look for: state, name, version.
func (q *dpkgQuery) list() (int, error) {
	patterns := q.o.Rest
	if len(patterns) == 0 {
		patterns = []string{"*"}
	}
	found, status := q.matchAll(patterns)
	for _, st := range found {
		q.c.Say("%-3s %s %s %s %s", statusField("db:Status-Abbrev", st), binaryName(st), st.Version, st.Architecture, statusField("binary:Summary", st))
	}
	return status, nil
}
