package apt

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"kiln"
)

// trials collects which mirror failed how.
type trials struct {
	lines   []string
	errs    []error
	altered bool
	missing bool // on all of them
	count   int
}

func (t *trials) add(base *url.URL, err error) {
	if t.count == 0 {
		t.missing = true
	}
	t.count++
	t.lines = append(t.lines, fmt.Sprintf("  mirror %s: %s", base.Redacted(), err))
	t.errs = append(t.errs, err)
	t.altered = t.altered || isAltered(err)
	t.missing = t.missing && isMissing(err)
}

// failed is the error of trials, with the properties that all of them share.
func (t *trials) failed(code kiln.Code, text string, hints ...string) error {
	cause := &trouble{text: strings.Join(t.lines, "\n"), err: errors.Join(t.errs...), missing: t.missing, altered: t.altered}
	return &kiln.Error{Code: code, Text: text + "\n" + cause.text, Hints: hints, Err: cause}
}

// detail is the part of an error of trials that names the mirrors.
func detail(err error) string {
	var t *trouble
	if errors.As(err, &t) {
		return t.text
	}
	return err.Error()
}

func (t *trials) release(p Pocket) error {
	text := fmt.Sprintf("cannot use the archive %q: its Release cannot be had", p.ID())
	if t.missing {
		return t.failed(kiln.Network, text, fmt.Sprintf("check that the mirror holds the suite %q", p.Suite), hintOtherMirror(p))
	}
	return t.failed(kiln.Network, text, "check the network and the proxy (http_proxy, no_proxy)", hintOtherMirror(p))
}

func (t *trials) locked(p Pocket, what string) error {
	if !t.missing {
		return t.failed(kiln.Network, fmt.Sprintf("cannot load the locked %s of the archive %q", what, p.ID()), "check the network and the proxy (http_proxy, no_proxy)", hintOtherMirror(p))
	}
	return t.failed(kiln.Network, fmt.Sprintf("cannot load the locked %s of the archive %q: no mirror keeps it any more", what, p.ID()), hintUpdate())
}

func (t *trials) file(d download) error {
	text := fmt.Sprintf("cannot fetch %q of the archive %q", d.paths[len(d.paths)-1], d.pocket.ID())
	switch {
	case t.altered:
		return t.failed(kiln.Refused, text, hintAgain(), hintOtherMirror(d.pocket))
	case t.missing:
		next := hintUpdate()
		if d.step == kiln.StepLock {
			next = hintAgain()
		}
		return t.failed(kiln.Network, text, next, hintOtherMirror(d.pocket))
	}
	return t.failed(kiln.Network, text, "check the network and the proxy (http_proxy, no_proxy)", hintOtherMirror(d.pocket))
}
