package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const grepOptions = "extended-regexp,E fixed-strings,F basic-regexp,G perl-regexp,P regexp,e= file,f= ignore-case,i y invert-match,v " +

	"word-regexp,w line-regexp,x count,c files-with-matches,l files-without-match,L max-count,m= only-matching,o quiet,silent,q " +
	"no-messages,s line-number,n with-filename,H no-filename,h text,a recursive,r dereference-recursive,R null-data,z null,Z include= exclude= " +
	"line-buffered byte-offset,b after-context,A= before-context,B= context,C= color= colour="

// Grep is grep(1), egrep and fgrep.
func Grep(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, grepOptions)
	if err != nil {
		return 0, err
	}
	for _, flag := range []string{"perl-regexp", "byte-offset", "null", "include", "exclude", "after-context", "before-context", "context"} {
		if o.has(flag) {
			return 0, unhonoured(c, "the option --%s is not known", flag)
		}
	}
	g := grep{c: c, o: o, limit: -1}
	if g.limit, err = strconv.Atoi(o.value("max-count", "-1")); err != nil {
		return complain(c, 2, "invalid max count")
	}
	names, err := g.patterns(o.rest)
	if err != nil {
		return complain(c, 2, "%v", err)
	}
	return g.run(names)
}

type grep struct {
	c       *Call
	o       options
	res     []expression
	limit   int
	named   bool // file names are shown
	matched bool
	failed  bool
	out     output
}

// patterns compiles what is to be found and returns the files.
func (g *grep) patterns(rest []string) ([]string, error) {
	texts := g.o.given["regexp"]
	for _, name := range g.o.given["file"] {
		b, err := g.c.readAll(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %s", name, errorText(err))
		}
		if len(b) > 0 {
			texts = append(texts, strings.TrimSuffix(string(b), "\n"))
		}
	}
	if !g.o.has("regexp") && !g.o.has("file") {
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

func (g *grep) compile(pattern string) (expression, error) {
	flags := ""
	if g.o.has("ignore-case") || g.o.has("y") {
		flags = "i"
	}
	extended := g.o.has("extended-regexp") || g.c.Name == "egrep"
	if g.o.has("fixed-strings") || g.c.Name == "fgrep" {
		pattern, extended = regexp.QuoteMeta(pattern), true
	}
	re, err := posixRegexp(pattern, extended, flags)
	if err != nil || !g.o.has("line-regexp") && !g.o.has("word-regexp") {
		return re, err
	}
	if _, ok := re.(*backtracker); ok && !g.o.has("line-regexp") {
		return nil, errors.New("a back-reference with -w is not supported")
	}
	text := "^(?:" + re.String() + ")$"
	if !g.o.has("line-regexp") {
		text = `(?:^|[^0-9A-Za-z_])(` + re.String() + `)(?:$|[^0-9A-Za-z_])`
	}
	return recompiled(re, text)
}

// recompiled compiles text as what re is.
func recompiled(re expression, text string) (expression, error) {
	if _, ok := re.(*backtracker); ok {
		return newBacktracker(text)
	}
	again, err := regexp.Compile(text)
	if err != nil {
		return nil, err
	}
	again.Longest()
	return again, nil
}

func (g *grep) run(names []string) (int, error) {
	recursive := g.o.has("recursive") || g.o.has("dereference-recursive")
	if recursive {
		names = g.expand(names)
	}
	g.named = (len(names) > 1 || recursive || g.o.has("with-filename")) && !g.o.has("no-filename")
	if len(names) == 0 && !recursive {
		names = []string{"-"}
	}
	for _, name := range names {
		if g.o.has("quiet") && g.matched {
			break
		}
		if !recursive && name != "-" && g.c.isDirectory(name) {
			if !g.o.has("no-messages") {
				_, _ = complain(g.c, 2, "%s: Is a directory", name)
			}
			continue
		}
		if err := g.file(name); err != nil {
			g.failed = true
			if !g.o.has("no-messages") {
				_, _ = g.c.failed(2, name, err)
			}
		}
	}
	if slices.ContainsFunc(g.res, exhausted) {
		return 0, unhonoured(g.c, "its back-references take too long")
	}
	status := 1
	if g.matched {
		status = 0
	}
	if g.failed && !(g.matched && g.o.has("quiet")) {
		status = 2
	}
	if g.o.has("quiet") {
		return status, nil
	}
	if _, err := io.WriteString(g.c.Stdout, g.out.String()); err != nil {
		return 2, nil
	}
	return status, nil
}
