package lock

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"kiln"
)

// FileName is the name of a lock beside its recipe.
const FileName = "kiln.lock"

// maxSize bounds what is read: some hundred times the lock of a whole desktop.
const maxSize = 64 << 20

// Parse reads a lock; name is what messages call the file. Every error is a
// *kiln.Error with a hint.
func Parse(name string, src []byte) (*Lock, error) {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	if line := conflict(src); line > 0 {
		return nil, bad(name, fmt.Errorf("line %d is the mark of a merge conflict", line),
			"take one side (git checkout --theirs "+name+") and bring it up to date: kiln lock")
	}
	l, err := decode(src)
	switch {
	case errors.As(err, new(newerError)):
		return nil, bad(name, err, "upgrade kiln")
	case errors.As(err, new(*ChangedError)):
		return nil, bad(name, err, "restore the file from version control: git checkout "+name,
			"or resolve again, with what it says as preference, and see what that changes: kiln lock")
	case err != nil:
		return nil, bad(name, err, remake)
	}
	return l, nil
}

const remake = "restore the file from version control, or delete it and make a new one: kiln lock"

func bad(name string, err error, hints ...string) error {
	return &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot use the lock %q: %v", name, err), Hints: hints, Err: err}
}

// ChangedError is the error of a lock that is whole, and not what kiln wrote.
type ChangedError struct {
	Lock *Lock       // what it says, for whoever resolves again
	Got  kiln.Digest // what its digest is
}

func (e *ChangedError) Error() string {
	return fmt.Sprintf("something in it was changed since kiln wrote it: its digest is %s, and it says %s", e.Got, e.Lock.Digest)
}

// conflict returns the line of the first mark of a merge conflict, or 0.
func conflict(src []byte) int {
	line := 0
	for l := range bytes.Lines(src) {
		line++
		for _, mark := range []string{"<<<<<<< ", ">>>>>>> ", "||||||| "} {
			if bytes.HasPrefix(l, []byte(mark)) {
				return line
			}
		}
	}
	return 0
}

// newerError is a lock that this kiln is too old for.
type newerError struct{ format int }

func (e newerError) Error() string {
	return fmt.Sprintf("it has format %d, and this kiln knows formats up to %d", e.format, Format)
}

func decode(src []byte) (*Lock, error) {
	switch {
	case len(bytes.TrimSpace(src)) == 0:
		return nil, errors.New("the file is empty")
	case len(src) > maxSize:
		return nil, fmt.Errorf("the file is larger than %d bytes", maxSize)
	}
	dec := json.NewDecoder(bytes.NewReader(src))
	dec.DisallowUnknownFields()
	var l Lock
	if err := dec.Decode(&l); err != nil {
		return nil, cmp.Or(readable(src), placed(src, err))
	}
	if err := l.check(); err != nil || l.Format != Format {
		return nil, cmp.Or(readable(src), err)
	}
	text := l.canonical().text()
	if !bytes.Equal(src, text) {
		if err := cmp.Or(readable(src), sameForm(src, text)); err != nil {
			return nil, err
		}
	}
	if l.Digest == "" {
		return &l, nil
	}
	if got := kiln.DigestOf(bytes.Replace(text, digestLine(l.Digest), nil, 1)); got != l.Digest {
		return nil, &ChangedError{Lock: &l, Got: got}
	}
	return &l, nil
}

// readable finds what hinders reading a document whatever it says: no JSON, or of another format.
func readable(src []byte) error {
	var head struct {
		Format *int `json:"format"`
	}
	if err := json.Unmarshal(src, &head); err != nil {
		return placed(src, err)
	}
	switch {
	case head.Format == nil || *head.Format < 1:
		return errors.New("it names no format")
	case *head.Format > Format:
		return newerError{*head.Format}
	}
	return nil
}

// placed gives an error of the JSON decoder the line where it arose.
func placed(src []byte, err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	text := strings.TrimPrefix(err.Error(), "json: ")
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("line %d: not valid JSON: %s", lineOf(src, syntax.Offset), text)
	case errors.As(err, &kind):
		return fmt.Errorf("line %d: %q cannot be a JSON %s", lineOf(src, kind.Offset), kind.Field, kind.Value)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the file is cut off")
	}
	return errors.New(text)
}

func lineOf(src []byte, offset int64) int {
	return 1 + bytes.Count(src[:min(max(offset, 0), int64(len(src)))], []byte("\n"))
}

// sameForm tells whether src is the given form but for white space.
func sameForm(src, form []byte) error {
	var a, b bytes.Buffer
	if err := errors.Join(json.Compact(&a, src), json.Compact(&b, form)); err != nil {
		return err
	}
	x, y := a.Bytes(), b.Bytes()
	if bytes.Equal(x, y) {
		return nil
	}
	i := 0
	for i < len(x) && i < len(y) && x[i] == y[i] {
		i++
	}
	return fmt.Errorf("it is not as kiln writes it: it has %q where kiln writes %q", excerpt(x, i), excerpt(y, i))
}

// excerpt shows the text around a place.
func excerpt(b []byte, i int) string {
	return strings.ToValidUTF8(string(b[max(i-20, 0):min(i+20, len(b))]), "?")
}
