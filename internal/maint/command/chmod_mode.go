package command

import (
	"fmt"
	"strconv"
	"strings"
)

// ChangeMode returns what a mode of chmod(1), octal or symbolic, makes of mode. A
// symbolic one without "ugoa" leaves the bits of umask alone.
func ChangeMode(mode uint32, spec string, dir bool, umask uint32) (uint32, error) {
	if spec != "" && strings.Trim(spec, "01234567") == "" {
		n, err := strconv.ParseUint(spec, 8, 16)
		if err != nil || n > 0o7777 {
			return 0, fmt.Errorf("invalid mode: %q", spec)
		}
		if dir && len(spec) < 5 { // GNU: an octal mode keeps a directory's setuid and setgid, unless it has them or five digits
			n |= uint64(mode & 0o6000)
		}
		return uint32(n), nil
	}
	for clause := range strings.SplitSeq(spec, ",") {
		var err error
		if mode, err = changeClause(mode, clause, dir, umask); err != nil {
			return 0, fmt.Errorf("invalid mode: %q", spec)
		}
	}
	return mode, nil
}

var errMode = fmt.Errorf("invalid mode")

// changeClause applies one "who op perms op perms..." of a symbolic mode.
func changeClause(mode uint32, clause string, dir bool, umask uint32) (uint32, error) {
	i := 0
	var who uint32
	for ; i < len(clause) && strings.IndexByte("ugoa", clause[i]) >= 0; i++ {
		who |= map[byte]uint32{'u': 0o4700, 'g': 0o2070, 'o': 0o1007, 'a': 0o7777}[clause[i]]
	}
	if i == len(clause) {
		return 0, errMode
	}
	mask := who
	if who == 0 {
		who, mask = 0o7777, 0o7777&^umask
	}
	for i < len(clause) {
		op := clause[i]
		if strings.IndexByte("+-=", op) < 0 {
			return 0, errMode
		}
		j := i + 1
		for j < len(clause) && strings.IndexByte("+-=", clause[j]) < 0 {
			j++
		}
		bits, err := permBits(clause[i+1:j], mode, dir)
		if err != nil {
			return 0, err
		}
		mode = apply(op, mode, bits&mask, who, dir)
		i = j
	}
	return mode, nil
}

func apply(op byte, mode, bits, who uint32, dir bool) uint32 {
	switch op {
	case '+':
		return mode | bits
	case '-':
		return mode &^ bits
	}
	if dir { // GNU: "=" leaves a directory's setuid and setgid
		who &^= 0o6000
	}
	return mode&^who | bits
}

// permBits reads the permissions of a clause, for everybody.
func permBits(perms string, mode uint32, dir bool) (uint32, error) {
	var bits uint32
	for _, c := range []byte(perms) {
		switch c {
		case 'r':
			bits |= 0o444
		case 'w':
			bits |= 0o222
		case 'x':
			bits |= 0o111
		case 'X':
			if dir || mode&0o111 != 0 {
				bits |= 0o111
			}
		case 's':
			bits |= 0o6000
		case 't':
			bits |= 0o1000
		case 'u', 'g', 'o':
			if len(perms) != 1 {
				return 0, errMode
			}
			bits |= mode >> map[byte]uint32{'u': 6, 'g': 3, 'o': 0}[c] & 7 * 0o111
		default:
			return 0, errMode
		}
	}
	return bits, nil
}
