package drills_test

import (
	"encoding/binary"
	"errors"
)

// javaStore is the store of trusted certificates that ca-certificates-java makes.
const javaStore = "etc/ssl/certs/java/cacerts"

// undatedStore returns a Java key store (format "JKS", version 2, certificates
// only) without the times of its entries and the sum at its end.
func undatedStore(data []byte) ([]byte, error) {
	const head, sum = 12, 20
	bad := errors.New("it is no key store of certificates")
	if len(data) < head+sum {
		return nil, bad
	}
	count, rest := binary.BigEndian.Uint32(data[8:]), data[head:len(data)-sum]
	kept := append([]byte(nil), data[:head]...)
	keep := func(size int) bool { // a field, behind its length of size bytes
		if len(rest) < size {
			return false
		}
		length := size
		for i, b := range rest[:size] {
			length += int(b) << (8 * (size - 1 - i))
		}
		if length > len(rest) {
			return false
		}
		kept, rest = append(kept, rest[:length]...), rest[length:]
		return true
	}
	for range count {
		tagged := len(rest) >= 4
		if tagged {
			kept, rest = append(kept, rest[:4]...), rest[4:]
		}
		if !tagged || !keep(2) || len(rest) < 8 {
			return nil, bad
		}
		rest = rest[8:] // the time
		if !keep(2) || !keep(4) {
			return nil, bad
		}
	}
	if len(rest) > 0 {
		return nil, bad
	}
	return kept, nil
}
