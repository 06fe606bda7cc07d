package apt

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"kiln"
	"kiln/internal/deb"
)

// Release is a Release file whose signatures and validity were judged.
type Release struct {
	Digest    kiln.Digest // of the signed text as served: InRelease, or Release
	Signature kiln.Digest // of Release.gpg, where the signature is detached

	Origin, Label, Suite, Codename, Version string

	Date          time.Time
	ValidUntil    time.Time // zero: it does not expire
	Architectures []string
	Components    []string
	ByHash        bool

	Signers []Key    // whose signature is good, in the file's order
	Ignored []string // why each of the other signatures does not count

	notAutomatic, butAutomaticUpgrade string // what apt makes a lower default priority of

	noAll   bool // binary-all/Packages is not for clients: every architecture's index has those packages too
	entries map[string]entry
}

// entry is one line of the SHA256 section.
type entry struct {
	digest kiln.Digest
	size   int64
}

// Lists tells whether the Release vouches for an index: its path, size and digest.
func (rel *Release) Lists(ix Index) bool {
	e, ok := rel.entries[ix.Path]
	return ok && e == entry{ix.Digest, ix.Size}
}

// errWeak says that a Release names nothing by a strong hash.
var errWeak = errors.New("it names its indexes by weak hashes alone, none by SHA-256")

// parseRelease reads the text of a Release, which must be one paragraph.
func parseRelease(text []byte) (*Release, error) {
	r := deb.NewTextReader(text)
	p, err := r.Next()
	if err == io.EOF {
		return nil, errors.New("it is empty")
	}
	if err != nil {
		return nil, err
	}
	if _, err := r.Next(); err != io.EOF {
		return nil, errors.New("it has more than one paragraph")
	}
	rel := &Release{
		Origin:        p.Get("Origin"),
		Label:         p.Get("Label"),
		Suite:         p.Get("Suite"),
		Codename:      p.Get("Codename"),
		Version:       p.Get("Version"),
		Architectures: strings.Fields(p.Get("Architectures")),
		Components:    strings.Fields(p.Get("Components")),
		ByHash:        p.Get("Acquire-By-Hash") == "yes",

		notAutomatic:        p.Get("NotAutomatic"),
		butAutomaticUpgrade: p.Get("ButAutomaticUpgrades"),

		noAll: strings.Contains(p.Get("No-Support-for-Architecture-all"), "Packages"),
	}
	if err := rel.readDates(p); err != nil {
		return nil, err
	}
	rel.entries, err = readEntries(p)
	return rel, err
}

func (rel *Release) readDates(p *deb.Paragraph) (err error) {
	if rel.Date, err = parseDate(p.Get("Date")); err != nil {
		return fmt.Errorf("its Date %w", err)
	}
	if v, ok := p.Lookup("Valid-Until"); ok {
		if rel.ValidUntil, err = parseDate(v); err != nil {
			return fmt.Errorf("its Valid-Until %w", err)
		}
	}
	return nil
}

// parseDate reads the format of "date -R -u", as the repository format asks, and
// the blanks in place of leading zeros that older tools write.
func parseDate(s string) (time.Time, error) {
	f := strings.Fields(s)
	if len(f) != 6 {
		return time.Time{}, fmt.Errorf("is %q, which is not a date", printable(s))
	}
	switch f[5] {
	case "UTC", "GMT", "Z", "+0000":
	default:
		return time.Time{}, fmt.Errorf("is %q, which is not in UTC", printable(s))
	}
	t, err := time.Parse("Mon, 2 Jan 2006 15:04:05", strings.Join(f[:5], " "))
	if err != nil {
		return time.Time{}, fmt.Errorf("is %q, which is not a date", printable(s))
	}
	return t, nil
}

// readEntries reads the SHA256 section, the only one that counts.
func readEntries(p *deb.Paragraph) (map[string]entry, error) {
	lines := p.Lines("SHA256")
	if len(lines) == 0 {
		return nil, errWeak
	}
	entries := make(map[string]entry, len(lines))
	for _, l := range lines {
		f := strings.Fields(l)
		if len(f) != 3 {
			return nil, fmt.Errorf("its SHA256 line %q is not a hash, a size and a path", printable(l))
		}
		d, err := kiln.DigestFromHex(strings.ToLower(f[0]))
		if err != nil {
			return nil, fmt.Errorf("its SHA256 line %q has no good hash", printable(l))
		}
		size, err := strconv.ParseInt(f[1], 10, 64)
		if err != nil || size < 0 {
			return nil, fmt.Errorf("its SHA256 line %q has no good size", printable(l))
		}
		name, err := cleanPath(f[2])
		if err != nil {
			return nil, fmt.Errorf("its SHA256 section: %w", err)
		}
		e := entry{d, size}
		if old, twice := entries[name]; twice && old != e {
			return nil, fmt.Errorf("its SHA256 section names %q twice, with different content", name)
		}
		entries[name] = e
	}
	return entries, nil
}
