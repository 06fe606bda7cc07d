package awk

import (
	"context"
	"errors"
	"strings"

	"kiln/internal/maint/regex"
)

// The variables that mean something, by their place among the globals.
const (
	varNF = iota
	varNR
	varFNR
	varFS
	varOFS
	varORS
	varRS
	varFILENAME
	varSUBSEP
	varRSTART
	varRLENGTH
	varCONVFMT
	varOFMT
	varARGC
)

var specialNames = []string{"NF", "NR", "FNR", "FS", "OFS", "ORS", "RS", "FILENAME", "SUBSEP", "RSTART", "RLENGTH", "CONVFMT", "OFMT", "ARGC"}

// slot holds a variable: a value or an array.
type slot struct {
	value value
	array *array
}

// interpreter is one run. What ends it is thrown as halt and caught in guard.
type interpreter struct {
	program *Program
	o       Options
	limits  Limits
	expired func() error
	meter

	globals []slot
	locals  []slot // of the function that runs
	result  value  // of return
	status  int
	inRange []bool // by rule

	record
	convfmt  string
	patterns patterns

	main           *stream // the file of the main input that is read
	stdin          *stream
	argument       int  // the next of ARGV
	named          bool // a file was named in ARGV
	ended          bool // the main input has
	inputs         map[string]*stream
	outputs        map[string]*output
	opened         []string // outputs, in order
	stdout, stderr *output
}

// halt carries an error to guard.
type halt struct{ err error }

// errExit is of exit.
var errExit = errors.New("exit")

func (in *interpreter) stop(err error) { panic(halt{err}) }

// Run runs a program and returns the status of its exit, or an error: a *LimitError,
// an *UnsupportedError, a *RuntimeError, a *SyntaxError for a bad -v or regular
// expression, the error of ctx, or that of a stream.
func Run(ctx context.Context, program *Program, o Options) (status int, err error) {
	in := &interpreter{
		program: program, o: o, limits: o.Limits.orDefaults(), expired: ctx.Err, globals: make([]slot, program.count),
		inRange: make([]bool, len(program.rules)), inputs: map[string]*stream{}, outputs: map[string]*output{}, argument: 1,
	}
	in.pauseAt = pauseEvery
	in.stdin = &stream{name: "-", from: o.Stdin}
	in.stdout, in.stderr = in.outputTo(keepOpen{o.Stdout}), in.outputTo(keepOpen{o.Stderr})
	err = in.guard(in.phases)
	closing := in.guard(in.closeAll)
	if err == nil {
		err = closing
	}
	return in.status, err
}

// guard runs f and returns what stopped it.
func (in *interpreter) guard(f func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			h, ok := r.(halt)
			if !ok {
				panic(r)
			}
			err = h.err
			in.depth, in.fresh, in.frames = 0, 0, 0
			in.locals = nil
		}
	}()
	f()
	return nil
}

// phases runs BEGIN, the rules and END, to which an exit in the others goes.
func (in *interpreter) phases() {
	in.initialise()
	p := in.program
	exited := in.until(func() {
		for _, b := range p.begin {
			in.block(b)
		}
	})
	if !exited && len(p.rules)+len(p.end) > 0 {
		in.until(in.rules)
	}
	in.until(func() {
		for _, b := range p.end {
			in.block(b)
		}
	})
}

// until runs f up to an exit, which it reports.
func (in *interpreter) until(f func()) bool {
	err := in.guard(f)
	switch {
	case errors.Is(err, errExit):
		return true
	case err != nil:
		in.stop(err)
	}
	return false
}

func (in *interpreter) initialise() {
	for name, v := range map[int]value{
		varFS: text(" "), varOFS: text(" "), varORS: text("\n"), varRS: text("\n"), varSUBSEP: text("\x1c"), varCONVFMT: text("%.6g"), varOFMT: text("%.6g"),
		varNR: number(0), varFNR: number(0), varRSTART: number(0), varRLENGTH: number(-1), varARGC: number(float64(len(in.o.Args) + 1)),
	} {
		in.globals[name].value = v
	}
	in.convfmt = "%.6g"
	for _, s := range in.program.globals {
		if s.array {
			in.globals[s.index].array = newArray()
		}
	}
	argv := in.globals[in.program.globals["ARGV"].index].array
	for i, arg := range append([]string{in.o.Name}, in.o.Args...) {
		k, _ := wholeKey(float64(i))
		in.setElement(argv, k, input(arg))
	}
	environ := in.globals[in.program.globals["ENVIRON"].index].array
	for _, one := range in.o.Environ {
		name, v, _ := strings.Cut(one, "=")
		in.setElement(environ, key{text: name}, input(v))
	}
	in.setRecord("")
	for _, a := range in.o.Assign {
		if !in.assignArgument(a) {
			in.stop(&SyntaxError{Line: 1, Text: "improper assignment: -v " + a})
		}
	}
}

// assignArgument makes the assignment of an argument "name=value", if it is one.
func (in *interpreter) assignArgument(arg string) bool {
	name, v, ok := strings.Cut(arg, "=")
	if !ok || !isName(name) {
		return false
	}
	s := in.program.globals[name]
	if s == nil {
		return in.program.functions[name] == nil // the program does not ask for it
	}
	if s.array {
		in.fail("cannot assign to array %s on the command line", name)
	}
	in.reserve(len(v))
	in.setGlobal(s.index, input(unescape(v)))
	return true
}

func isName(s string) bool {
	for i := range len(s) {
		if !isLetter(s[i]) && (i == 0 || !isDigit(s[i])) {
			return false
		}
	}
	return s != ""
}

// patterns keeps regular expressions that were made of strings.
type patterns struct {
	known  map[string]*regex.Automaton
	weight int64
}

// maxPatterns bounds the memory that kept expressions take, in bytes.
const maxPatterns = 4 << 20

// pattern is a string as a regular expression.
func (in *interpreter) pattern(s string) *regex.Automaton {
	if re := in.patterns.known[s]; re != nil {
		return re
	}
	if len(s) > maxSource {
		in.stop(&LimitError{Source, maxSource})
	}
	re, err := regex.CompileAwk(s)
	if errors.Is(err, regex.ErrTooLarge) {
		in.stop(&LimitError{States, regex.MaxSize})
	}
	if err != nil {
		in.fail("%v", err)
	}
	in.spend((re.Size() + len(s)) * gone)
	size := int64(re.Size()*100 + len(s))
	if in.patterns.known == nil || in.patterns.weight+size > maxPatterns {
		in.patterns = patterns{known: map[string]*regex.Automaton{}}
	}
	in.patterns.known[strings.Clone(s)] = re
	in.patterns.weight += size
	return re
}

// find searches and counts what that costs.
func (in *interpreter) find(re *regex.Automaton, s string, from int) regex.Match {
	in.step()
	return re.Find(s, from, in.work)
}

func (in *interpreter) matches(re *regex.Automaton, s string) bool {
	return in.find(re, s, 0).Start >= 0
}
