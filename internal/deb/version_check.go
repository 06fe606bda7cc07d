package deb

import (
	"errors"
	"fmt"
	"strings"
)

// maxEpoch is the largest number that dpkg's int holds.
const maxEpoch = "2147483647"

// CheckVersion reports why v is no valid version, as dpkg --validate-version
// does. Surrounding white space, which dpkg drops, is refused here.
func CheckVersion(v string) error {
	if err := checkVersion(v); err != nil {
		return fmt.Errorf("version %q is not valid: %w", v, err)
	}
	return nil
}

func checkVersion(v string) error {
	if v == "" {
		return errors.New("it is empty")
	}
	if i := strings.IndexByte(v, ':'); i >= 0 {
		if err := checkEpoch(v[:i]); err != nil {
			return err
		}
		v = v[i+1:]
	}
	i := strings.LastIndexByte(v, '-')
	if i < 0 {
		return checkUpstream(v)
	}
	if err := checkUpstream(v[:i]); err != nil {
		return err
	}
	return checkRevision(v[i+1:])
}

func checkEpoch(s string) error {
	digits := trimZeros(unsigned(s))
	switch {
	case s == "":
		return errors.New("the epoch is empty")
	case unsigned(s) == "" || !allDigits(digits):
		return errors.New("the epoch is not a number")
	case s[0] == '-' && digits != "":
		return errors.New("the epoch is negative")
	case compareNumbers(digits, maxEpoch) > 0:
		return errors.New("the epoch is too big")
	}
	return nil
}

func checkUpstream(s string) error {
	if s == "" {
		return errors.New("the version number is empty")
	}
	if !isDigit(s[0]) {
		return errors.New("the version number does not start with a digit")
	}
	return checkChars(s, ".-+~:", "version number")
}

func checkRevision(s string) error {
	if s == "" {
		return errors.New("the revision number is empty")
	}
	return checkChars(s, "+.~", "revision number")
}

func checkChars(s, others, what string) error {
	for i := range len(s) {
		if !isAlnum(s[i]) && strings.IndexByte(others, s[i]) < 0 {
			return fmt.Errorf("the %s may not hold %q", what, s[i:i+1])
		}
	}
	return nil
}
