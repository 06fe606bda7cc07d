package resolve_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"kiln/internal/deb"
	"kiln/internal/resolve"
)

func TestScratch(t *testing.T) {
	f, err := os.Open("/tmp/w/P")
	if err != nil {
		t.Skip()
	}
	t0 := time.Now()
	ps, err := deb.ReadPackages(f)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("read", len(ps), time.Since(t0))
	var cs []resolve.Candidate
	for _, p := range ps {
		cs = append(cs, resolve.Candidate{Package: p, Archive: "debian/trixie", Source: "debian"})
	}
	t0 = time.Now()
	ix := resolve.NewIndex(cs)
	fmt.Println("index", time.Since(t0))
	for _, names := range [][]string{{"libc6"}, {"nginx"}, {"python3", "python3-pip"}, {"systemd", "dbus", "udev"}, {"gnome"}, {"exim4-base", "postfix", "exim4"}, {"nginxx", "mail-transport-agent", "awk"}, {"openjdk-21-jdk"}, {"kde-full"}, {"calamares"}} {
		var req resolve.Request
		req.Arch = "amd64"
		for _, n := range names {
			req.Wants = append(req.Wants, resolve.Want{Name: n})
		}
		t0 = time.Now()
		sol, err := resolve.Resolve(context.Background(), ix, req)
		d := time.Since(t0)
		if err != nil {
			fmt.Println(names, d, err)
			continue
		}
		fmt.Println(names, len(sol.Packages), d)
		if len(sol.Packages) < 40 {
			for _, p := range sol.Packages {
				fmt.Println("   ", p.Name, p.Version, p.RequiredBy)
			}
		}
	}
}

func TestScratch2(t *testing.T) {
	f, err := os.Open("/tmp/w/P")
	if err != nil {
		t.Skip()
	}
	ps, err := deb.ReadPackages(f)
	var cs []resolve.Candidate
	for _, p := range ps {
		cs = append(cs, resolve.Candidate{Package: p, Archive: "debian/trixie", Source: "debian"})
	}
	ix := resolve.NewIndex(cs)
	t0 := time.Now()
	bad, err := ix.Uninstallable(context.Background(), "amd64")
	fmt.Println(time.Since(t0), err)
	for _, b := range bad {
		fmt.Println(b.Name)
		_, err := resolve.Resolve(context.Background(), ix, resolve.Request{Arch: "amd64", Wants: []resolve.Want{{Name: b.Name}}})
		fmt.Println(err)
	}
}
