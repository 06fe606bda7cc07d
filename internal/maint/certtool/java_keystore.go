package certtool

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"unicode/utf16"

	"kiln"
)

// keystore is a Java key store of trusted certificates in the format "JKS",
// version 2, as sun.security.provider.JavaKeyStore reads and writes it. Its
// entries keep the order of a java.util.Hashtable, because that is the order of
// the file.
type keystore struct{ table hashtable }

// trusted is one certificate.
type trusted struct {
	alias string
	made  int64 // milliseconds since 1970
	der   []byte
}

const (
	jksMagic   = 0xfeedfeed
	jksVersion = 2
	jksTrusted = 2 // the tag of a certificate
	jksSalt    = "Mighty Aphrodite"
)

// write returns the file.
func (k *keystore) write(password string) []byte {
	entries := k.table.entries()
	b := binary.BigEndian.AppendUint32(nil, jksMagic)
	b = binary.BigEndian.AppendUint32(b, jksVersion)
	b = binary.BigEndian.AppendUint32(b, uint32(len(entries)))
	for _, e := range entries {
		b = binary.BigEndian.AppendUint32(b, jksTrusted)
		b = appendUTF(b, e.alias)
		b = binary.BigEndian.AppendUint64(b, uint64(e.made))
		b = appendUTF(b, "X.509")
		b = binary.BigEndian.AppendUint32(b, uint32(len(e.der)))
		b = append(b, e.der...)
	}
	sum := jksDigest(password, b)
	return append(b, sum[:]...)
}

// jksDigest is the keyed sum at a store's end.
func jksDigest(password string, data []byte) [sha1.Size]byte {
	var all []byte
	for _, u := range utf16.Encode([]rune(password)) {
		all = binary.BigEndian.AppendUint16(all, u)
	}
	all = append(all, jksSalt...)
	return sha1.Sum(append(all, data...))
}

// appendUTF writes a string as DataOutput.writeUTF does, for texts without NUL and
// characters beyond the basic plane.
func appendUTF(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

var errKeystore = errors.New("it is no JKS key store of certificates")

// readKeystore is the inverse of write.
func readKeystore(file []byte, password string) (*keystore, error) {
	if len(file) < 12+sha1.Size {
		return nil, errKeystore
	}
	data := file[:len(file)-sha1.Size]
	if sum := jksDigest(password, data); !bytes.Equal(sum[:], file[len(data):]) {
		return nil, errors.New("the password or the sum of the key store is wrong")
	}
	r := jksReader{data: data}
	if r.uint32() != jksMagic || r.uint32() != jksVersion {
		return nil, errKeystore
	}
	k := &keystore{}
	for range r.uint32() {
		if r.uint32() != jksTrusted || r.bad {
			return nil, errKeystore
		}
		e := trusted{alias: r.utf()}
		e.made = int64(r.uint32())<<32 | int64(r.uint32())
		_ = r.utf() // "X.509"
		e.der = r.take(int(r.uint32()))
		k.table.put(e)
	}
	if r.bad || len(r.data) > 0 {
		return nil, errKeystore
	}
	return k, nil
}

type jksReader struct {
	data []byte
	bad  bool
}

func (r *jksReader) take(n int) []byte {
	if n < 0 || n > len(r.data) {
		r.bad = true
		return nil
	}
	b := r.data[:n]
	r.data = r.data[n:]
	return b
}

func (r *jksReader) uint32() uint32 {
	if b := r.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *jksReader) utf() string {
	n := r.take(2)
	if n == nil {
		return ""
	}
	return string(r.take(int(binary.BigEndian.Uint16(n))))
}

// add puts a certificate into the store, dated as the image.
func (k *keystore) add(alias string, der []byte, now kiln.Epoch) {
	k.table.put(trusted{alias, int64(now) * 1000, der})
}

// hashtable is java.util.Hashtable, for the order in which it lists its keys.
type hashtable struct {
	buckets [][]trusted // the newest of a bucket first
	count   int
}

func javaHash(s string) uint32 {
	h := uint32(0)
	for _, u := range utf16.Encode([]rune(s)) {
		h = 31*h + uint32(u)
	}
	return h & 0x7fffffff
}

func (t *hashtable) at(alias string) int { return int(javaHash(alias)) % len(t.buckets) }

func (t *hashtable) put(e trusted) {
	if t.buckets == nil {
		t.buckets = make([][]trusted, 11)
	}
	for i, old := range t.buckets[t.at(e.alias)] {
		if old.alias == e.alias {
			t.buckets[t.at(e.alias)][i] = e
			return
		}
	}
	if t.count >= len(t.buckets)*3/4 {
		t.grow()
	}
	i := t.at(e.alias)
	t.buckets[i] = append([]trusted{e}, t.buckets[i]...)
	t.count++
}

func (t *hashtable) grow() {
	old := t.buckets
	t.buckets = make([][]trusted, 2*len(old)+1)
	for i := len(old) - 1; i >= 0; i-- {
		for _, e := range old[i] {
			at := t.at(e.alias)
			t.buckets[at] = append([]trusted{e}, t.buckets[at]...)
		}
	}
}

func (t *hashtable) remove(alias string) bool {
	if t.buckets == nil {
		return false
	}
	b := t.buckets[t.at(alias)]
	for i := range b {
		if b[i].alias == alias {
			t.buckets[t.at(alias)] = append(b[:i:i], b[i+1:]...)
			t.count--
			return true
		}
	}
	return false
}

// entries lists from the last bucket to the first, as Hashtable's keys do.
func (t *hashtable) entries() []trusted {
	var all []trusted
	for i := len(t.buckets) - 1; i >= 0; i-- {
		all = append(all, t.buckets[i]...)
	}
	return all
}
