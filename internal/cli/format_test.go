package cli_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kiln/internal/apt/apttest"
)

// formatRow is a recipe whose digests hold the format still.
type formatRow struct {
	name, text string
	site       func() apttest.Suite
	args       []string
}

func formatRows() []formatRow {
	web := func(old, new string) string { return strings.Replace(recipeText, old, new, 1) }
	run := "container:\n  user: \"65532\"\n  entrypoint: [/usr/bin/alpha, --serve]\n  command: [now]\n  env: {LANG: C.UTF-8, TZ: UTC}\n  workdir: /srv\n  ports: [8080/tcp]\n  volumes: [/srv]\n" +
		"  stop-signal: SIGINT\n  labels: {org.example.team: web}\n  healthcheck: {command: [/usr/bin/alpha, --health], interval: 10s, retries: 3}\n"
	files := "    files:\n      - {path: /srv, directory: true, mode: \"1777\", why: x}\n      - {path: /srv/link, link: ../etc/app.conf, why: x}\n" +
		"      - {path: /usr/bin/run, from: run, why: x}\n      - {path: /usr/share/site, from: site, owner: \"7:8\", why: x}\n"
	return []formatRow{
		{name: "two layers", text: recipeText, site: stable},
		{name: "zstd", text: recipeText, site: stable, args: []string{"--compression", "zstd"}},
		{name: "another architecture", text: web("linux/amd64", "linux/arm64"), site: stable},
		{name: "two platforms", text: web("[linux/amd64]", "[linux/amd64, linux/arm64]"), site: stable},
		{name: "how it runs", text: recipeText + run, site: stable},
		{name: "files of every kind", text: web("    files:\n", files), site: stable},
		{name: "users and groups", text: recipeText + "users:\n  - {name: app, uid: 10001, gecos: The app, home: /srv, shell: /bin/sh, why: x}\ngroups:\n  - {name: ops, gid: 10002, members: [app], why: x}\n", site: stable},
		{name: "drops", text: web("      - alpha: the program\n", "      - alpha: {why: the program, drop: [/etc/**, /usr/bin/al]}\n"), site: stable},
		{name: "scripts and units", text: serviceRecipe, site: service},
		{name: "scripts, with rules off", text: serviceRecipe + "rules:\n  off:\n    - no-man: x\n    - no-traces: x\n", site: service},
	}
}

// The digests of ten images change only with a new format: lock.Format counts these.
func TestFormatHoldsStill(t *testing.T) {
	const path = "testdata/digests.golden"
	var mu sync.Mutex
	var lines []string
	t.Run("recipes", func(t *testing.T) {
		for _, row := range formatRows() {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				s := newScene(t, apttest.New(row.site()))
				s.write("web/run", "#!/bin/sh\n")
				s.write("web/site/a/index.html", "<p>\n")
				s.recipe(row.text)
				r := s.build(row.args...)
				mu.Lock()
				defer mu.Unlock()
				lines = append(lines, fmt.Sprintf("%s: index %s\n", row.name, r.Index))
				for _, img := range r.Images {
					lines = append(lines, fmt.Sprintf("%s: %s manifest %s tree %s\n", row.name, img.Platform, img.Digest, img.Tree))
				}
			})
		}
	})
	if t.Failed() {
		return
	}
	slices.Sort(lines)
	got := strings.Join(lines, "")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the same recipes give other images: that is another format (-want +got):\n%s", diff)
	}
}
