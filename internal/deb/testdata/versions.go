//go:build ignore

// Makes versions.txt and validity.txt with the dpkg at hand. Run in internal/deb:
//
//	go run testdata/versions.go PACKAGES
//
// PACKAGES is the Packages file of an archive, from which come the real versions
// and the real bounds. The choice of pairs is fixed by a seed; the verdicts are
// dpkg's. Each line of versions.txt is "A B VERDICT", where VERDICT is <, = or >;
// each of validity.txt a quoted string and "valid" or "invalid".
package main

import (
	"bytes"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

type pair struct{ a, b string }

func main() {
	packages, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	g := &generator{rand.New(rand.NewPCG(1, 13)), findVersions(packages), map[pair]bool{}, nil}
	g.bounds(packages, 3500)
	g.neighbours(3000)
	g.mutants(3000)
	g.nasty(3500)
	var out bytes.Buffer
	for _, p := range g.pairs {
		fmt.Fprintf(&out, "%s %s %s\n", p.a, p.b, verdict(p))
	}
	save("testdata/versions.txt", out.Bytes())
	save("testdata/validity.txt", g.validity(1500))
}

func save(name string, b []byte) {
	if err := os.WriteFile(name, b, 0o644); err != nil {
		log.Fatal(err)
	}
}

func findVersions(packages []byte) []string {
	var all []string
	for _, m := range regexp.MustCompile(`(?m)^Version: (\S+)$`).FindAllSubmatch(packages, -1) {
		all = append(all, string(m[1]))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func verdict(p pair) string {
	for _, op := range []string{"lt", "eq", "gt"} {
		if exec.Command("dpkg", "--compare-versions", p.a, op, p.b).Run() == nil {
			return map[string]string{"lt": "<", "eq": "=", "gt": ">"}[op]
		}
	}
	log.Fatalf("dpkg does not order %q and %q", p.a, p.b)
	return ""
}

type generator struct {
	rand  *rand.Rand
	real  []string
	seen  map[pair]bool
	pairs []pair
}

func (g *generator) add(a, b string) {
	if p := (pair{a, b}); !g.seen[p] {
		g.seen[p] = true
		g.pairs = append(g.pairs, p)
	}
}

// bounds takes pairs that a resolver really compares: a package's version and a
// bound that another package puts on it.
func (g *generator) bounds(packages []byte, n int) {
	version := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^Package: (\S+)\n(?:.*\n)*?Version: (\S+)$`).FindAllSubmatch(packages, -1) {
		version[string(m[1])] = string(m[2])
	}
	all := regexp.MustCompile(`([a-z0-9][a-z0-9+.-]+) \([<>=]+ ([^)\s]+)\)`).FindAllSubmatch(packages, -1)
	for range n {
		m := all[g.rand.IntN(len(all))]
		if v := version[string(m[1])]; v != "" {
			g.add(v, string(m[2]))
		}
	}
}

// neighbours takes versions that differ late.
func (g *generator) neighbours(n int) {
	for range n {
		i := g.rand.IntN(len(g.real) - 4)
		g.add(g.real[i], g.real[i+g.rand.IntN(4)])
	}
}

func (g *generator) mutants(n int) {
	for range n {
		v := g.real[g.rand.IntN(len(g.real))]
		g.add(v, g.mutate(v))
		g.add(g.mutate(v), g.mutate(v))
	}
}

func (g *generator) mutate(v string) string {
	switch g.rand.IntN(9) {
	case 0:
		return v + "~"
	case 1:
		return v + pick(g, "+b1", "+deb13u1", "~bpo12+1", "+nmu1", "ubuntu2", ".0", "a", "0")
	case 2:
		return v + "-0"
	case 3:
		return strconv.Itoa(g.rand.IntN(3)) + ":" + v[strings.IndexByte(v, ':')+1:]
	case 4:
		if i := strings.LastIndexByte(v, '-'); i > 0 {
			return v[:i]
		}
	case 5:
		i := firstDigitAfter(v, g.rand.IntN(len(v)))
		return v[:i] + "0" + v[i:]
	case 6:
		i := firstDigitAfter(v, g.rand.IntN(len(v)))
		return v[:i] + strconv.Itoa(g.rand.IntN(20)) + v[i:]
	case 7:
		i := strings.IndexByte(v, ':') + 2 // behind the first digit of the version
		return v[:i] + pick(g, "~", ".", "+", "z", "Z", "~~", "~a") + v[i:]
	}
	return strings.Replace(v, ".", pick(g, "~", "+", "", "..", ".0"), 1)
}

func firstDigitAfter(v string, i int) int {
	if n := strings.IndexAny(v[i:], "0123456789"); n >= 0 {
		return i + n
	}
	return strings.IndexAny(v, "0123456789")
}

func pick(g *generator, from ...string) string { return from[g.rand.IntN(len(from))] }

// nasty makes pairs that share most of their pieces.
func (g *generator) nasty(n int) {
	for range n {
		common := g.pieces(g.rand.IntN(4))
		epochA, epochB := pick(g, "", "", "0:", "1:", "007:", "2147483647:"), pick(g, "", "", "0:", "1:", "10:")
		tailA, tailB := pick(g, "", "", "-0", "-1", "-~", "-a", "-1-1"), pick(g, "", "", "-0", "-00", "-1~", "-A", "-+")
		first := pick(g, "0", "1", "00", "9", "10", "018446744073709551616")
		g.add(epochA+first+common+g.pieces(g.rand.IntN(3))+tailA, epochB+first+common+g.pieces(g.rand.IntN(3))+tailB)
	}
}

func (g *generator) pieces(n int) string {
	var b strings.Builder
	for range n {
		b.WriteString(pick(g, "~", "~~", "+", ".", "a", "Z", "z", "aa", "0", "00", "1", "01", "9", "10",
			"rc1", "99999999999999999999999999", "100000000000000000000000000", "00000000000000000000000000001"))
	}
	return b.String()
}

// validity judges strings that are nearly versions.
func (g *generator) validity(n int) []byte {
	fixed := []string{"", ":", "-", "1:", ":1", "1-", "-1", "a", "1a", "a1", "~1", "+1", "1:a", "1:-1", "1--1", "1-1-", "0:0-0",
		"+1:1", "-1:1", "-0:1", "+:1", "2147483647:1", "2147483648:1", "-2147483648:1", "99999999999999999999:1", "0x1:1", "1.5:1",
		"1:2:3", "1:2:3-4", "1-2:3", "1_2", "1-2_3", "1 2", "1\t2", "1/2", "1é", "1-é", "1\x01", "00:1", "1::1", "1:1:", "1-1+1~1.a"}
	var out bytes.Buffer
	seen := map[string]bool{}
	judge := func(v string) {
		if seen[v] || strings.TrimSpace(v) != v || strings.HasPrefix(v, "--") {
			return
		}
		seen[v] = true
		word := "valid"
		if exec.Command("dpkg", "--validate-version", "--", v).Run() != nil {
			word = "invalid"
		}
		fmt.Fprintf(&out, "%q %s\n", v, word)
	}
	for _, v := range fixed {
		judge(v)
	}
	for range n {
		v := pick(g, "", "1", "0", "1:", "12:", "a:", "+3:", "-3:", "~") + g.pieces(g.rand.IntN(3)) +
			pick(g, "", "", "_", "!", ":", "-", "-1", "-1:2", " ", "=", "-~", "%") + g.pieces(g.rand.IntN(2))
		judge(v)
	}
	return out.Bytes()
}
