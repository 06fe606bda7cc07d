package shell

import (
	"strings"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"
)

type parsed struct {
	file *syntax.File
	err  error
}

// parse reads shell text. What dash's grammar allows beyond POSIX, such as a
// function named with a hyphen, the parser takes only as bash.
func (p *process) parse(text, name string) (*syntax.File, error) {
	key := name + "\x00" + text
	if p.bash {
		key = "bash\x00" + key
	}
	if got, ok := p.job.parsed[key]; ok {
		return got.file, got.err
	}
	file, err := parse(text, name, p.bash)
	p.job.parsed[key] = parsed{file, err}
	return file, err
}

func parse(text, name string, bash bool) (*syntax.File, error) {
	text = hideBytes(text)
	if bash {
		return syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), name)
	}
	file, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(text), name)
	if err != nil {
		var second error
		if file, second = syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), name); second != nil {
			return nil, err
		}
	}
	return file, nil
}

// The parser takes UTF-8 only, and old scripts have Latin-1. So a byte that is none
// goes through it as a character that Unicode leaves to private use, and comes back
// when words are expanded.
const private = 0xF700

// hideBytes makes text valid UTF-8. What showBytes makes of that is text.
func hideBytes(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for i, r := range text {
		if _, size := utf8.DecodeRuneInString(text[i:]); r == utf8.RuneError && size == 1 {
			r = private + rune(text[i])
		}
		b.WriteRune(r)
	}
	return b.String()
}

// showBytes is the inverse of hideBytes.
func showBytes(text string) string {
	if !strings.ContainsFunc(text, isHidden) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if isHidden(r) {
			b.WriteByte(byte(r - private))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func isHidden(r rune) bool { return private <= r && r <= private+0xFF }
