package deb

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"kiln"
)

// Archive is an open .deb of format 2 (deb(5)).
type Archive struct {
	r       io.ReaderAt
	binary  member
	control member
	data    member
}

// Open reads the outline of a .deb of so many bytes. As dpkg demands,
// debian-binary comes first and says 2.x, then control.tar and data.tar, each
// in a known compression; members whose name starts with "_" may stand between
// and others behind. The contents are not looked at yet. A file cut short gives
// ErrTruncated.
func Open(r io.ReaderAt, size int64) (*Archive, error) {
	a := &Archive{r: r}
	members, err := readMembers(r, size)
	if err == nil {
		err = a.arrange(members)
	}
	if err == nil {
		err = a.checkFormat()
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the .deb: %w", err)
	}
	return a, nil
}

// BuiltAt returns the time stamp of the package file itself, as the ar header of
// its first member gives it: when it was built, or SOURCE_DATE_EPOCH.
func (a *Archive) BuiltAt() kiln.Epoch { return a.binary.time }

// arrange finds the three members that matter. A second control.tar or data.tar,
// which tools could take for the first, is refused wherever it stands.
func (a *Archive) arrange(members []member) error {
	if len(members) == 0 {
		return fmt.Errorf("%w: it has no members", ErrTruncated)
	}
	if members[0].name != "debian-binary" {
		return errors.New("its first member is not debian-binary")
	}
	a.binary = members[0]
	var control, data bool
	for _, m := range members[1:] {
		isControl, isData := isArchiveMember(m.name, "control.tar"), isArchiveMember(m.name, "data.tar")
		switch {
		case isControl && (control || data), isData && data, m.name == "debian-binary":
			return fmt.Errorf("the member %q stands in the wrong place or is one too many", m.name)
		case isControl:
			a.control, control = m, true
		case isData && !control:
			return fmt.Errorf("the member %q comes before control.tar", m.name)
		case isData:
			a.data, data = m, true
		case !data && !strings.HasPrefix(m.name, "_"):
			return fmt.Errorf("unknown member %q before data.tar", m.name)
		}
	}
	if !control || !data {
		return fmt.Errorf("%w: it has no member %s", ErrTruncated, missing(control))
	}
	return nil
}

func missing(control bool) string {
	if control {
		return "data.tar"
	}
	return "control.tar"
}

func isArchiveMember(name, base string) bool {
	return name == base || strings.HasPrefix(name, base+".")
}

// checkFormat reads debian-binary: "2.MINOR" and a line feed; more lines may follow.
func (a *Archive) checkFormat() error {
	content := make([]byte, min(a.binary.size, 64))
	if err := readFull(a.r, content, a.binary.offset); err != nil {
		return err
	}
	line, _, ended := strings.Cut(string(content), "\n")
	minor, isTwo := strings.CutPrefix(line, "2.")
	if !ended || !isTwo || minor == "" || !allDigits(minor) {
		return fmt.Errorf("its format version is %q, not 2.x", excerpt(line))
	}
	return nil
}

// Data returns the data archive, a decompressed tar stream. Who reads it must
// read to io.EOF, behind tar's own end too: it comes only if the whole member
// was there and its checksums are right. The other errors are ErrTruncated,
// ErrBomb where the stream passes limit, or damage. The caller closes it.
func (a *Archive) Data(limit Limits) (io.ReadCloser, error) {
	return a.open(a.data, "data.tar", limit)
}

func (a *Archive) open(m member, base string, limit Limits) (io.ReadCloser, error) {
	r, err := decompress(io.NewSectionReader(a.r, m.offset, m.size), strings.TrimPrefix(m.name, base), limit)
	if err != nil {
		return nil, fmt.Errorf("cannot read the member %q: %w", m.name, err)
	}
	r.member = m.name
	return r, nil
}
