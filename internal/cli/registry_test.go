package cli_test

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"kiln/internal/apt/apttest"
	"kiln/internal/registry/registrytest"
)

// pushed is what kiln push, pull and copy print with --json.
type pushed struct {
	From      string   `json:"from"`
	To        string   `json:"to"`
	Reference string   `json:"reference"`
	Digest    string   `json:"digest"`
	Platforms []string `json:"platforms"`
	Referrers []struct {
		ArtifactType string `json:"artifact_type"`
		Digest       string `json:"digest"`
		Subject      string `json:"subject"`
	} `json:"referrers"`
}

func (s *scene) moves(args ...string) pushed {
	s.t.Helper()
	var p pushed
	if err := json.Unmarshal([]byte(s.does(append(args, "--json")...).stdout), &p); err != nil {
		s.t.Fatal(err)
	}
	return p
}

func (s *scene) sameFolders(a, b string) {
	s.t.Helper()
	if out, err := exec.Command("diff", "-r", s.path(a), s.path(b)).CombinedOutput(); err != nil {
		s.t.Errorf("%s and %s differ: %s", a, b, out)
	}
}

// An image goes to a registry under the recipe's version, comes back as kiln build wrote
// it, and every command that reads images reads it there.
func TestPushAndPull(t *testing.T) {
	s := packed(t)
	srv := registrytest.Serve(t, &registrytest.Server{NoReferrers: true})
	s.does("build", "web")
	name := srv.Host + "/team/web"
	p := s.moves("push", "web.oci", name)
	// "1.0+b1" is no tag, and what kiln build makes of it is.
	if p.To != name+":1.0_b1" || p.Reference != name+"@"+p.Digest || strings.Join(p.Platforms, " ") != "linux/amd64 linux/arm64" || len(p.Referrers) != 5 { // the record, and two SBOMs of each platform
		t.Errorf("%+v", p)
	}
	o := s.does("push", "oci:web.oci", name+":v1")
	if o.stdout != p.Reference+"\n" || !strings.Contains(o.messages(), "0 blobs sent (0 B), ") || srv.Tag("team/web", "v1") != p.Digest {
		t.Errorf("%s", o)
	}
	s.does("pull", p.Reference, "oci:back.oci", "--store", s.path("other"))
	s.sameFolders("web.oci", "back.oci")
	if got := s.moves("copy", name+":v1", srv.Host+"/prod/web"); got.Digest != p.Digest || got.To != srv.Host+"/prod/web:v1" {
		t.Errorf("%+v", got)
	}
	if o := s.does("verify", name+":v1"); !strings.Contains(o.stdout, name+":v1 linux/arm64") {
		t.Errorf("%s", o)
	}
	if o := s.does("diff", p.Reference, "web.oci"); !strings.Contains(o.stdout, "no difference") {
		t.Errorf("%s", o)
	}
	if left := names(t, s.path("store/folders")); left != "" {
		t.Errorf("left in the store: %s", left)
	}
	for _, row := range []struct {
		args string
		want string
	}{
		{"pull " + name + ":none oci:x.oci", "MANIFEST_UNKNOWN"},
		{"pull " + name + " oci:x.oci", "neither a tag nor a digest"},
		{"pull " + name + ":v1 x.oci", "want oci:FOLDER"},
		{"push web " + name, "it is a recipe"},
		{"push none.oci " + name, "build the image first"},
		{"push web.oci team/web", "names no registry"},
		{"push web.oci " + srv.Host + "/Team", "is no repository"},
		{"push web.oci " + name + "@sha256:" + strings.Repeat("0", 64), "the image has the digest"},
		{"verify " + name + ":none", "MANIFEST_UNKNOWN"},
		{"verify none.oci/x", "nothing is there"},
		{"push web.oci " + name + " --chunk-size 0", "cannot read the size"},
		{"copy web.oci oci:x.oci --platform linux/s390x", "--platform linux/amd64"},
	} {
		o := s.kiln(strings.Fields(row.args)...)
		if o.status == 0 || o.status == 5 || !strings.Contains(o.stderr, row.want) || !strings.Contains(o.stderr, "  try: ") {
			t.Errorf("%s: %s", row.args, o)
		}
	}
}

// A pack stands beside the image that it is of, and builds it with the archive gone.
func TestPackTo(t *testing.T) {
	for name, srv := range map[string]*registrytest.Server{"1.1": {}, "1.0": {NoReferrers: true}} {
		t.Run(name, func(t *testing.T) {
			s := packed(t)
			srv := registrytest.Serve(t, srv)
			s.does("build", "web")
			ref := srv.Host + "/team/web:v1"
			p := s.moves("push", "web.oci", ref)
			o := s.does("pack", "web", "--to", ref)
			if !strings.Contains(o.stdout, "of the image "+p.Digest) || !strings.Contains(o.stdout, "pushed "+srv.Host+"/team/web@sha256:") {
				t.Errorf("%s", o)
			}
			if _, err := os.Stat(s.path("web.pack.tar")); err == nil {
				t.Error("a file was written")
			}
			_, pack, _ := strings.Cut(o.stdout, "pushed ")
			s.does("pack", "web", "--to", srv.Host+"/packs/web")
			s.serially(func(*http.Request) { panic(http.ErrAbortHandler) }) // the archive is gone
			s.remove("web/kiln.yaml")
			for i, from := range []string{ref, strings.TrimSpace(pack), srv.Host + "/packs/web:1.0_b1.pack"} {
				s.remove("again.oci")
				o := s.does("build", "--pack", from, "-o", "oci:again.oci", "--store", s.path("fresh"+string(rune('a'+i))))
				if !strings.Contains(o.stdout, "again.oci") {
					t.Errorf("%s", o)
				}
				s.does("verify", "again.oci")
				if got := s.moves("push", "again.oci", srv.Host+"/again/web:v"); got.Digest != p.Digest {
					t.Errorf("%s builds %s, want %s", from, got.Digest, p.Digest)
				}
			}
			s.does("pack", "verify", ref)
			if o := s.kiln("pack", "verify", srv.Host+"/again/web:v"); o.status != 1 || !strings.Contains(o.stderr, "none stands beside it") {
				t.Errorf("%s", o)
			}
			// The image is read without it, and copied with it, unless somebody says otherwise.
			if all := s.moves("pull", ref, "oci:all.oci"); len(all.Referrers) != 6 {
				t.Errorf("%+v", all)
			}
			if less := s.moves("pull", ref, "oci:less.oci", "--without", "application/vnd.kiln.pack.v1"); len(less.Referrers) != 5 {
				t.Errorf("%+v", less)
			}
			s.sameFolders("web.oci", "less.oci")
		})
	}
}

// A registry that wants a login, a mirror in the configuration, and credentials where
// podman keeps them.
func TestRegistrySettings(t *testing.T) {
	s := newScene(t, apttest.New(stable()))
	srv := registrytest.Serve(t, &registrytest.Server{Auth: &registrytest.Auth{User: "ann", Password: "secret"}})
	mirror := registrytest.Serve(t, &registrytest.Server{})
	s.does("build", "web")
	ref := srv.Host + "/team/web:v"
	if o := s.kiln("push", "web.oci", ref); o.status != 1 || !strings.Contains(o.stderr, "kiln login "+srv.Host) {
		t.Errorf("%s", o)
	}
	// ann:secret
	s.write("home/.config/containers/auth.json", `{"auths":{"`+srv.Host+`":{"auth":"YW5uOnNlY3JldA=="}}}`)
	s.does("push", "web.oci", ref)
	s.write("other.json", `{}`)
	s.env = append(s.env, "REGISTRY_AUTH_FILE="+s.path("other.json"))
	if o := s.kiln("pull", ref, "oci:x.oci"); o.status != 1 || !strings.Contains(o.stderr, "kiln login "+srv.Host) {
		t.Errorf("%s", o)
	}
	s.env = s.env[:len(s.env)-1]
	s.does("push", "web.oci", mirror.Host+"/cache/team/web:v")
	mirror.Forget()
	s.write("home/.config/kiln/config.yaml", "registries:\n  "+srv.Host+":\n    mirrors: ["+mirror.Host+"/cache]\n")
	s.does("pull", ref, "oci:back.oci", "--store", s.path("other"))
	s.sameFolders("web.oci", "back.oci")
	if len(mirror.Requests()) < 5 {
		t.Errorf("the mirror was asked %q", mirror.Requests())
	}
	s.write("home/.config/kiln/config.yaml", "registries:\n  "+srv.Host+":\n    mirrors: [https://"+mirror.Host+"]\n")
	if o := s.kiln("pull", ref, "oci:y.oci"); o.status != 1 || !strings.Contains(o.stderr, "leave the scheme out") {
		t.Errorf("%s", o)
	}
}

// A kiln that is killed in the middle of a pull leaves no layout, and the next one
// begins behind what was fetched.
func TestPullKilled(t *testing.T) {
	s := newScene(t, apttest.New(stable()))
	var ranges []string
	srv := registrytest.Serve(t, &registrytest.Server{SlowAfter: 800_000, OnRange: func(r string) { ranges = append(ranges, r) }})
	noise := make([]byte, 1_000_000)
	rand.New(rand.NewSource(1)).Read(noise)
	s.write("web/noise", string(noise))
	s.write("web/kiln.yaml", s.read("web/kiln.yaml")+"\n  - name: noise\n    files:\n      - {path: /noise, from: noise, why: it takes a while}\n")
	s.does("build", "web")
	s.does("push", "web.oci", srv.Host+"/team/web:v")
	srv.SetSlow(1)
	cmd := s.command("pull", srv.Host+"/team/web:v", "oci:back.oci", "--store", s.path("other"))
	end := start(t, cmd)
	part := func() (size int64) {
		all, _ := filepath.Glob(s.path("other/partial/*"))
		for _, file := range all {
			if info, err := os.Stat(file); err == nil {
				size = max(size, info.Size())
			}
		}
		return size
	}
	for !srv.Dripping() || part() < 700_000 {
		time.Sleep(time.Millisecond)
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	end()
	if _, err := os.Lstat(s.path("back.oci")); err == nil {
		t.Error("a layout was left")
	}
	kept := part()
	s.does("pull", srv.Host+"/team/web:v", "oci:back.oci", "--store", s.path("other"))
	s.sameFolders("web.oci", "back.oci")
	if want := fmt.Sprintf("bytes=%d-", kept); !slices.ContainsFunc(ranges, func(r string) bool { return strings.HasPrefix(r, want) }) {
		t.Errorf("asked for the ranges %q, want one from %q", ranges, want) // others are of smaller blobs that were on their way
	}
	if left := names(t, s.path("other/partial")); left != "" {
		t.Errorf("left in the store: %s", left)
	}
	if left := names(t, s.path("other/staging")); left != "" {
		t.Errorf("left in the store: %s", left)
	}
}
