package machine

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"kiln/internal/recipe"
)

// Check is one thing that must hold on the running system. Exactly one of Unit, Path, Port, Interface and
// Command says what.
type Check struct {
	Unit      string   `yaml:"unit"`                      // is active
	Path      string   `yaml:"path"`                      // is there
	Port      string   `yaml:"port"`                      // something listens on: tcp/22
	Interface string   `yaml:"interface"`                 // of the network, is there
	Command   []string `yaml:"command"`                   // ends with the status
	Status    string   `yaml:"status"`                    // of command; default 0
	Prints    string   `yaml:"prints"`                    // regular expression that command's output matches
	Why       string   `yaml:"why" jsonschema:"required"` // why it must hold
}

// checkFile is the file of checks, format v1.
type checkFile struct {
	Test   string  `yaml:"test" jsonschema:"required" need:"the format of the checks: test: v1"`
	Checks []Check `yaml:"checks" jsonschema:"required" need:"at least one: - {unit: ..., why: ...}"`
}

// portPattern is the form of ports; safePath that of units, paths and interfaces, which
// stand in units of systemd as they are.
var (
	portPattern = regexp.MustCompile(`^(tcp|udp)/[1-9][0-9]{0,4}$`)
	safePath    = regexp.MustCompile(`^[A-Za-z0-9/._@:+-]+$`)
)

// ParseChecks reads a file of checks. name is what messages call it.
func ParseChecks(name string, src []byte) ([]Check, error) {
	var f checkFile
	d := recipe.Decode(name, "file of checks", src, &f)
	if d.Written("test") && f.Test != "v1" {
		d.Refuse("test", fmt.Sprintf("there is no format %q", f.Test), "", "test: v1")
	}
	for i := range f.Checks {
		f.Checks[i].verify(d, "checks["+strconv.Itoa(i)+"]")
	}
	if p := d.Problems(); len(p) > 0 {
		return nil, p
	}
	return f.Checks, nil
}

func (c *Check) verify(d *recipe.Strict, part string) {
	if !d.Usable(part) {
		return
	}
	kinds := 0
	for _, s := range []string{c.Unit, c.Path, c.Port, c.Interface, strings.Join(c.Command, " ")} {
		if s != "" {
			kinds++
		}
	}
	switch {
	case kinds != 1:
		d.Refuse(part, "a check is of one thing", "it names "+strconv.Itoa(kinds)+" of unit, path, port, interface and command", "")
	case len(c.Command) == 0 && (c.Status != "" || c.Prints != ""):
		d.Refuse(part, "status and prints are of a command", "such as command: [systemctl, is-enabled, ssh.service]", "")
	case c.Port != "" && !portPattern.MatchString(c.Port):
		d.Refuse(part+".port", fmt.Sprintf("%q is no port", c.Port), "such as tcp/22 or udp/53", "")
	}
	for _, name := range []struct{ key, value, begin string }{{"unit", c.Unit, ""}, {"path", c.Path, "/"}, {"interface", c.Interface, ""}} {
		if name.value != "" && (!safePath.MatchString(name.value) || !strings.HasPrefix(name.value, name.begin)) {
			d.Refuse(part+"."+name.key, fmt.Sprintf("%q cannot be asked for", name.value), "letters, digits and / . _ @ : + - are possible; a path begins with /", "")
		}
	}
	if n, err := strconv.Atoi(c.Status); c.Status != "" && (err != nil || n < 0 || n > 255) {
		d.Refuse(part+".status", fmt.Sprintf("%q is no status", c.Status), "a number from 0 to 255", "")
	}
	if _, err := regexp.Compile(c.Prints); err != nil {
		d.Refuse(part+".prints", fmt.Sprintf("cannot read the regular expression: %v", err), "", "")
	}
}

// checkUnit is the unit that runs the command of a check.
func checkUnit(i int) string { return fmt.Sprintf("kiln-check-%d.service", i) }

func checkOutput(i int) string { return fmt.Sprintf("/run/kiln-check-%d", i) }

// unit runs a check's command, once.
func (c Check) unit(i int) string {
	return fmt.Sprintf("[Unit]\nDescription=Check %d of kiln\nConditionPathExists=!/etc/initrd-release\n[Service]\nType=oneshot\nRemainAfterExit=yes\nTimeoutStartSec=900\nStandardOutput=truncate:%s\nStandardError=inherit\nExecStart=%s\n",
		i, checkOutput(i), execLine(c.Command))
}

// execLine writes arguments as ExecStart= takes them, with nothing in them expanded (systemd.service(5), "command lines").
func execLine(argv []string) string {
	words := make([]string, len(argv))
	for i, a := range argv {
		r := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`, "%", "%%", "$", "$$")
		words[i] = `"` + r.Replace(a) + `"`
	}
	return strings.Join(words, " ")
}

// checkParts are the parts of the report that tell of checks.
func checkParts(checks []Check) (parts []part) {
	for i, c := range checks {
		name := "check-" + strconv.Itoa(i)
		switch {
		case c.Unit != "":
			parts = append(parts, part{name, "systemctl show --property=ActiveState --value -- " + c.Unit})
		case c.Path != "":
			parts = append(parts, part{name, "stat -c %%F -- " + c.Path})
		case len(c.Command) > 0:
			parts = append(parts, part{"run", "systemctl start " + checkUnit(i)},
				part{name, "systemctl show --property=Result,ExecMainCode,ExecMainStatus " + checkUnit(i)},
				part{name + "-prints", "cat " + checkOutput(i)})
		}
	}
	return parts
}

// Finding is what came of one check.
type Finding struct {
	Check string `json:"check"`           // what must hold
	Why   string `json:"why,omitempty"`   // of the file of checks
	OK    bool   `json:"ok"`              //
	Found string `json:"found,omitempty"` // what there is instead
}

// judge holds a check against the report.
func (c Check) judge(i int, parts map[string]string, f Facts) Finding {
	name := "check-" + strconv.Itoa(i)
	said := strings.TrimSpace(parts[name])
	switch {
	case c.Unit != "":
		return Finding{"unit " + c.Unit + " is active", c.Why, said == "active", said}
	case c.Path != "":
		return Finding{"path " + c.Path + " is there", c.Why, said != "", said}
	case c.Port != "":
		return Finding{"something listens on " + c.Port, c.Why, slices.Contains(f.Ports, c.Port), strings.Join(f.Ports, " ")}
	case c.Interface != "":
		return Finding{"network interface " + c.Interface + " is there", c.Why, slices.Contains(f.Interfaces, c.Interface), strings.Join(f.Interfaces, " ")}
	}
	return c.judgeCommand(said, parts[name+"-prints"])
}

func (c Check) judgeCommand(said, printed string) Finding {
	want := c.Status
	if want == "" {
		want = "0"
	}
	got := map[string]string{}
	for _, line := range lines(said) {
		key, value, _ := strings.Cut(line, "=")
		got[key] = value
	}
	r := Finding{Check: strings.Join(c.Command, " ") + " ends with " + want, Why: c.Why}
	r.OK = got["ExecMainCode"] == "1" && got["ExecMainStatus"] == want // 1: it ended by itself (CLD_EXITED)
	r.Found = "it ended with " + got["ExecMainStatus"] + " (" + got["Result"] + ")"
	if c.Prints != "" {
		r.Check += " and prints " + strconv.Quote(c.Prints)
		ok := regexp.MustCompile(c.Prints).MatchString(printed)
		r.OK = r.OK && ok
		r.Found += fmt.Sprintf(", and printed %.200q", printed)
	}
	return r
}
