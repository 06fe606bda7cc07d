package deb

import (
	"slices"
	"strings"

	"kiln"
)

// machine is one row of dpkg's cputable and tupletable, as far as kiln builds
// for it.
type machine struct {
	platform kiln.Platform
	name     string // Debian's
	cpu      string // Debian's, for wildcards
	tuple    string // multiarch
}

func machines() []machine {
	linux := func(arch, variant string) kiln.Platform {
		return kiln.Platform{OS: "linux", Architecture: arch, Variant: variant}
	}
	return []machine{
		{linux("amd64", ""), "amd64", "amd64", "x86_64-linux-gnu"},
		{linux("arm64", ""), "arm64", "arm64", "aarch64-linux-gnu"},
		{linux("arm", "v7"), "armhf", "arm", "arm-linux-gnueabihf"},
		{linux("386", ""), "i386", "i386", "i386-linux-gnu"},
		{linux("ppc64le", ""), "ppc64el", "ppc64el", "powerpc64le-linux-gnu"},
		{linux("riscv64", ""), "riscv64", "riscv64", "riscv64-linux-gnu"},
		{linux("s390x", ""), "s390x", "s390x", "s390x-linux-gnu"},
	}
}

// Architecture returns Debian's name for the platform. The variant "v8" of arm64
// is allowed, as it changes nothing. The error is a *kiln.Error.
func Architecture(p kiln.Platform) (string, error) {
	if p.Architecture == "arm64" && p.Variant == "v8" {
		p.Variant = ""
	}
	var known []string
	for _, m := range machines() {
		if m.platform == p {
			return m.name, nil
		}
		known = append(known, m.platform.String())
	}
	text := "cannot build for the platform \"" + p.String() + "\": Debian has no architecture for it that kiln knows"
	return "", &kiln.Error{Code: kiln.User, Text: text, Hints: []string{"name one of " + strings.Join(known, ", ")}}
}

// MultiarchTuple returns the directory name of a Debian architecture below
// /usr/lib, such as "x86_64-linux-gnu", or "" for an unknown one and for "all".
func MultiarchTuple(arch string) string {
	for _, m := range machines() {
		if m.name == arch {
			return m.tuple
		}
	}
	return ""
}

// matchesArchitecture is dpkg-architecture --is for Linux: pattern is a name or
// one of the wildcards any, linux-any, any-CPU, linux-CPU.
func matchesArchitecture(pattern, arch string) bool {
	if pattern == arch || pattern == "any" || pattern == "linux-any" {
		return true
	}
	cpu := arch
	if i := slices.IndexFunc(machines(), func(m machine) bool { return m.name == arch }); i >= 0 {
		cpu = machines()[i].cpu
	}
	return pattern == "any-"+cpu || pattern == "linux-"+cpu
}
