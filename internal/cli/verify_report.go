package cli

import (
	"fmt"
	"io"
	"time"

	"kiln/internal/attest"
)

func (r *policyReport) print(w io.Writer) {
	fmt.Fprintf(w, "%s  %s", r.Image, r.Digest)
	if r.Tag != "" {
		fmt.Fprintf(w, "  tag %s", r.Tag)
	}
	fmt.Fprintln(w)
	for _, c := range r.Checks {
		printCheck(w, c)
	}
	if len(r.Reports) > 0 {
		printVerified(w, r.Reports)
	}
	for _, s := range r.Skipped {
		fmt.Fprintf(w, "unsafe: %s\n", s)
	}
	if r.Accepted {
		fmt.Fprintf(w, "accepted by the trust policy %s as of %s\n", r.Policy, r.At.Format(time.RFC3339))
	}
}

func printCheck(w io.Writer, c attest.Check) {
	state := "verified"
	if !c.Met {
		state = "refused (" + string(c.Reason) + ")"
	}
	fmt.Fprintf(w, "%s", c.Predicate)
	if c.Platform != "" {
		fmt.Fprintf(w, " of %s %s", c.Platform, c.Subject)
	}
	fmt.Fprintf(w, ": %s, %d of %d with the role %q\n", state, len(c.Signed), c.Threshold, c.Role)
	for _, s := range c.Signed {
		fmt.Fprintf(w, "  signed by %s, key %s\n", s.Person, s.Key)
		if s.Told != nil {
			fmt.Fprintf(w, "  %s\n", s.Told)
		}
	}
	if c.Met {
		return
	}
	for _, x := range c.Rejected {
		if x.Claims == c.Type || x.Claims == "" || x.Reason == c.Reason {
			fmt.Fprintf(w, "  not counted: %s: %s\n", x.Bundle, x.Text)
		}
	}
}
