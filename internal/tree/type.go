package tree

import "fmt"

// types lists every Type with its name for people.
const types = "fdlcbp"

// String returns the type's letter.
func (t Type) String() string { return string(rune(t)) }

// Name returns what people call the type, with its article.
func (t Type) Name() string {
	switch t {
	case File:
		return "a file"
	case Dir:
		return "a directory"
	case Symlink:
		return "a symbolic link"
	case CharDev:
		return "a character device"
	case BlockDev:
		return "a block device"
	case Fifo:
		return "a named pipe"
	}
	return fmt.Sprintf("of unknown type %q", byte(t))
}

// MarshalText makes a Type its letter in JSON.
func (t Type) MarshalText() ([]byte, error) { return []byte{byte(t)}, nil }

// UnmarshalText is the inverse of MarshalText.
func (t *Type) UnmarshalText(b []byte) error {
	for i := range len(types) {
		if string(b) == types[i:i+1] {
			*t = Type(b[0])
			return nil
		}
	}
	return fmt.Errorf("unknown type of entry: %q (want one of %q)", b, types)
}
