package cli

import (
	"fmt"
	"kiln/internal/patience"
	"strconv"
	"time"

	"kiln"
)

// The variables that say how patient kiln is with a mirror.
const (
	retriesVariable = "KILN_RETRIES"       // further attempts at one file from one mirror
	stallVariable   = "KILN_STALL_TIMEOUT" // longest time without progress, such as 10s
)

// patienceOf reads them; what is not set keeps its default.
func patienceOf(getenv func(string) string) (patience.Policy, error) {
	var r patience.Policy
	if s := getenv(retriesVariable); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 {
			return r, badVariable(retriesVariable, s, "a number from 0 up", "4")
		}
		r.Attempts = n + 1
	}
	if s := getenv(stallVariable); s != "" {
		d, err := time.ParseDuration(s)
		if err != nil || d <= 0 {
			return r, badVariable(stallVariable, s, "a duration above zero", "30s")
		}
		r.Stall = d
	}
	return r, nil
}

func badVariable(name, value, want, example string) error {
	return &kiln.Error{
		Code:  kiln.Usage,
		Text:  fmt.Sprintf("cannot use the variable %s: want %s, got %q", name, want, value),
		Hints: []string{"export " + name + "=" + example},
	}
}
