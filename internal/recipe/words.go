package recipe

import (
	"path"
	"regexp"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// The forms of the words of a recipe. The published schema has the same patterns.
const (
	imageNamePattern    = `^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*$`  // a component of an OCI repository name
	imageVersionPattern = `^[A-Za-z0-9_][A-Za-z0-9._+-]{0,127}$` // an OCI tag, and "+" of semantic versions
	sourceNamePattern   = `^[a-z0-9]+(-+[a-z0-9]+)*$`            //
	suitePattern        = `^[A-Za-z0-9][A-Za-z0-9.+~_-]*(/[A-Za-z0-9][A-Za-z0-9.+~_-]*)*$`
	sourceSuitePattern  = `^(\./|[A-Za-z0-9][A-Za-z0-9.+~_-]*(/[A-Za-z0-9][A-Za-z0-9.+~_-]*)*/?)$` // a suite, or the folder of a flat archive
	packageNamePattern  = `^[a-z0-9][a-z0-9+.-]+$`                                                 // Debian Policy 5.6.1
	wantedNamePattern   = `^[a-z0-9][a-z0-9+.-]+(:[a-z0-9][a-z0-9-]*)?$`                           // and an architecture
	versionPattern      = `^([0-9]+:)?[0-9][A-Za-z0-9.+~:-]*$`                                     // Debian Policy 5.6.12
	accountPattern      = `^[a-z_][a-z0-9_-]{0,31}$`                                               // what useradd(8) takes
	variablePattern     = `^[A-Za-z_][A-Za-z0-9_]*$`
	modePattern         = `^0?[0-7]{3,4}$`
	questionPattern     = `^[!-.0-~]+(/[!-.0-~]+)+$` // owner/name, printable ASCII: a line of debconf-set-selections(1) is split at blanks

	argumentPattern = `^([!#-~]|"[ !#-~]*")+$` // printable; "\"" around what has blanks (the kernel's parse_args)
	modulePattern   = `^[A-Za-z0-9][A-Za-z0-9_-]*$`
	sizePattern     = `^[0-9]+[KMGT]$`

	// unitLetter is one letter of a unit's name (systemd.unit(5)), or what stands for
	// letters in a pattern (systemd.preset(5), glob(7)). "\" is a letter: systemd has
	// its patterns matched without escapes.
	unitLetter  = `[A-Za-z0-9:_.\\*?-]|\[[!^]?(\[:[a-z]+:\]|[A-Za-z0-9:_.\\@-])+\]`
	unitPattern = `^(\*|(` + unitLetter + `)+(@(@|` + unitLetter + `)*)?\.(service|socket|timer|path|target|mount|automount|swap|slice))$`
)

var (
	imageName    = matcher(imageNamePattern, 128)
	imageVersion = matcher(imageVersionPattern, 128)
	sourceName   = matcher(sourceNamePattern, 64)
	suiteName    = matcher(suitePattern, 128)
	packageName  = matcher(packageNamePattern, 128)
	wantedName   = matcher(wantedNamePattern, 128)
	versionText  = matcher(versionPattern, 256)
	accountName  = matcher(accountPattern, 32)
	variableName = matcher(variablePattern, 256)
	modeText     = matcher(modePattern, 5)
	question     = matcher(questionPattern, 256)
	argument     = matcher(argumentPattern, 256)
	moduleName   = matcher(modulePattern, 64) // MODULE_NAME_LEN
	unitName     = matcher(unitPattern, 255)  // systemd.unit(5): no longer than 255 letters
)

const packageSyntax = "a package name (small letters, digits and + - ., at least two)"

func matcher(pattern string, most int) func(string) bool {
	re := regexp.MustCompile(pattern)
	return func(s string) bool { return isShort(s, most) && re.MatchString(s) }
}

// absolute tells whether p is a clean absolute path below the root of the image.
func absolute(p string) bool {
	return len(p) > 1 && p[0] == '/' && path.Clean(p) == p && isShort(p, 4096) && !strings.ContainsFunc(p, isControlInPath)
}

func isControlInPath(r rune) bool { return r < ' ' || r == 0x7f }

// inside tells whether p, a host path of the recipe, can only lie in the
// recipe's folder. Links are looked at where it is opened.
func inside(p string) bool {
	if p == "" || p[0] == '/' || strings.ContainsRune(p, '\\') || strings.ContainsFunc(p, isControlInPath) {
		return false
	}
	c := path.Clean(p)
	return c != ".." && !strings.HasPrefix(c, "../")
}

// glob tells whether p is an absolute pattern that can match a clean path.
func glob(p string) bool {
	if len(p) < 2 || p[0] != '/' || strings.ContainsFunc(p, isControlInPath) || !doublestar.ValidatePattern(p) {
		return false
	}
	for i, part := range strings.Split(p, "/") {
		if i > 0 && part == "" || part == "." || part == ".." {
			return false
		}
	}
	return isShort(p, 4096)
}
