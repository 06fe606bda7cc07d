package texttool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"kiln/internal/maint/command"
	"kiln/internal/maint/regex"
)

const grepOptions = "extended-regexp,E fixed-strings,F basic-regexp,G perl-regexp,P regexp,e= file,f= ignore-case,i y invert-match,v " +

	"word-regexp,w line-regexp,x count,c files-with-matches,l files-without-match,L max-count,m= only-matching,o quiet,silent,q " +
	"no-messages,s line-number,n with-filename,H no-filename,h text,a recursive,r dereference-recursive,R null-data,z null,Z include= exclude= " +
	"line-buffered byte-offset,b after-context,A= before-context,B= context,C= color= colour="

// Grep is grep(1), egrep and fgrep.
func Grep(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions(grepOptions)
	if err != nil {
		return 0, err
	}
	for _, flag := range []string{"perl-regexp", "byte-offset", "null", "include", "exclude", "after-context", "before-context", "context"} {
		if o.Has(flag) {
			return 0, c.Unhonoured("the option --%s is not known", flag)
		}
	}
	g := grep{c: c, o: o, limit: -1}
	if g.limit, err = strconv.Atoi(o.Value("max-count", "-1")); err != nil {
		return c.Complain(2, "invalid max count")
	}
	names, err := g.patterns(o.Rest)
	if err != nil {
		return c.Complain(2, "%v", err)
	}
	return g.run(names)
}

type grep struct {
	c       *command.Call
	o       command.Options
	res     []regex.Expression
	limit   int
	named   bool // file names are shown
	matched bool
	failed  bool
	out     command.Output
}

// patterns compiles what is to be found and returns the files.
func (g *grep) patterns(rest []string) ([]string, error) {
	texts := g.o.Given["regexp"]
	for _, name := range g.o.Given["file"] {
		b, err := g.c.ReadAll(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %s", name, command.ErrorText(err))
		}
		if len(b) > 0 {
			texts = append(texts, strings.TrimSuffix(string(b), "\n"))
		}
	}
	if !g.o.Has("regexp") && !g.o.Has("file") {
		if len(rest) == 0 {
			return nil, fmt.Errorf("usage: grep [OPTION]... PATTERNS [FILE]... needs a pattern")
		}
		texts, rest = rest[:1], rest[1:]
	}
	for _, text := range texts {
		for pattern := range strings.SplitSeq(text, "\n") {
			re, err := g.compile(pattern)
			if err != nil {
				return nil, err
			}
			g.res = append(g.res, re)
		}
	}
	return rest, nil
}

func (g *grep) compile(pattern string) (regex.Expression, error) {
	flags := ""
	if g.o.Has("ignore-case") || g.o.Has("y") {
		flags = "i"
	}
	extended := g.o.Has("extended-regexp") || g.c.Name == "egrep"
	if g.o.Has("fixed-strings") || g.c.Name == "fgrep" {
		if g.o.Has("line-regexp") && flags == "" {
			return wholeLine(pattern), nil
		}
		pattern, extended = regexp.QuoteMeta(pattern), true
	}
	re, err := regex.Compile(pattern, extended, flags)
	if err != nil || !g.o.Has("line-regexp") && !g.o.Has("word-regexp") {
		return re, err
	}
	if _, ok := re.(*regex.Backtracker); ok && !g.o.Has("line-regexp") {
		return nil, errors.New("a back-reference with -w is not supported")
	}
	text := "^(?:" + re.String() + ")$"
	if !g.o.Has("line-regexp") {
		text = `(?:^|[^0-9A-Za-z_])(` + re.String() + `)(?:$|[^0-9A-Za-z_])`
	}
	return recompiled(re, text)
}

// recompiled compiles text as what re is.
func recompiled(re regex.Expression, text string) (regex.Expression, error) {
	if _, ok := re.(*regex.Backtracker); ok {
		return regex.NewBacktracker(text)
	}
	again, err := regexp.Compile(text)
	if err != nil {
		return nil, err
	}
	again.Longest()
	return again, nil
}

func (g *grep) run(names []string) (int, error) {
	recursive := g.o.Has("recursive") || g.o.Has("dereference-recursive")
	if recursive {
		names = g.expand(names)
	}
	g.named = (len(names) > 1 || recursive || g.o.Has("with-filename")) && !g.o.Has("no-filename")
	if len(names) == 0 && !recursive {
		names = []string{"-"}
	}
	for _, name := range names {
		if g.o.Has("quiet") && g.matched {
			break
		}
		if !recursive && name != "-" && g.c.IsDirectory(name) {
			if !g.o.Has("no-messages") {
				_, _ = g.c.Complain(2, "%s: Is a directory", name)
			}
			continue
		}
		if err := g.file(name); err != nil {
			g.failed = true
			if !g.o.Has("no-messages") {
				_, _ = g.c.Failed(2, name, err)
			}
		}
	}
	if slices.ContainsFunc(g.res, regex.Exhausted) {
		return 0, g.c.Unhonoured("its back-references take too long")
	}
	status := 1
	if g.matched {
		status = 0
	}
	if g.failed && !(g.matched && g.o.Has("quiet")) {
		status = 2
	}
	if g.o.Has("quiet") {
		return status, nil
	}
	if _, err := io.WriteString(g.c.Stdout, g.out.String()); err != nil {
		return 2, nil
	}
	return status, nil
}
