package shell

import (
	"fmt"
	"strings"
)

// getopts is where getopts stands within a word.
type getopts struct {
	word int // that is read, from 1
	at   int // place in it
}

// getopts is getopts.
func (p *process) getopts(args []string, _ bool) int {
	if len(args) < 3 {
		return p.wrong(false, "Usage: getopts optstring var [arg]")
	}
	spec, name, words := args[1], args[2], p.params
	if len(args) > 3 {
		words = args[3:]
	}
	if n, ok := p.number(p.vars["OPTIND"].String()); !ok || n != p.opt.word {
		p.opt = getopts{word: max(n, 1)}
	}
	option, value, ok := p.opt.next(spec, words)
	p.set("OPTIND", fmt.Sprint(p.opt.word))
	if !ok {
		p.set(name, "?")
		return 1
	}
	silent := strings.HasPrefix(spec, ":")
	p.unset("OPTARG")
	switch {
	case value.missing && silent:
		p.set("OPTARG", option)
		option = ":"
	case value.missing:
		p.complain("No arg for -%s option", option)
		option = "?"
	case value.unknown && silent:
		p.set("OPTARG", option)
		option = "?"
	case value.unknown:
		p.complain("Illegal option -%s", option)
		option = "?"
	case value.has:
		p.set("OPTARG", value.text)
	}
	p.set(name, option)
	return 0
}

// optionValue is what getopts found with an option.
type optionValue struct {
	text                  string
	has, missing, unknown bool
}

// next takes the next option letter of words.
func (g *getopts) next(spec string, words []string) (string, optionValue, bool) {
	if g.word > len(words) {
		return "", optionValue{}, false
	}
	w := words[g.word-1]
	if g.at == 0 {
		if len(w) < 2 || w[0] != '-' {
			return "", optionValue{}, false
		}
		if w == "--" {
			g.word++
			return "", optionValue{}, false
		}
		g.at = 1
	}
	c := w[g.at : g.at+1]
	g.at++
	i := strings.Index(spec, c)
	takes := i >= 0 && i+1 < len(spec) && spec[i+1] == ':'
	rest := w[g.at:]
	if rest == "" || takes {
		g.word, g.at = g.word+1, 0
	}
	switch {
	case i < 0 || c == ":":
		return c, optionValue{unknown: true}, true
	case !takes:
		return c, optionValue{}, true
	case rest != "":
		return c, optionValue{text: rest, has: true}, true
	case g.word <= len(words):
		g.word++
		return c, optionValue{text: words[g.word-2], has: true}, true
	}
	return c, optionValue{missing: true}, true
}
