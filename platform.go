package kiln

import (
	"fmt"
	"slices"
	"strings"
)

// Platform is what an image runs on, in the terms of the OCI image index.
type Platform struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	Variant      string `json:"variant,omitempty"`
}

// Platforms lists every platform that kiln knows, in the order to show them.
func Platforms() []Platform {
	return []Platform{
		{"linux", "amd64", ""},
		{"linux", "arm64", ""},
		{"linux", "arm", "v7"},
		{"linux", "386", ""},
		{"linux", "ppc64le", ""},
		{"linux", "riscv64", ""},
		{"linux", "s390x", ""},
	}
}

// ParsePlatform reads "os/architecture" or "os/architecture/variant". The
// variant may be left out where only one is known.
func ParsePlatform(s string) (Platform, error) {
	known := Platforms()
	i := slices.IndexFunc(known, func(p Platform) bool {
		return s == p.String() || s == p.OS+"/"+p.Architecture
	})
	if i < 0 {
		var names []string
		for _, p := range known {
			names = append(names, p.String())
		}
		return Platform{}, fmt.Errorf("unknown platform %q: want one of %s", s, strings.Join(names, ", "))
	}
	return known[i], nil
}

// String returns the form that ParsePlatform reads.
func (p Platform) String() string {
	if p.Variant != "" {
		return p.OS + "/" + p.Architecture + "/" + p.Variant
	}
	return p.OS + "/" + p.Architecture
}

// MarshalText makes a Platform a string in JSON, and a usable map key.
func (p Platform) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (p *Platform) UnmarshalText(b []byte) error {
	q, err := ParsePlatform(string(b))
	if err != nil {
		return err
	}
	*p = q
	return nil
}
