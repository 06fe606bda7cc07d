package awk

import (
	"bufio"
	"io"
	"slices"
	"strings"
)

// output is a file that is written.
type output struct {
	file   io.WriteCloser
	writer *bufio.Writer
}

func (in *interpreter) outputTo(w io.WriteCloser) *output {
	return &output{file: w, writer: bufio.NewWriterSize(w, outputBuffer)}
}

// outputBuffer is the size of the buffer of each output, in bytes.
const outputBuffer = 4096

type keepOpen struct{ io.Writer }

func (keepOpen) Close() error { return nil }

// print is print and printf.
func (in *interpreter) print(s *printStatement) {
	if len(s.args) == 0 && !s.formatted && s.to == "" {
		in.printRecord()
		return
	}
	texts := in.pieces(s)
	to := in.stdout
	if s.to != "" {
		to = in.destination(s.to, in.text(in.eval(s.target)))
	}
	for _, one := range texts {
		in.write(to, one)
	}
	if to == in.stderr {
		in.flushed(to)
	}
}

// pieces is the pieces of what a statement prints.
func (in *interpreter) pieces(s *printStatement) []string {
	if s.formatted {
		args := make([]value, len(s.args))
		for i, e := range s.args {
			args[i] = in.eval(e)
		}
		return []string{in.sprintf(in.text(args[0]), args[1:])}
	}
	if len(s.args) == 0 {
		return []string{in.wholeRecord(), in.special(varORS)}
	}
	texts := make([]string, 0, 2*len(s.args))
	ofmt := in.special(varOFMT)
	values := make([]value, len(s.args))
	for i, e := range s.args {
		values[i] = in.eval(e)
	}
	for i, v := range values {
		if i > 0 {
			texts = append(texts, in.special(varOFS))
		}
		texts = append(texts, in.textOf(v, ofmt))
	}
	return append(texts, in.special(varORS))
}

func (in *interpreter) printRecord() {
	in.write(in.stdout, in.wholeRecord())
	in.write(in.stdout, in.special(varORS))
}

// write prints a piece, within the limit.
func (in *interpreter) write(to *output, s string) {
	if in.printed += int64(len(s)); in.printed > in.limits.Output {
		in.stop(&LimitError{Output, in.limits.Output})
	}
	in.spend(len(s))
	if _, err := to.writer.WriteString(s); err != nil {
		in.stop(err)
	}
}

// destination is an open file by its name, which is opened the first time.
func (in *interpreter) destination(how kind, name string) *output {
	if how == "|" {
		in.stop(&UnsupportedError{"a pipe"})
	}
	in.spend(len(name))
	switch name {
	case "-", "/dev/stdout":
		return in.stdout
	case "/dev/stderr":
		return in.stderr
	}
	if to := in.outputs[name]; to != nil {
		return to
	}
	in.checkOpen()
	w, err := in.o.Files.Create(name, how == ">>")
	if err != nil {
		in.check(err)
		in.cannotOpen(name, err)
	}
	in.hold(&in.stored, outputBuffer+len(name))
	name = strings.Clone(name)
	to := in.outputTo(w)
	in.outputs[name] = to
	in.opened = append(in.opened, name)
	return to
}

func (in *interpreter) flushed(to *output) {
	if err := to.writer.Flush(); err != nil {
		in.stop(err)
	}
}

// close closes the files of a name: 0, or -1 where none is open.
func (in *interpreter) close(name string) int {
	status := -1
	if s := in.inputs[name]; s != nil {
		delete(in.inputs, name)
		status = in.drop(s)
	}
	if to := in.outputs[name]; to != nil {
		delete(in.outputs, name)
		in.opened = slices.DeleteFunc(in.opened, func(n string) bool { return n == name })
		in.stored -= int64(outputBuffer + len(name))
		in.finish(to)
		status = 0
	}
	return status
}

func (in *interpreter) finish(to *output) {
	in.flushed(to)
	if err := to.file.Close(); err != nil {
		in.stop(err)
	}
}

// flush is fflush: of one file, or of all.
func (in *interpreter) flush(args []value) int {
	if len(args) == 0 || in.text(args[0]) == "" {
		in.flushed(in.stdout)
		for _, name := range in.opened {
			in.flushed(in.outputs[name])
		}
		return 0
	}
	name := in.text(args[0])
	switch to := in.outputs[name]; {
	case name == "-" || name == "/dev/stdout":
		in.flushed(in.stdout)
	case name == "/dev/stderr":
		in.flushed(in.stderr)
	case to == nil:
		return -1
	default:
		in.flushed(to)
	}
	return 0
}

// closeAll closes what is open at the end, in the order of opening.
func (in *interpreter) closeAll() {
	in.flushed(in.stdout)
	for _, name := range in.opened {
		in.finish(in.outputs[name])
	}
	in.endMain()
	for _, s := range in.inputs {
		in.drop(s)
	}
}
