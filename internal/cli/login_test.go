package cli_test

import (
	"encoding/pem"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"kiln/internal/apt/apttest"
	"kiln/internal/cli"
	"kiln/internal/registry/registrytest"
)

// typed runs kiln with a text on its standard input.
func (s *scene) typed(in string, args ...string) outcome {
	s.t.Helper()
	cmd := s.command(args...)
	cmd.Stdin = strings.NewReader(in)
	return finish(s.t, cmd)
}

// A login is checked, kept as podman keeps it, used by what comes next, and forgotten.
func TestLogin(t *testing.T) {
	for name, basic := range map[string]bool{"basic": true, "token": false} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, apttest.New(stable()))
			srv := registrytest.Serve(t, &registrytest.Server{Auth: &registrytest.Auth{Basic: basic, User: "ann", Password: "se\ncret"}})
			file := "run/containers/auth.json"
			srv.Forget()
			s.typed("wrong\n", "login", srv.Host, "-u", "ann", "--password-stdin").says(t, 1, "cannot log in to "+srv.Host, "check the user name and the password")
			if _, err := os.Stat(s.path(file)); err == nil {
				t.Error("a wrong password was kept")
			}
			if n := len(srv.Requests()); n > 2 {
				t.Errorf("a wrong password was sent %d times", n)
			}
			s.write(file, `{"auths": {"other.example.org": {"auth": "eDp5"}}, "credHelpers": {"third.example.org": "none"}, "note": "<kept>"}`)
			o := s.typed("se\ncret\r\n", "login", srv.Host, "-u", "ann", "--password-stdin")
			o.says(t, 0, "logged in to "+srv.Host+" as ann, kept in "+s.path(file))
			if info, err := os.Stat(s.path(file)); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%v %v", info.Mode(), err)
			}
			for _, want := range []string{`"auth": "YW5uOnNlCmNyZXQ="`, `"other.example.org"`, `"third.example.org": "none"`, `"note": "<kept>"`} {
				if !strings.Contains(s.read(file), want) {
					t.Errorf("no %s in %s", want, s.read(file))
				}
			}
			s.does("build", "web")
			s.does("push", "web.oci", srv.Host+"/team/web:v")
			s.does("verify", srv.Host+"/team/web:v")
			s.does("logout", srv.Host).says(t, 0, "removed from "+s.path(file))
			if text := s.read(file); strings.Contains(text, srv.Host) || !strings.Contains(text, "other.example.org") {
				t.Errorf("%s", text)
			}
			s.kiln("verify", srv.Host+"/team/web:v").says(t, 1, "log in first: kiln login "+srv.Host)
			s.kiln("logout", srv.Host).says(t, 1, "there is no login for it")
		})
	}
}

// Where a helper keeps logins, it is asked to, and nothing stands in the file; where
// somebody names a file, it is that one.
func TestLoginPlaces(t *testing.T) {
	s := newScene(t, apttest.New(stable()))
	srv := registrytest.Serve(t, &registrytest.Server{Auth: &registrytest.Auth{Basic: true, User: "ann", Password: "secret"}})
	s.write("bin/docker-credential-kilntest", `#!/bin/sh
echo "$0 $@" >>`+s.path("ran")+`
case $1 in
store) cat >`+s.path("kept")+` ;;
erase) rm `+s.path("kept")+` ;;
get) cat `+s.path("kept")+` 2>/dev/null || { echo "credentials not found in native keychain"; exit 1; } ;;
esac
`)
	if err := os.Chmod(s.path("bin/docker-credential-kilntest"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.env = append(s.env, "PATH="+s.path("bin")+":"+os.Getenv("PATH"))
	docker := "home/.docker/config.json"
	s.write(docker, `{"auths": {"`+srv.Host+`": {"auth": "eDp5"}}, "credsStore": "kilntest"}`)
	login := []string{"login", srv.Host, "--username", "ann", "--password-stdin"}
	s.typed("secret", login...).says(t, 0, "kept in docker-credential-kilntest")
	if text := s.read(docker); strings.Contains(text, "auth\"") || strings.Contains(s.read("ran"), "secret") {
		t.Errorf("%s\n%s", text, s.read("ran"))
	}
	if text := s.read("kept"); text != `{"ServerURL":"`+srv.Host+`","Username":"ann","Secret":"secret"}` {
		t.Errorf("%s", text)
	}
	s.does("build", "web")
	s.does("push", "web.oci", srv.Host+"/team/web:v")
	s.does("logout", srv.Host).says(t, 0, "docker-credential-kilntest")
	s.kiln("verify", srv.Host+"/team/web:v").says(t, 1, "kiln login")

	s.kiln("verify", srv.Host+"/team/web:v", "--authfile", s.path("own.json")).says(t, 1, "own.json", "kiln login REGISTRY --authfile")
	s.typed("secret", append(login, "--authfile", s.path("own.json"))...).says(t, 0, s.path("own.json"))
	s.does("verify", srv.Host+"/team/web:v", "--authfile", s.path("own.json"))
	s.kiln("verify", srv.Host+"/team/web:v").says(t, 1, "kiln login")
	// For a part of a registry alone.
	s.typed("secret", "login", srv.Host+"/team", "--username", "ann", "--password-stdin", "--authfile", s.path("part.json")).says(t, 0, srv.Host+"/team")
	s.does("verify", srv.Host+"/team/web:v", "--authfile", s.path("part.json"))
	s.kiln("push", "web.oci", srv.Host+"/other/web:v", "--authfile", s.path("part.json")).says(t, 1, "kiln login")

	s.write("broken.json", `{"auths": "a secret"`)
	s.typed("secret", append(login, "--authfile", s.path("broken.json"))...).says(t, 1, "it is no JSON")
	if s.read("broken.json") != `{"auths": "a secret"` {
		t.Error("a file that was not understood was written over")
	}
	for args, want := range map[string]string{
		"login":                     "a registry",
		"login team/web":            "is no registry",
		"login https://" + srv.Host: "leave the scheme out",
		"login " + srv.Host + " --password-stdin":        "--username NAME",
		"login " + srv.Host + " -u ann":                  "there is no terminal",
		"login " + srv.Host + " -u a:b --password-stdin": "no colon",
	} {
		if o := s.typed("secret", strings.Fields(args)...); o.status == 0 || !strings.Contains(o.stderr, want) {
			t.Errorf("%s: %s", args, o)
		}
	}
}

// speakers are the commands that may be given a registry's image.
func speakers() []string {
	return []string{"attach", "build", "changelog", "copy", "diff", "login", "pack", "pack verify", "policy check", "policy facts", "prove", "provenance", "pull", "push",
		"sbom", "secrets", "sign", "verify", "why"}
}

// Each of them takes the same options, defined in one place, and no other does.
func TestRegistryOptionsEverywhere(t *testing.T) {
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		name := strings.TrimPrefix(c.CommandPath(), "kiln ")
		want := slices.Contains(speakers(), name)
		for _, flag := range []string{"tls-ca", "plain-http", "authfile"} {
			if has := c.Flags().Lookup(flag) != nil; has != want && !(name == "logout" && flag == "authfile") {
				t.Errorf("kiln %s --%s: %v, want %v", name, flag, has, want)
			}
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(cli.Commands())
}

// The options reach the registry, in each command: one with an authority of its own,
// which wants a login, in a file of its own.
func TestRegistryOptionsWork(t *testing.T) {
	s := newSigned(t)
	srv := registrytest.Serve(t, &registrytest.Server{Auth: &registrytest.Auth{Basic: true, User: "ann", Password: "secret"}})
	front := httptest.NewUnstartedServer(srv)
	front.Config.ErrorLog = log.New(io.Discard, "", 0) // of those that do not trust it
	front.StartTLS()
	t.Cleanup(front.Close)
	host := strings.TrimPrefix(front.URL, "https://")
	s.write("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw})))
	options := []string{"--tls-ca", s.path("ca.pem"), "--authfile", s.path("own.json")}
	s.typed("secret", "login", host, "-u", "ann", "--password-stdin").says(t, 4, "certificate", "--tls-ca FILE")
	s.typed("secret", append([]string{"login", host, "-u", "ann", "--password-stdin"}, options...)...).says(t, 0, "logged in")
	ref := host + "/team/web:1.4"
	s.does("sign", "oci:bare.oci", "--type", "signature", "--request", "request.json")
	s.does("sign", "--answer", "request.json", "--key", "bob.key", "-o", "answer.json")
	for _, args := range []string{
		"push new.oci REF", "push bare.oci HOST/team/bare:1.4", "copy REF HOST/prod/web:1.4", "pull REF oci:back.oci", "verify REF --policy trust.yaml", "sbom REF", "diff REF HOST/team/bare:1.4",
		"changelog REF new.oci", "why REF /etc/app.conf", "secrets REF", "policy check REF --policy builtin:no-secrets", "policy facts REF", "provenance HOST/team/bare:1.4",
		"sign HOST/team/bare:1.4 --type signature --key alice1.key", "attach HOST/team/bare:1.4 answer.json", "prove HOST/team/bare:1.4 --recipe new", "pack new --to REF", "pack verify REF", "build --pack REF -o tar:built.tar --platform linux/amd64",
	} {
		fields := strings.Fields(strings.NewReplacer("REF", ref, "HOST", host).Replace(args))
		if o := s.kiln(append(fields, options...)...); o.status != 0 {
			t.Errorf("%s: %s", args, o)
		}
		if o := s.kiln(append(fields, "--authfile", s.path("own.json"))...); o.status == 0 || !strings.Contains(o.stderr, "certificate") {
			t.Errorf("%s, without --tls-ca: %s", args, o)
		}
	}
}
