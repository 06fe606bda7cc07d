package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/oci"
)

// Referrers are what stands beside an image: manifests whose subject it is. A registry
// of the distribution specification 1.1 lists them; for any other, clients keep an
// index of them under a tag that is made of the subject's digest ("Referrers Tag
// Schema").

// maxReferrers bounds how many there may be of one image.
const maxReferrers = 10_000

// fallbackTag is the tag of the index that clients keep.
func fallbackTag(d kiln.Digest) string { return strings.Replace(string(d), ":", "-", 1) }

// list is an index of referrers.
type list struct {
	SchemaVersion int              `json:"schemaVersion"`
	MediaType     string           `json:"mediaType"`
	Manifests     []oci.Descriptor `json:"manifests"`
}

func parseList(text []byte) (list, error) {
	var l list
	if err := json.Unmarshal(text, &l); err != nil {
		return l, &trouble{text: fmt.Sprintf("its list of referrers is no JSON: %v", err)}
	}
	for _, d := range l.Manifests {
		if _, err := kiln.ParseDigest(string(d.Digest)); err != nil || d.Size < 0 {
			return l, &trouble{text: fmt.Sprintf("its list of referrers names %q", printable(string(d.Digest), 100))}
		}
	}
	return l, nil
}

// referrers lists what refers to d at p.
func (p place) referrers(ctx context.Context, d kiln.Digest) ([]oci.Descriptor, error) {
	all, ok, err := p.listed(ctx, d)
	if err != nil || ok {
		return all, err
	}
	l, _, err := p.kept(ctx, d)
	return l.Manifests, err
}

// listed asks the registry itself; ok is false where it keeps no such list.
func (p place) listed(ctx context.Context, d kiln.Digest) (all []oci.Descriptor, ok bool, err error) {
	for at := p.url("referrers", string(d)); at != nil; {
		a, err := p.host.exchange(ctx, kiln.StepPull, request{
			method: http.MethodGet, place: p, url: at, scopes: []string{p.pull()}, header: http.Header{"Accept": {mediaIndex}},
		}, http.StatusOK, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusBadRequest, http.StatusNotAcceptable)
		if err != nil {
			return nil, false, err
		}
		mediaType, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
		if a.status != http.StatusOK || strings.TrimSpace(mediaType) != mediaIndex {
			return nil, false, nil
		}
		l, err := parseList(a.body)
		if err != nil {
			return nil, false, err
		}
		if all = append(all, l.Manifests...); len(all) > maxReferrers {
			return nil, false, &trouble{text: fmt.Sprintf("it lists more than %d referrers", maxReferrers)}
		}
		if at, err = nextPage(a, p); err != nil {
			return nil, false, err
		}
	}
	return all, true, nil
}

// nextPage is where a list goes on (RFC 8288); nil at its end.
func nextPage(a *answer, p place) (*url.URL, error) {
	link := a.header.Get("Link")
	target, rest, ok := strings.Cut(strings.TrimPrefix(link, "<"), ">")
	if !ok || !strings.Contains(rest, `rel="next"`) {
		return nil, nil
	}
	next, err := a.url.Parse(target)
	if err != nil || !sameOrigin(next, a.url) || next.String() == a.url.String() {
		return nil, &trouble{text: "its list of referrers goes on at an address that cannot be used"}
	}
	return next, nil
}

// emptyList is the index of no referrers.
const emptyList = `{"schemaVersion":2,"mediaType":"` + mediaIndex + `","manifests":[]}`

// kept reads the index that clients keep; an empty one where there is none.
func (p place) kept(ctx context.Context, d kiln.Digest) (list, []byte, error) {
	_, text, err := p.getManifest(ctx, fallbackTag(d))
	if isMissing(err) {
		text, err = []byte(emptyList), nil
	}
	if err != nil {
		return list{}, nil, err
	}
	l, err := parseList(text)
	if err == nil && l.MediaType != mediaIndex {
		err = &trouble{text: fmt.Sprintf("under the tag %s, which is for a list of referrers, there is a %q", fallbackTag(d), printable(l.MediaType, 100))}
	}
	return l, text, err
}

// added is the index text with d at its end; what others wrote into it stays as it is.
func added(text []byte, d oci.Descriptor) ([]byte, error) {
	var doc map[string]json.RawMessage
	var all []json.RawMessage
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(doc["manifests"], &all); err != nil {
		return nil, err
	}
	more, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	if doc["manifests"], err = json.Marshal(append(all, more)); err != nil {
		return nil, err
	}
	return json.Marshal(doc)
}

// mostRaces is how often an index is written again that another client overwrote.
const mostRaces = 5

// keep puts doc into the index that clients keep for its subject. Two clients may do
// that at a time: so it is read again after it was written.
func (p place) keep(ctx context.Context, doc document) error {
	for range mostRaces {
		l, text, err := p.kept(ctx, doc.subject)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(l.Manifests, func(d oci.Descriptor) bool { return d.Digest == doc.Digest }) {
			return nil
		}
		if text, err = added(text, doc.asReferrer()); err != nil {
			return &trouble{text: "its list of referrers is damaged: " + err.Error()}
		}
		if _, err := p.putManifest(ctx, fallbackTag(doc.subject), mediaIndex, text); err != nil {
			return err
		}
	}
	return &trouble{text: fmt.Sprintf("others change the list of the referrers of %s all the time", doc.subject), again: true}
}
