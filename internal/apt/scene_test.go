package apt

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strings"
)

// source is one binary entry of a scene's sources.
type source struct {
	options    map[string]string
	uri, suite string
	components []string
}

func parseSources(line string) []source {
	var all []source
	for _, entry := range strings.Split(line, " | ") {
		f := strings.Fields(entry)
		if len(f) == 0 || f[0] != "deb" {
			continue
		}
		s := source{options: map[string]string{}}
		f = f[1:]
		for strings.HasPrefix(f[0], "[") || len(s.options) > 0 && !strings.Contains(f[0], ":/") {
			k, v, _ := strings.Cut(strings.Trim(f[0], "[]"), "=")
			s.options[k] = v
			f = f[1:]
		}
		s.uri, s.suite, s.components = f[0], f[1], f[2:]
		all = append(all, s)
	}
	return all
}

// leftOut says why a scene is no model for kiln, or "".
func (s scene) leftOut() string {
	argv := strings.Join(s.Argv, " ")
	switch {
	case s.RC == "":
		return "apt gave no verdict: it was cut off"
	case strings.Contains(argv, "--print-uris"), strings.Contains(argv, "napshot"), strings.Contains(argv, " -S"):
		return "snapshots are a feature of apt's own: another address, no other check"
	case strings.Contains(argv, "--allow-"), strings.Contains(argv, "Check-Date=no"):
		return "an option of the source or the command line weakens a check"
	case strings.Contains(argv, "ValidTime"):
		return "an option sets a validity of its own, which kiln has no option for"
	case strings.Contains(argv, "--no-allow-releaseinfo-change"):
		return "an option forbids what apt allows by default"
	case s.HadLists && s.anyMessage(`required signer|GOODSIG`) && !strings.Contains(s.Sources, "signed-by"):
		return "the state before was edited by hand: a Signed-By that no served Release has"
	case s.RC != "0" && s.onlySources():
		return "the verdict is about an index of source packages, which kiln does not read"
	case s.anyMessage(`Could not|Unable to connect|511 |403 |redirect`):
		return "the verdict came from the transport"
	}
	for _, src := range parseSources(s.Sources) {
		if why := src.leftOut(); why != "" {
			return why
		}
	}
	return ""
}

func (src source) leftOut() string {
	o := src.options
	switch {
	case strings.HasPrefix(src.uri, "mirror"):
		return "the verdict came from the transport"
	case o["snapshot"] != "":
		return "snapshots are a feature of apt's own: another address, no other check"
	case o["trusted"] == "yes", o["allow-weak"] == "yes", o["allow-insecure"] == "yes",
		o["allow-downgrade-to-insecure"] == "yes", o["check-valid-until"] == "no":
		return "an option of the source or the command line weakens a check"
	case o["trusted"] == "no":
		return "an option refuses what is well signed"
	case o["valid-until-max"] != "", o["valid-until-min"] != "":
		return "an option sets a validity of its own, which kiln has no option for"
	}
	return ""
}

// elsewhere reports whether apt was served something else than the tree holds, by
// the web server that was recorded with it: the archive from another place, or a
// web page in place of what is well signed in the tree.
func (c *corpus) elsewhere(s scene) bool {
	if s.anyMessage(`NOSPLIT|NODATA`) {
		return c.wellSigned(s)
	}
	for _, src := range parseSources(s.Sources) {
		p := Pocket{Suite: src.suite}
		for _, name := range []string{"InRelease", "Release"} {
			if _, ok := c.trees[s.Tree][path.Join(p.folder(), name)]; ok {
				return false
			}
		}
	}
	return !s.refused()
}

// wellSigned reports whether the files that apt took for no signature are one.
func (c *corpus) wellSigned(s scene) bool {
	for _, src := range parseSources(s.Sources) {
		p := Pocket{Suite: src.suite}
		for _, name := range []string{"InRelease", "Release.gpg"} {
			if b, ok := c.trees[s.Tree][path.Join(p.folder(), name)]; ok && !bytes.Contains(b, []byte("-----BEGIN PGP SIGNATURE")) {
				return false
			}
		}
	}
	return true
}

// onlySources reports whether all of apt's complaints are of Sources files.
func (s scene) onlySources() bool {
	n := 0
	for _, m := range s.Messages {
		if strings.HasPrefix(m, "W:") || strings.HasPrefix(m, "E:") {
			if n++; !strings.Contains(m, "source/Sources") {
				return false
			}
		}
	}
	return n > 0
}

func (s scene) anyMessage(pattern string) bool {
	re := regexp.MustCompile(pattern)
	return slices.ContainsFunc(s.Messages, re.MatchString)
}
