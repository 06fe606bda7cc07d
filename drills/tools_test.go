package drills_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// lockedPackages lists name:arch=version of a lock's platform, sorted.
func lockedPackages(t *testing.T, path, platform string) []string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var l struct {
		Platforms map[string]struct {
			Packages []struct{ Name, Version, Architecture string }
		}
	}
	if err := json.Unmarshal(data, &l); err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, p := range l.Platforms[platform].Packages {
		list = append(list, p.Name+" "+p.Version+" "+p.Architecture)
	}
	slices.Sort(list)
	return list
}

func TestDpkgListsTheLockedPackages(t *testing.T) {
	real(t)
	for _, name := range exampleNames {
		for _, platform := range []string{"linux/amd64", "linux/arm64"} {
			t.Run(name+"/"+platform, func(t *testing.T) {
				dir := example(t, name)
				r := build(t, dir, "--platform", platform, "-o", "oci:image.oci", "-o", "folder:root")
				out := run(t, dir, "dpkg-query", "--admindir=root/var/lib/dpkg", "-W", "-f", "${Package} ${Version} ${Architecture} ${db:Status-Abbrev}\n")
				got := strings.Split(strings.TrimRight(out, "\n"), "\n")
				slices.Sort(got)
				var want []string
				for _, p := range lockedPackages(t, filepath.Join(dir, "kiln.lock"), platform) {
					want = append(want, p+" ii ")
				}
				if !slices.Equal(got, want) {
					t.Errorf("dpkg lists\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
				if n := r.platform(t, platform).Packages; n != len(want) {
					t.Errorf("build reports %d packages, the lock has %d", n, len(want))
				}
				// Of another architecture's packages a dpkg complains that it cannot configure them.
				if platform != "linux/amd64" {
					return
				}
				if out := run(t, dir, "dpkg", "--root="+filepath.Join(dir, "root"), "--audit"); out != "" {
					t.Errorf("dpkg --audit says %s", out)
				}
			})
		}
	}
}

func TestOtherToolsAcceptTheLayout(t *testing.T) {
	real(t)
	dir := example(t, "debug")
	r := build(t, dir, "--platform", "linux/amd64", "-o", "oci:image.oci", "-o", "oci-archive:image.oci.tar", "-o", "docker-archive:image.tar", "-o", "tar:root.tar")
	want := r.platform(t, "linux/amd64").Digest
	var seen struct{ Digest string }
	for _, ref := range []string{"oci:image.oci", "oci-archive:image.oci.tar"} {
		if err := json.Unmarshal([]byte(run(t, dir, "skopeo", "inspect", ref)), &seen); err != nil || seen.Digest != want {
			t.Errorf("skopeo inspect %s: digest %s, want %s (%v)", ref, seen.Digest, want, err)
		}
	}
	run(t, dir, "skopeo", "inspect", "docker-archive:image.tar")
	run(t, dir, "umoci", "unpack", "--rootless", "--image", "image.oci:"+refName(t, dir), "bundle")
	want = run(t, dir, "tar", "-tf", "root.tar")
	if !strings.Contains(want, "var/lib/dpkg/status") {
		t.Errorf("the plain tar holds no dpkg database:\n%s", want)
	}
	if _, err := os.Stat(filepath.Join(dir, "bundle", "rootfs", "etc", "passwd")); err != nil {
		t.Error(err)
	}
	podman := engines()[1]
	podman.remove(t, podman.load(t, filepath.Join(dir, "image.oci.tar")))
}

// refName is the tag that the layout gives its image.
func refName(t *testing.T, dir string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "image.oci", "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var index struct {
		Manifests []struct{ Annotations map[string]string }
	}
	if err := json.Unmarshal(data, &index); err != nil || len(index.Manifests) == 0 {
		t.Fatalf("index.json: %v", err)
	}
	return index.Manifests[0].Annotations["org.opencontainers.image.ref.name"]
}
