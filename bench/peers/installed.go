package main

import (
	"archive/tar"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"kiln/internal/deb"
	"kiln/internal/lock"
)

// checkInstalled makes sure that a root file system in a tar has just the packages
// of the lock, installed: a peer that does less is no peer.
func checkInstalled(file string, l *lock.Lock) error {
	var want []string
	for _, p := range packagesOf(l) {
		want = append(want, p.Name+" "+p.Version)
	}
	got, err := installedIn(file)
	if err != nil {
		return fmt.Errorf("cannot read %s: %w", file, err)
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		return fmt.Errorf("%s has other packages than the lock: %d and %d\nhas  %v\nlock %v", file, len(got), len(want), got, want)
	}
	return nil
}

// installedIn lists "NAME VERSION" of what dpkg's database in a tar calls installed.
func installedIn(file string) ([]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := tar.NewReader(f)
	for {
		h, err := r.Next()
		if err != nil {
			return nil, err
		}
		if strings.TrimPrefix(h.Name, "./") == "var/lib/dpkg/status" {
			return installed(r)
		}
	}
}

func installed(status io.Reader) ([]string, error) {
	var list []string
	r := deb.NewReader(status)
	for {
		p, err := r.Next()
		if err == io.EOF {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		if p.Get("Status") == "install ok installed" {
			list = append(list, p.Get("Package")+" "+p.Get("Version"))
		}
	}
}
