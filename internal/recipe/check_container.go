package recipe

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (c *checker) container(r *Recipe) {
	k, path := r.Container, "container"
	c.runsAs(path+".user", k.User, r)
	c.command(path+".entrypoint", k.Entrypoint)
	c.command(path+".command", k.Command)
	for _, name := range slices.Sorted(maps.Keys(k.Env)) {
		c.matches(atKey(path+".env", name), name, variableName, "the name of a variable (letters, digits, _)")
	}
	for _, name := range slices.Sorted(maps.Keys(k.Labels)) {
		c.matches(atKey(path+".labels", name), name, labelName, "the name of a label, without spaces")
	}
	if c.written(path+".workdir") && k.WorkDir != "/" {
		c.imagePath(path+".workdir", k.WorkDir)
	}
	ports, volumes := c.unique("port"), c.unique("volume")
	for i, p := range k.Ports {
		if at := at(path+".ports", i); c.matches(at, p, port, `a port from 1 to 65535, perhaps with /tcp, /udp or /sctp`) {
			ports.add(at, strings.TrimSuffix(p, "/tcp"))
		}
	}
	for i, v := range k.Volumes {
		at := at(path+".volumes", i)
		c.imagePath(at, v)
		volumes.add(at, v)
	}
	c.matches(path+".stop-signal", k.StopSignal, signal, "a signal such as SIGTERM")
	if k.Healthcheck != nil {
		c.healthcheck(path+".healthcheck", *k.Healthcheck)
	}
}

// runsAs checks that the names in "user[:group]" will be in the image.
func (c *checker) runsAs(path, s string, r *Recipe) {
	if !c.owner(path, s) {
		return
	}
	user, group, both := strings.Cut(s, ":")
	users, groups := []string{"root", "nobody"}, []string{"root", "nogroup"}
	for _, u := range r.Users {
		users = append(users, u.Name)
		if u.Group == "" {
			groups = append(groups, u.Name)
		} else {
			groups = append(groups, u.Group)
		}
	}
	for _, g := range r.Groups {
		groups = append(groups, g.Name)
	}
	c.declared(path, user, "user", users)
	if both {
		c.declared(path, group, "group", groups)
	}
}

func (c *checker) declared(path, name, noun string, known []string) {
	if accountNumber(name) || slices.Contains(known, name) || !c.written(path) {
		return
	}
	c.note(path, "declare it under "+noun+"s:, or give a number", "%s %q is not declared", noun, name)
	c.problems[len(c.problems)-1].Suggestion = nearest(name, known)
}

func (c *checker) command(path string, words []string) {
	c.notEmpty(path, len(words), "leave the key out if there is no command")
	if len(words) > 0 {
		c.filled(at(path, 0), words[0])
	}
}

func (c *checker) healthcheck(path string, h Healthcheck) {
	c.command(path+".command", h.Command)
	c.matches(path+".interval", h.Interval, duration, "a duration such as 10s")
	c.matches(path+".timeout", h.Timeout, duration, "a duration such as 10s")
	c.matches(path+".start-period", h.StartPeriod, duration, "a duration such as 10s")
	if c.written(path+".retries") && (h.Retries < 1 || h.Retries > 1000) {
		c.problem(path+".retries", "want a number from 1 to 1000, got %d", h.Retries)
	}
}

// duration tells whether s is one that engines take: a millisecond at least.
func duration(s string) bool {
	d, err := time.ParseDuration(s)
	return err == nil && d >= time.Millisecond
}

func labelName(s string) bool {
	return s != "" && isShort(s, 256) && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f })
}

func port(s string) bool {
	number, protocol, named := strings.Cut(s, "/")
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > 65535 || strconv.Itoa(n) != number {
		return false
	}
	return !named || slices.Contains([]string{"tcp", "udp", "sctp"}, protocol)
}

// signal tells whether s is a signal of signal(7) on Linux: SIGTERM, TERM, 15,
// SIGRTMIN+3.
func signal(s string) bool {
	name := strings.TrimPrefix(s, "SIG")
	if n, err := strconv.Atoi(s); err == nil {
		return 1 <= n && n <= 64 && strconv.Itoa(n) == s
	}
	for _, base := range []string{"RTMIN+", "RTMAX-"} {
		if offset, ok := strings.CutPrefix(name, base); ok {
			n, err := strconv.Atoi(offset)
			return err == nil && 1 <= n && n <= 30 && strconv.Itoa(n) == offset
		}
	}
	return slices.Contains(strings.Fields(signals), name)
}

const signals = "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP " +
	"TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMAX"
