package attest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"kiln"
)

// Accepted is the record of the images that were accepted, by their names: what a
// policy that wants fresh images compares with.
type Accepted struct {
	Format int                 `json:"format"`
	Images map[string]Standing `json:"images"`
}

// Standing is the newest image of a name that was accepted.
type Standing struct {
	Digest  kiln.Digest `json:"digest"`
	Created time.Time   `json:"created"`
	Serial  int         `json:"serial"`
}

const acceptedFormat = 1

// ParseAccepted reads a record; an empty text is one of nothing.
func ParseAccepted(text []byte) (Accepted, error) {
	a := Accepted{Format: acceptedFormat, Images: map[string]Standing{}}
	if len(bytes.TrimSpace(text)) == 0 {
		return a, nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil {
		return a, fmt.Errorf("it is damaged: %w", err)
	}
	if a.Format != acceptedFormat {
		return a, fmt.Errorf("it has the format %d, and this kiln knows %d", a.Format, acceptedFormat)
	}
	if a.Images == nil {
		a.Images = map[string]Standing{}
	}
	return a, nil
}

// Older says how the image is older than the policy allows; "" where it is not.
func (f Fresh) Older(s Standing) string {
	if at, err := ParseTime(f.Created); err == nil && s.Created.Before(at) {
		return fmt.Sprintf("the image was created %s, and the policy wants none from before %s", s.Created.UTC().Format(time.RFC3339), f.Created)
	}
	if s.Serial < f.Serial {
		return fmt.Sprintf("the image was signed with %s, and the policy wants at least %d", serialText(s.Serial), f.Serial)
	}
	return ""
}

// Older says how the image s is older than the last one that was accepted under the
// name, or stands in its place; "" where it is not.
func (a Accepted) Older(name string, s Standing) string {
	last, ok := a.Images[name]
	switch {
	case !ok || last.Digest == s.Digest:
		return ""
	case s.Serial < last.Serial:
		return fmt.Sprintf("the image was signed with %s, and %s with %s was accepted before: this is a downgrade", serialText(s.Serial), last.Digest, serialText(last.Serial))
	case s.Created.Before(last.Created):
		return fmt.Sprintf("the image was created %s, and %s of %s was accepted before: this is a downgrade", s.Created.UTC().Format(time.RFC3339), last.Digest, last.Created.UTC().Format(time.RFC3339))
	case s.Serial > 0 && s.Serial == last.Serial:
		return fmt.Sprintf("another image, %s, was accepted with %s before", last.Digest, serialText(s.Serial))
	case s.Serial == 0 && s.Created.Equal(last.Created):
		return fmt.Sprintf("another image, %s, which says that it was created at the same time (%s), was accepted before, and which of the two is newer nobody can tell: the signer tells it with kiln sign --serial N", last.Digest, s.Created.UTC().Format(time.RFC3339))
	}
	return ""
}

func serialText(n int) string {
	if n == 0 {
		return "no serial number"
	}
	return fmt.Sprintf("the serial number %d", n)
}

// Accept notes an image as the last one of its name.
func (a *Accepted) Accept(name string, s Standing) {
	a.Images[name] = s
}
