package awk

import (
	"fmt"
	"strconv"
	"strings"
)

// kind of a token. Operators and keywords are their own text.
type kind string

const (
	tokenEnd     kind = "end of program"
	tokenNewline kind = "newline"
	tokenNumber  kind = "number"
	tokenString  kind = "string"
	tokenName    kind = "name"
	tokenCall    kind = "name(" // a name with a parenthesis right behind it
	tokenBuiltin kind = "builtin"
)

type token struct {
	kind kind
	text string // of a name, builtin or string
	num  float64
	line int
}

func (t token) String() string {
	if t.text != "" {
		return t.text
	}
	return string(t.kind)
}

// lexer cuts a program into tokens. Whether a slash divides or begins a regular
// expression only the parser knows: it asks for regex.
type lexer struct {
	in   string
	at   int
	line int
}

var keywords = map[string]bool{
	"BEGIN": true, "END": true, "function": true, "func": true, "if": true, "else": true, "while": true, "for": true, "do": true, "break": true,
	"continue": true, "next": true, "nextfile": true, "exit": true, "return": true, "delete": true, "in": true, "getline": true, "print": true, "printf": true,
}

// operators, longest first.
var operators = []string{
	"&&", "||", "++", "--", "+=", "-=", "*=", "/=", "%=", "^=", "==", "<=", ">=", "!=", "!~", ">>",
	"{", "}", "(", ")", "[", "]", ";", ",", "+", "-", "*", "/", "%", "^", "!", ">", "<", "|", "?", ":", "~", "$", "=",
}

func (l *lexer) fail(format string, args ...any) error {
	return &SyntaxError{Line: l.line, Text: fmt.Sprintf(format, args...)}
}

// blank passes over blanks, comments and continued lines.
func (l *lexer) blank() {
	for l.at < len(l.in) {
		switch rest := l.in[l.at:]; {
		case strings.IndexByte(" \t\r\f\v", rest[0]) >= 0:
			l.at++
		case rest[0] == '#':
			i := strings.IndexByte(rest, '\n')
			if i < 0 {
				i = len(rest)
			}
			l.at += i
		case strings.HasPrefix(rest, "\\\n"):
			l.at += 2
			l.line++
		case strings.HasPrefix(rest, "\\\r\n"):
			l.at += 3
			l.line++
		default:
			return
		}
	}
}

func (l *lexer) next() (token, error) {
	l.blank()
	if l.at == len(l.in) {
		return token{kind: tokenEnd, line: l.line}, nil
	}
	line, c := l.line, l.in[l.at]
	switch {
	case c == '\n':
		l.at++
		l.line++
		return token{kind: tokenNewline, line: line}, nil
	case c == '"':
		l.at++
		text, err := l.quoted()
		return token{kind: tokenString, text: text, line: line}, err
	case isDigit(c) || c == '.' && l.at+1 < len(l.in) && isDigit(l.in[l.at+1]):
		n := numberLength(l.in[l.at:])
		num := parseNumber(l.in[l.at : l.at+n])
		l.at += n
		return token{kind: tokenNumber, num: num, line: line}, nil
	case isLetter(c):
		return l.word(), nil
	}
	for _, op := range operators {
		if strings.HasPrefix(l.in[l.at:], op) {
			l.at += len(op)
			return token{kind: kind(op), line: line}, nil
		}
	}
	return token{}, l.fail("unexpected character %s", strconv.QuoteToASCII(string(rune(c))))
}

func (l *lexer) word() token {
	start := l.at
	for l.at < len(l.in) && (isLetter(l.in[l.at]) || isDigit(l.in[l.at])) {
		l.at++
	}
	text := l.in[start:l.at]
	if keywords[text] {
		if text == "func" {
			text = "function"
		}
		return token{kind: kind(text), line: l.line}
	}
	t := token{kind: tokenName, text: text, line: l.line}
	if _, ok := builtins[text]; ok {
		t.kind = tokenBuiltin
	} else if l.at < len(l.in) && l.in[l.at] == '(' {
		t.kind = tokenCall
	}
	return t
}

// quoted reads a string whose first quote was read.
func (l *lexer) quoted() (string, error) {
	start := l.at
	for l.at < len(l.in) && l.in[l.at] != '"' {
		switch {
		case l.in[l.at] == '\n':
			return "", l.fail("runaway string constant")
		case l.in[l.at] == '\\' && l.at+1 < len(l.in):
			if l.at++; l.in[l.at] == '\n' {
				l.line++
			}
		}
		l.at++
	}
	if l.at >= len(l.in) {
		return "", l.fail("runaway string constant")
	}
	l.at++
	return unescape(l.in[start : l.at-1]), nil
}

// regex reads a regular expression whose first slash was read.
func (l *lexer) regex() (string, error) {
	var b strings.Builder
	in := -1 // where the open bracket began
	for ; l.at < len(l.in); l.at++ {
		c := l.in[l.at]
		switch {
		case c == '\n':
			return "", l.fail("runaway regular expression /%s", b.String())
		case c == '\\' && l.at+1 < len(l.in) && l.in[l.at+1] != '\n':
			l.at++
			if l.in[l.at] != '/' {
				b.WriteByte('\\')
			}
			b.WriteByte(l.in[l.at])
			continue
		case c == '[' && in < 0:
			in = l.at
			if l.at+1 < len(l.in) && l.in[l.at+1] == '^' {
				in++
			}
		case c == '[' && l.at+1 < len(l.in) && l.in[l.at+1] == ':':
			if n := strings.Index(l.in[l.at:min(l.at+16, len(l.in))], ":]"); n > 0 && !strings.Contains(l.in[l.at:l.at+n], "\n") {
				b.WriteString(l.in[l.at : l.at+n+2])
				l.at += n + 1
				continue
			}
		case c == ']' && in >= 0 && l.at > in+1:
			in = -1
		case c == '/' && in < 0:
			l.at++
			return b.String(), nil
		}
		b.WriteByte(c)
	}
	return "", l.fail("runaway regular expression /%s", b.String())
}

// unescape interprets the escapes of a string as mawk does: what is none keeps its
// backslash.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch c := s[i]; {
		case '0' <= c && c <= '7':
			n := 0
			for j := 0; j < 3 && i < len(s) && '0' <= s[i] && s[i] <= '7'; j++ {
				n = n<<3 | int(s[i]-'0')
				i++
			}
			i--
			b.WriteByte(byte(n))
		case c == 'x' && i+1 < len(s) && isHex(s[i+1]):
			n := 0
			for j := 0; j < 2 && i+1 < len(s) && isHex(s[i+1]); j++ {
				i++
				n = n<<4 | hexValue(s[i])
			}
			b.WriteByte(byte(n))
		case c == '\n': // a continued line
		default:
			if k := strings.IndexByte("abfnrtv\\\"", c); k >= 0 {
				b.WriteByte("\a\b\f\n\r\t\v\\\""[k])
				break
			}
			b.WriteByte('\\')
			b.WriteByte(c)
		}
	}
	return b.String()
}

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|32 && c|32 <= 'f' }

// hexValue is the value of a hexadecimal digit.
func hexValue(c byte) int {
	if isDigit(c) {
		return int(c - '0')
	}
	return int(c|32-'a') + 10
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return c == '_' || 'a' <= c|32 && c|32 <= 'z' }
