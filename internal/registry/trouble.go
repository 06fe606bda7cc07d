package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"

	"kiln"
)

// trouble is why one request came to nothing.
type trouble struct {
	text    string
	err     error
	status  int           // of the answer; 0: there was none
	again   bool          // another attempt may do
	wait    time.Duration // that the server asks for; 0: it does not
	altered bool          // the server has another content than was asked for
	source  bool          // what was to be sent is damaged
}

func (t *trouble) Error() string { return t.text }
func (t *trouble) Unwrap() error { return t.err }

func (t *trouble) after(n int) error {
	if n == 1 {
		return t
	}
	more := *t
	more.text = fmt.Sprintf("%s (%d attempts)", t.text, n)
	return &more
}

func (t *trouble) tooLong(patience time.Duration) error {
	more := *t
	more.text = fmt.Sprintf("%s, and asks to wait for %s, longer than the %s that are waited", t.text, t.wait, patience)
	more.again = false
	return &more
}

// statusOf is the status of the answer that err tells of, or 0.
func statusOf(err error) int {
	var t *trouble
	if errors.As(err, &t) {
		return t.status
	}
	return 0
}

func isMissing(err error) bool {
	s := statusOf(err)
	return s == http.StatusNotFound || s == http.StatusGone
}

// unreachable words an error of the network. No address is in it: a query may hold a
// secret. A name that does not exist and a certificate that is wrong do not get
// better by waiting.
func unreachable(ctx context.Context, err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause // of a guard, a trouble; else somebody wants no more
	}
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return &trouble{text: fmt.Sprintf("there is no host %q", dns.Name), err: err}
	case strings.Contains(err.Error(), noTLS):
		return &trouble{text: "the registry does not speak TLS", err: err}
	case strings.Contains(err.Error(), "certificate"):
		return &trouble{text: err.Error(), err: err}
	}
	text := err.Error()
	if slices.ContainsFunc(cuts, func(cut error) bool { return errors.Is(err, cut) }) {
		text = "the connection was cut"
	}
	return &trouble{text: text, err: err, again: true}
}

// cuts are the errors of a connection that ended while it was in use.
var cuts = []error{io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, syscall.ECONNRESET, syscall.EPIPE}

// refusal is the trouble that an answer tells of. It reads the body.
func (h *host) refusal(resp *http.Response) *trouble {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10)) // what cannot be read only says less
	code := resp.StatusCode
	t := &trouble{status: code, text: fmt.Sprintf("the server says %d %s", code, http.StatusText(code))}
	if said := saidIn(body); said != "" {
		t.text += ": " + said
	}
	switch {
	case code == http.StatusNetworkAuthenticationRequired:
		t.text += ": the network wants a login first"
	case code == http.StatusNotImplemented:
	case code >= 500, code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusTooManyRequests:
		t.again = true
		t.wait = retryAfter(resp.Header, h.client.now())
	}
	return t
}

// saidIn is what a registry's error document says (distribution specification 1.1,
// "Error codes"), made fit to print.
func saidIn(body []byte) string {
	var doc struct {
		Errors []struct{ Code, Message string }
	}
	if json.Unmarshal(body, &doc) != nil {
		return ""
	}
	var all []string
	for _, e := range doc.Errors {
		if e.Code != "" || e.Message != "" {
			all = append(all, strings.TrimSpace(e.Code+" "+e.Message))
		}
	}
	return printable(strings.Join(all, "; "), 300)
}

// printable cuts a text that somebody else wrote, and drops what moves a terminal.
func printable(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}

// problem is err as it reaches a person: what could not be done, and what to do next.
func (h *host) problem(what string, err error) error {
	var t *trouble
	if err == nil || !errors.As(err, &t) {
		return err
	}
	e := &kiln.Error{Code: kiln.Network, Text: what + ": " + err.Error(), Err: err}
	switch {
	case len(kiln.HintsOf(err)) > 0:
		e.Code = kiln.CodeOf(err)
	case t.source:
		e.Code, e.Hints = kiln.Refused, []string{"do not use this image; build or fetch it again"}
	case t.altered:
		e.Code, e.Hints = kiln.Refused, []string{"do not trust this answer: ask whoever runs " + h.name + ", or a proxy on the way to it", "then run the same command again: what was right is kept"}
	case t.status == http.StatusUnauthorized:
		e.Code, e.Hints = kiln.User, []string{"log in first: kiln login " + h.name}
	case t.status == http.StatusForbidden:
		e.Code, e.Hints = kiln.User, []string{"ask whoever runs " + h.name + " for the right to do this, or log in as another user: kiln login " + h.name}
	case isMissing(err):
		e.Code, e.Hints = kiln.User, []string{"check the name, the tag and the digest; some registries also say this where a login is missing: kiln login " + h.name}
	case t.status == http.StatusRequestEntityTooLarge:
		e.Hints = []string{"send less at a time: --chunk-size 32M"}
	case t.status == http.StatusTooManyRequests:
		e.Hints = []string{"the registry limits how often it is asked: run the same command again later; what is there is not moved again", "a login may raise the limit: kiln login " + h.name}
	case strings.Contains(t.text, "does not speak TLS"):
		e.Hints = []string{"if the network to it is yours: --plain-http"}
	case strings.Contains(t.text, "certificate"):
		e.Hints = []string{"name the authority that signed it: --tls-ca FILE, or put it into /etc/containers/certs.d/" + h.name + "/ca.crt"}
	default:
		e.Hints = []string{"check the name, the network and the proxy (https_proxy, no_proxy)", "run the same command again: what is there is not moved again"}
	}
	return e
}
