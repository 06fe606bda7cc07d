package copyright

import (
	_ "embed"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// The identifiers of the SPDX License List 3.28.0 that are not deprecated, a line each,
// without those that came to it in its last years: validators refuse what their own,
// older lists lack, and a LicenseRef- with the text says no less.
var (
	//go:embed lists/licences.txt
	licenceList string
	//go:embed lists/exceptions.txt
	exceptionList string
)

// listed are the identifiers by their small letters.
var (
	listedLicences   = sync.OnceValue(func() map[string]string { return bySmall(licenceList) })
	listedExceptions = sync.OnceValue(func() map[string]string { return bySmall(exceptionList) })
)

func bySmall(list string) map[string]string {
	m := map[string]string{}
	for _, id := range strings.Fields(list) {
		m[strings.ToLower(id)] = id
	}
	return m
}

// alias is the identifier of a name, in small letters, that is neither SPDX's nor one
// of the GNU licences. It is here where all that call a licence so mean one text.
var alias = map[string]string{
	"expat": "MIT", "mit/x11": "MIT", "mit/expat": "MIT", "expat/mit": "MIT",
	"apache-1": "Apache-1.0", "apache-2": "Apache-2.0", "apachev2": "Apache-2.0", "apache2": "Apache-2.0", "asl-2.0": "Apache-2.0",
	"artistic": "Artistic-1.0-Perl", "artistic-1": "Artistic-1.0", "artistic-2": "Artistic-2.0", // Debian's common licence Artistic is perl's
	"bsd-1-clause": "BSD-1-Clause", "bsd-2": "BSD-2-Clause", "bsd-3": "BSD-3-Clause", "bsd-4": "BSD-4-Clause",
	"bsd (2 clause)": "BSD-2-Clause", "bsd (3 clause)": "BSD-3-Clause", "bsd (4 clause)": "BSD-4-Clause",
	"bsd-2-clauses": "BSD-2-Clause", "bsd-3-clauses": "BSD-3-Clause", "2-clause bsd": "BSD-2-Clause", "3-clause bsd": "BSD-3-Clause",
	"bsd2": "BSD-2-Clause", "bsd3": "BSD-3-Clause", "bsd-2-clause-netbsd": "BSD-2-Clause",
	"boost-1.0": "BSL-1.0",
	"cc0":       "CC0-1.0", "cc-by-3": "CC-BY-3.0", "cc-by-4": "CC-BY-4.0", "cc-by-sa-3": "CC-BY-SA-3.0", "cc-by-sa-4": "CC-BY-SA-4.0",
	"eclipse-public-license-v1.0": "EPL-1.0", "epl-1": "EPL-1.0", "epl-2": "EPL-2.0",
	"freetype": "FTL",
	"mpl-1":    "MPL-1.0", "mpl-2": "MPL-2.0", "mplv1.1": "MPL-1.1", "mplv2.0": "MPL-2.0",
	"openldap-2.8": "OLDAP-2.8", "psf-2": "PSF-2.0", "python-2": "Python-2.0",
	"sil-1.1": "OFL-1.1", "sil-ofl-1.1": "OFL-1.1", "zlib/libpng": "Zlib",
	"wtfpl-2": "WTFPL", "wtfpl-2.0": "WTFPL", "isc license": "ISC", "mit license": "MIT",
}

// exceptionAlias is the same of exceptions, without the word "exception". Those that
// name no one text (OpenSSL's, Autoconf's) are not here.
var exceptionAlias = map[string]string{
	"bison": "Bison-exception-2.2", "libtool": "Libtool-exception", "font": "Font-exception-2.0", "llvm": "LLVM-exception",
	"classpath": "Classpath-exception-2.0", "linux-syscall-note": "Linux-syscall-note", "sane": "SANE-exception", "texinfo": "Texinfo-exception",
	"gcc-runtime-library": "GCC-exception-3.1", "gcc runtime library": "GCC-exception-3.1", "gcc-3.1": "GCC-exception-3.1",
}

// gnu is a short name of a GNU licence: family, version, "or later".
var gnu = regexp.MustCompile(`^(agpl|lgpl|gpl|gfdl|gfdl-niv)(?:[- ]?v?\.?(\d)(?:\.(\d))?(?:\.0)?)?(\+|-or-later|-only| or later| only)?$`)

// gnuVersions are the versions that there are.
var gnuVersions = map[string][]string{
	"gpl": {"1.0", "2.0", "3.0"}, "lgpl": {"2.0", "2.1", "3.0"}, "agpl": {"1.0", "3.0"}, "gfdl": {"1.1", "1.2", "1.3"},
}

// identify maps a short name to an SPDX identifier, with an exception where it names
// one. It is false for what SPDX has no identifier of.
func identify(name string) (string, bool) {
	name = strings.ToLower(strings.Join(strings.Fields(name), " "))
	base, exception, with := cutWith(name)
	if !with {
		return licenceID(name)
	}
	id, ok := licenceID(base)
	if !ok {
		return licenceID(name) // a few identifiers have "with" in them
	}
	if e, ok := exceptionID(exception); ok {
		return id + " WITH " + e, true
	}
	return licenceID(name)
}

func cutWith(name string) (base, exception string, ok bool) {
	for _, sep := range []string{" with ", "-with-"} {
		if base, exception, ok = strings.Cut(name, sep); ok {
			return base, exception, true
		}
	}
	return name, "", false
}

func exceptionID(name string) (string, bool) {
	if id, ok := listedExceptions()[name]; ok {
		return id, true
	}
	short := strings.TrimSuffix(strings.TrimSuffix(name, "exception"), "exemption")
	id, ok := exceptionAlias[strings.Trim(short, " -")]
	return id, ok
}

func licenceID(name string) (string, bool) {
	if id, ok := gnuID(name); ok {
		return id, true
	}
	if id, ok := alias[name]; ok {
		return id, true
	}
	if id, ok := listedLicences()[name]; ok {
		return id, true
	}
	older, ok := strings.CutSuffix(name, "+") // SPDX's operator for "or later"
	if !ok {
		return "", false
	}
	if id, ok := alias[older]; ok {
		return id + "+", true
	}
	id, ok := listedLicences()[older]
	return id + "+", ok
}

// gnuID is the identifier of a GNU licence. Where a name has no version, its holder
// has named none, and by the licences' own words any version may be chosen.
func gnuID(name string) (string, bool) {
	m := gnu.FindStringSubmatch(name)
	if m == nil {
		return "", false
	}
	family, niv := strings.CutSuffix(m[1], "-niv")
	version := m[2] + "." + m[3]
	if m[3] == "" {
		version = m[2] + ".0"
	}
	later := m[4] != "" && !strings.HasSuffix(m[4], "only")
	if m[2] == "" {
		version, later = gnuVersions[family][0], true
	}
	if !slices.Contains(gnuVersions[family], version) {
		return "", false
	}
	id := strings.ToUpper(family) + "-" + version
	if niv {
		id += "-no-invariants"
	}
	if later {
		return id + "-or-later", true
	}
	return id + "-only", true
}
