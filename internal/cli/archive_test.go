package cli_test

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"kiln"
	"kiln/internal/apt/apttest"
	"kiln/internal/deb/debtest"
)

// recipeText wants both programs of the archive, each in a layer of its own.
const recipeText = `kiln: v1
name: web
version: 1.0.0
platforms: [linux/amd64]
sources:
  - {name: test, url: URL, suite: stable, keyring: key.asc}
layers:
  - name: base
    packages:
      - alpha: the program
  - name: app
    packages:
      - beta: the data
    files:
      - {path: /etc/app.conf, content: "listen=:8080\n", why: default port}
`

// Where the .debs of the archive stand.
const (
	alphaDeb = "pool/main/a/alpha/alpha_1.0_amd64.deb"
	betaDeb  = "pool/main/b/beta/beta_1.0_all.deb"
)

// pkg is a package of the archive with one file beside what more adds.
func pkg(name, version, arch string, more func(*debtest.Spec)) apttest.Package {
	spec := debtest.Spec{Name: name, Version: version, Architecture: arch, Entries: []debtest.Entry{
		{Path: "usr/share/doc/" + name + "/copyright", Content: "Copyright of " + name + "\n"},
		{Path: "usr/share/" + name + "/version", Content: version + "\n"},
	}}
	if more != nil {
		more(&spec)
	}
	return apttest.Package{Spec: spec}
}

func libalpha(version, arch string) apttest.Package {
	return pkg("libalpha", version, arch, func(s *debtest.Spec) {
		s.Entries = append(s.Entries, debtest.Entry{Path: "usr/lib/libalpha.so.1", Content: "library " + version + " for " + arch})
	})
}

func alpha(version, arch string) apttest.Package {
	return pkg("alpha", version, arch, func(s *debtest.Spec) {
		s.Fields = []string{"Depends: libalpha (>= 1.0)"}
		s.Conffiles = []string{"/etc/alpha.conf"}
		s.Entries = append(s.Entries,
			debtest.Entry{Path: "etc/alpha.conf", Content: "verbose=no\n"},
			debtest.Entry{Path: "usr/bin/alpha", Mode: 0o755, Content: "program " + version + " for " + arch},
			debtest.Entry{Path: "usr/bin/alpha-again", Type: 'h', Link: "usr/bin/alpha"},
			debtest.Entry{Path: "usr/bin/al", Link: "alpha"},
		)
	})
}

// beta is large enough to be cut in the middle.
func beta(version string) apttest.Package {
	return pkg("beta", version, "all", func(s *debtest.Spec) {
		s.Entries = append(s.Entries, debtest.Entry{Path: "usr/share/beta/noise", Content: noise(200_000)})
	})
}

// stable is the archive as it is at the beginning.
func stable() apttest.Suite {
	return later(0, alpha("1.0", "amd64"), alpha("1.0", "arm64"), libalpha("1.0", "amd64"), libalpha("1.0", "arm64"), beta("1.0"))
}

// later is a suite of the given packages, dated some hours after stable's. Its
// indexes are in gz alone, which is the fastest to make.
func later(hours int, packages ...apttest.Package) apttest.Suite {
	return apttest.Suite{
		Name: "stable", Date: apttest.Date.Add(time.Duration(hours) * time.Hour), Packages: packages, Compress: []string{"gz"},
	}
}

// clean builds the recipe of recipeText from an archive in a scene where nothing
// ever happened.
func clean(t *testing.T, s apttest.Suite) report {
	t.Helper()
	return newScene(t, apttest.New(s)).build()
}

// noise is n characters that compress badly and are always the same.
func noise(n int) string {
	var b strings.Builder
	for d := kiln.DigestOf(nil); b.Len() < n; d = kiln.DigestOf([]byte(d)) {
		raw, _ := hex.DecodeString(d.Hex())
		b.Write(raw)
	}
	return b.String()[:n]
}
