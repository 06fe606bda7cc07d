package command

import (
	"fmt"
	"slices"
	"strings"

	"kiln"
)

// Options is a parsed command line.
type Options struct {
	Given map[string][]string // by the option's first name; a flag has "" for each time
	Rest  []string
}

// Has reports whether the option was given.
func (o Options) Has(name string) bool { return len(o.Given[name]) > 0 }

// Value returns the last value given, or otherwise.
func (o Options) Value(name, otherwise string) string {
	if v := o.Given[name]; len(v) > 0 {
		return v[len(v)-1]
	}
	return otherwise
}

// option is one entry of a specification.
type option struct {
	names []string
	value bool
}

// optionsOf reads a specification: words such as "quiet,q" for a flag or
// "root,r=" for an option with a value. Names of one letter are short options.
func optionsOf(spec string) []option {
	var all []option
	for word := range strings.FieldsSeq(spec) {
		names, value := strings.CutSuffix(word, "=")
		all = append(all, option{strings.Split(names, ","), value})
	}
	return all
}

// ParseOptions reads the arguments of c as getopt_long(3) would: options may
// stand anywhere before "--". Anything that spec does not have is an error that
// stops the build.
func (c *Call) ParseOptions(spec string) (Options, error) {
	return c.ParseArguments(c.Args, spec, true)
}

// ParseLeading is ParseOptions for commands whose options end at the first
// argument.
func (c *Call) ParseLeading(spec string) (Options, error) {
	return c.ParseArguments(c.Args, spec, false)
}

// ParseArguments is ParseOptions for args; anywhere says whether options may follow
// arguments.
func (c *Call) ParseArguments(args []string, spec string, anywhere bool) (Options, error) {
	p := optionParser{call: c, known: optionsOf(spec), args: args, o: Options{Given: map[string][]string{}}}
	for len(p.args) > 0 {
		arg := p.args[0]
		p.args = p.args[1:]
		var err error
		switch {
		case arg == "--":
			p.o.Rest = append(p.o.Rest, p.args...)
			p.args = nil
		case strings.HasPrefix(arg, "--"):
			err = p.long(arg)
		case len(arg) > 1 && arg[0] == '-':
			err = p.short(arg)
		default:
			p.o.Rest = append(p.o.Rest, arg)
			if !anywhere {
				p.o.Rest = append(p.o.Rest, p.args...)
				p.args = nil
			}
		}
		if err != nil {
			return Options{}, err
		}
	}
	return p.o, nil
}

type optionParser struct {
	call  *Call
	known []option
	args  []string
	o     Options
}

func (p *optionParser) find(name string) (option, bool) {
	i := slices.IndexFunc(p.known, func(o option) bool { return slices.Contains(o.names, name) })
	if i < 0 {
		return option{}, false
	}
	return p.known[i], true
}

// abbreviated is find that takes a beginning that only one option has, as
// getopt_long(3) does.
func (p *optionParser) abbreviated(name string) (option, bool) {
	if o, ok := p.find(name); ok {
		return o, true
	}
	var all []option
	for _, o := range p.known {
		if slices.ContainsFunc(o.names, func(n string) bool { return len(n) > 1 && strings.HasPrefix(n, name) }) {
			all = append(all, o)
		}
	}
	if len(all) != 1 {
		return option{}, false
	}
	return all[0], true
}

func (p *optionParser) long(arg string) error {
	name, value, attached := strings.Cut(arg[2:], "=")
	o, ok := p.abbreviated(name)
	if !ok || len(name) < 2 {
		return p.call.Unhonoured("the option %q is not known", "--"+name)
	}
	switch {
	case attached && !o.value:
		return p.call.Unhonoured("the option %q takes no value", "--"+name)
	case !attached && o.value:
		return p.next(o, "--"+name)
	}
	p.add(o, value)
	return nil
}

func (p *optionParser) short(arg string) error {
	for i := 1; i < len(arg); i++ {
		o, ok := p.find(arg[i : i+1])
		if !ok {
			return p.call.Unhonoured("the option %q is not known", "-"+arg[i:i+1])
		}
		if !o.value {
			p.add(o, "")
			continue
		}
		if i+1 < len(arg) {
			p.add(o, arg[i+1:])
			return nil
		}
		return p.next(o, "-"+arg[i:i+1])
	}
	return nil
}

func (p *optionParser) next(o option, shown string) error {
	if len(p.args) == 0 {
		return p.call.Unhonoured("the option %q needs a value", shown)
	}
	p.add(o, p.args[0])
	p.args = p.args[1:]
	return nil
}

func (p *optionParser) add(o option, value string) {
	p.o.Given[o.names[0]] = append(p.o.Given[o.names[0]], value)
}

// Unhonoured is the error for a call that kiln cannot carry out as the real
// command would.
func (c *Call) Unhonoured(format string, args ...any) error {
	line := strings.Join(append([]string{c.Name}, c.Args...), " ")
	if len(line) > 200 {
		line = line[:200] + "…"
	}
	return &kiln.Error{
		Code:  kiln.User,
		Text:  fmt.Sprintf("cannot carry out %q: %s", line, fmt.Sprintf(format, args...)),
		Hints: []string{"skip the script in the recipe, with a reason, if the image does not need what it does"},
	}
}

// Say writes a line to the script's standard output.
func (c *Call) Say(format string, args ...any) { fmt.Fprintf(c.Stdout, format+"\n", args...) }

// Complain writes a line to standard error, begun with the command's name, and
// returns status: what a command does that the script got wrong.
func (c *Call) Complain(status int, format string, args ...any) (int, error) {
	fmt.Fprintf(c.Stderr, c.Name+": "+format+"\n", args...)
	return status, nil
}

// Note records what a script wanted of a running system.
func (c *Call) Note(kind, subject string) {
	m := c.Machine
	m.Notes = append(m.Notes, Note{Package: m.Origin(), Script: m.Script, Line: m.Line, Kind: kind, Subject: subject})
}
