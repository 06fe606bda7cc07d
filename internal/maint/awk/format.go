package awk

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// directive is one conversion of a format: flags, width, precision and verb.
type directive struct {
	minus, plus, space, zero, sharp bool
	width                           int
	precision                       int // -1 where none is given
	verb                            byte
}

// textOf is a value as a string; format is CONVFMT or OFMT.
func (in *interpreter) textOf(v value, format string) string {
	if v.kind != isNumber {
		return v.str
	}
	if s, ok := wholeText(v.num); ok {
		in.reserve(len(s))
		return s
	}
	if s, ok := notFinite(v.num); ok {
		return s
	}
	if format == "%.6g" {
		in.reserve(16)
		return strconv.FormatFloat(v.num, 'g', 6, 64)
	}
	return in.sprintf(format, []value{v})
}

// text is a value as a string.
func (in *interpreter) text(v value) string {
	if v.kind != isNumber {
		return v.str
	}
	return in.textOf(v, in.convfmt)
}

// sprintf formats as printf does.
func (in *interpreter) sprintf(format string, args []value) string {
	var b strings.Builder
	before := in.fresh
	in.spend(len(format))
	used := 0
	for i := 0; i < len(format); {
		if format[i] != '%' {
			n := strings.IndexByte(format[i:], '%')
			if n < 0 {
				n = len(format) - i
			}
			in.reserve(n)
			b.WriteString(format[i : i+n])
			i += n
			continue
		}
		if strings.HasPrefix(format[i:], "%%") {
			b.WriteByte('%')
			i += 2
			continue
		}
		take := func() value {
			if used >= len(args) {
				in.fail("not enough arguments passed to printf(%q)", clip(format))
			}
			used++
			return args[used-1]
		}
		d, n := in.directive(format[i+1:], take)
		if strings.IndexByte("diouxXcseEfFgG", d.verb) < 0 {
			in.fail("improper conversion(number %d) in printf(%q)", used+1, clip(format))
		}
		i += 1 + n
		b.WriteString(in.convert(d, take()))
	}
	in.fresh = before
	in.reserve(b.Len())
	return b.String()
}

// directive reads what follows a %, and how long that is.
func (in *interpreter) directive(s string, take func() value) (directive, int) {
	d := directive{precision: -1}
	i := 0
	for ; i < len(s); i++ {
		flag := map[byte]*bool{'-': &d.minus, '+': &d.plus, ' ': &d.space, '0': &d.zero, '#': &d.sharp}[s[i]]
		if flag == nil {
			break
		}
		*flag = true
	}
	measure := func() int {
		if i < len(s) && s[i] == '*' {
			i++
			return integer(in.float(take()))
		}
		n := 0
		for ; i < len(s) && isDigit(s[i]); i++ {
			n = min(n*10+int(s[i]-'0'), math.MaxInt32)
		}
		return n
	}
	if d.width = measure(); d.width < 0 {
		d.minus, d.width = true, -d.width
	}
	if i < len(s) && s[i] == '.' {
		i++
		d.precision = measure()
	}
	for i < len(s) && (s[i] == 'l' || s[i] == 'h') {
		i++
	}
	if i < len(s) {
		d.verb = s[i]
		i++
	}
	return d, i
}

// convert is one value, formatted. Width and precision count against the limit before
// anything is made of them.
func (in *interpreter) convert(d directive, v value) string {
	in.reserve(max(0, d.width) + max(0, d.precision))
	switch d.verb {
	case 'c':
		d.zero = false
		s := in.character(v)
		if d.precision == 0 {
			s = ""
		}
		return d.pad("", s)
	case 's':
		s := in.text(v)
		if d.precision >= 0 && d.precision < len(s) {
			s = s[:d.precision]
		}
		in.reserve(len(s))
		d.zero = false
		return d.pad("", s)
	}
	f := in.float(v)
	if s, ok := notFinite(f); ok {
		d.zero = false
		if d.plus && s[0] != '-' {
			s = "+" + s
		}
		return d.pad("", s)
	}
	if strings.IndexByte("diouxX", d.verb) >= 0 {
		return d.integer(f)
	}
	return d.float(f)
}

// character is what %c prints: the byte of a number, or the first of a string.
func (in *interpreter) character(v value) string {
	if f, ok := in.numeric(v); ok && v.kind != unset {
		return string([]byte{byte(int64(min(max(f, math.MinInt64), 1<<62)))})
	}
	if v.str == "" {
		return "\x00"
	}
	return v.str[:1]
}

func (d directive) sign(negative bool) string {
	switch {
	case negative:
		return "-"
	case d.plus:
		return "+"
	case d.space:
		return " "
	}
	return ""
}

// pad brings a sign (or prefix) and digits to the width.
func (d directive) pad(sign, digits string) string {
	missing := d.width - len(sign) - len(digits)
	switch {
	case missing <= 0:
		return sign + digits
	case d.minus:
		return sign + digits + strings.Repeat(" ", missing)
	case d.zero:
		return sign + strings.Repeat("0", missing) + digits
	}
	return strings.Repeat(" ", missing) + sign + digits
}

// integer formats as %d, %i, %o, %x, %X and %u do; a number that no 64 bits hold is
// printed as %g has it.
func (d directive) integer(f float64) string {
	if math.Abs(f) >= 1<<64 {
		d.verb, d.precision = 'g', -1
		return d.float(f)
	}
	f = math.Trunc(f)
	signed := d.verb == 'd' || d.verb == 'i'
	sign := ""
	var n uint64
	switch {
	case signed:
		sign, n = d.sign(f < 0), uint64(math.Abs(f))
	case f < 0:
		n = uint64(int64(max(f, math.MinInt64)))
	default:
		n = uint64(f)
	}
	digits := strconv.FormatUint(n, map[byte]int{'o': 8, 'x': 16, 'X': 16}[d.verb]+10*btoi(strings.IndexByte("diu", d.verb) >= 0))
	if d.verb == 'X' {
		digits = strings.ToUpper(digits)
	}
	if d.precision >= 0 {
		d.zero = false
		if n == 0 && d.precision == 0 {
			digits = ""
		}
		digits = strings.Repeat("0", max(0, d.precision-len(digits))) + digits
	}
	switch {
	case d.sharp && d.verb == 'o':
		digits = "0" + strings.TrimPrefix(digits, "0")
	case d.sharp && d.verb|32 == 'x' && n != 0:
		sign = "0" + string(rune(d.verb))
	}
	return d.pad(sign, digits)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// float formats as %e, %f, %g and their like do.
func (d directive) float(f float64) string {
	precision := d.precision
	verb := d.verb
	switch {
	case precision < 0:
		precision = 6
	case precision == 0 && verb|32 == 'g':
		precision = 1
	}
	if verb == 'F' {
		verb = 'f'
	}
	var digits string
	if d.sharp {
		digits = fmt.Sprintf(fmt.Sprintf("%%#.%d%c", min(precision, 1000), verb), math.Abs(f))
	} else {
		digits = strconv.FormatFloat(math.Abs(f), verb, precision, 64)
	}
	return d.pad(d.sign(math.Signbit(f)), digits)
}

// clip is the beginning of a text, for a message.
func clip(s string) string {
	if len(s) > 200 {
		return s[:200] + "..."
	}
	return s
}
