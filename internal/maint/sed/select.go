package sed

import "kiln/internal/maint/regex"

// selects reports whether the command's addresses select the line.
func (s *sed) selects(c *sedCommand) bool {
	switch len(c.addresses) {
	case 0:
		return true
	case 1:
		return s.at(c.addresses[0])
	}
	first, second := c.addresses[0], c.addresses[1]
	if c.active {
		return s.inRange(c, second)
	}
	if !s.at(first) {
		return false
	}
	c.active, c.until = true, 0
	switch second.kind {
	case 'n':
		c.until = second.line
	case '+':
		c.until = s.line + second.line
	case 'm':
		c.until = s.line
		if second.line > 0 {
			c.until = (s.line + second.line - 1) / second.line * second.line
		}
	}
	if second.kind == '$' {
		c.active = !s.in.last()
	} else if second.kind != '/' && c.until <= s.line {
		c.active = false
	}
	return true
}

// inRange decides about a line of a range that is on.
func (s *sed) inRange(c *sedCommand, second sedAddress) bool {
	switch second.kind {
	case '/', '~':
		c.active = !s.at(second)
	case '$':
		c.active = !s.in.last()
	default:
		if s.line > c.until && second.kind == 'n' { // it ended on a line that a command took
			c.active = false
			return s.at(c.addresses[0])
		}
		c.active = s.line < c.until
	}
	return true
}

func (s *sed) at(a sedAddress) bool {
	switch a.kind {
	case 'n':
		return s.line == a.line
	case '$':
		return s.in.last()
	case '~':
		if a.step == 0 {
			return s.line == a.line
		}
		return s.line >= a.line && (s.line-a.line)%a.step == 0
	}
	re := s.expression(a.regexp)
	return re != nil && re.MatchString(s.space)
}

// expression returns re, or the last one used in its place.
func (s *sed) expression(re regex.Expression) regex.Expression {
	if re != nil {
		s.last = re
	}
	return s.last
}
