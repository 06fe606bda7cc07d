package regex

// ClassMembers returns the bytes of a class of the C locale.
func ClassMembers(name string) []byte {
	is := map[string]func(byte) bool{
		"alpha":  isAlpha,
		"digit":  IsDigit,
		"alnum":  func(b byte) bool { return isAlpha(b) || IsDigit(b) },
		"upper":  func(b byte) bool { return 'A' <= b && b <= 'Z' },
		"lower":  func(b byte) bool { return 'a' <= b && b <= 'z' },
		"space":  func(b byte) bool { return b == ' ' || '\t' <= b && b <= '\r' },
		"blank":  func(b byte) bool { return b == ' ' || b == '\t' },
		"punct":  func(b byte) bool { return b > ' ' && b < 127 && !isAlpha(b) && !IsDigit(b) },
		"print":  func(b byte) bool { return b >= ' ' && b < 127 },
		"graph":  func(b byte) bool { return b > ' ' && b < 127 },
		"cntrl":  func(b byte) bool { return b < ' ' || b == 127 },
		"xdigit": func(b byte) bool { return IsDigit(b) || 'a' <= b|32 && b|32 <= 'f' },
	}[name]
	if is == nil {
		return nil
	}
	var members []byte
	for b := range 256 {
		if is(byte(b)) {
			members = append(members, byte(b))
		}
	}
	return members
}

func isAlpha(b byte) bool { return 'a' <= b|32 && b|32 <= 'z' }

// IsDigit reports whether b is a digit, in any locale.
func IsDigit(b byte) bool { return '0' <= b && b <= '9' }
