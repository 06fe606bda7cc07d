package resolve_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"kiln"
	"kiln/internal/deb"
	"kiln/internal/resolve"
)

// A universe is written a candidate a line:
//
//	name version [arch] [key=value]... [Field: relations]; [Field: relations]...
//
// with the keys essential, ma, priority, archive and pin.
func universe(t testing.TB, text string) []resolve.Candidate {
	t.Helper()
	var list []resolve.Candidate
	for _, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, candidate(t, line))
		}
	}
	return list
}

func candidate(t testing.TB, line string) resolve.Candidate {
	t.Helper()
	head, fields, _ := strings.Cut(line, " | ")
	words := strings.Fields(head)
	p := &deb.Package{Name: words[0], Version: words[1], Architecture: "amd64", Source: words[0], Priority: "optional"}
	c := resolve.Candidate{Package: p, Archive: "test/stable", Source: "test"}
	for _, w := range words[2:] {
		key, value, ok := strings.Cut(w, "=")
		switch {
		case !ok:
			p.Architecture = w
		case key == "ma":
			p.MultiArch = value
		case key == "essential":
			p.Essential = true
		case key == "priority":
			p.Priority = value
		case key == "from":
			c.Source, c.Archive = value, value+"/stable"
		case key == "pin":
			if _, err := fmt.Sscan(value, &c.Priority); err != nil {
				t.Fatal(err)
			}
		default:
			t.Fatalf("bug: unknown word %q in %q", w, line)
		}
	}
	for _, f := range strings.Split(fields, ";") {
		if f = strings.TrimSpace(f); f != "" {
			setField(t, p, f)
		}
	}
	return c
}

func setField(t testing.TB, p *deb.Package, field string) {
	t.Helper()
	name, value, _ := strings.Cut(field, ":")
	relations, err := deb.ParseRelations(strings.TrimSpace(value))
	if err != nil {
		t.Fatal(err)
	}
	switch name {
	case "Pre-Depends":
		p.PreDepends = relations
	case "Depends":
		p.Depends = relations
	case "Recommends":
		p.Recommends = relations
	case "Conflicts":
		p.Conflicts = relations
	case "Breaks":
		p.Breaks = relations
	case "Provides":
		p.Provides = relations
	default:
		t.Fatalf("bug: unknown field %q", name)
	}
}

// wants reads "name[:arch] [(op version)] [@source] [-without]...", comma separated.
func wants(t testing.TB, text string) []resolve.Want {
	t.Helper()
	var list []resolve.Want
	for i, part := range strings.Split(text, ",") {
		words := strings.Fields(strings.NewReplacer("(", "", ")", "").Replace(part))
		w := resolve.Want{Place: fmt.Sprintf("layers[base].packages[%d]", i)}
		w.Name, w.Arch, _ = strings.Cut(words[0], ":")
		for rest := words[1:]; len(rest) > 0; rest = rest[1:] {
			switch {
			case rest[0][0] == '@':
				w.Source = rest[0][1:]
			case rest[0][0] == '-':
				w.Without = append(w.Without, rest[0][1:])
			default:
				w.Op, w.Version = rest[0], rest[1]
				rest = rest[1:]
			}
		}
		list = append(list, w)
	}
	return list
}

// dump writes a set as "name[:arch]=version<required by", space separated.
func dump(sol *resolve.Solution) string {
	var list []string
	for _, p := range sol.Packages {
		name := p.Name
		if p.Architecture != "amd64" && p.Architecture != "all" {
			name += ":" + p.Architecture
		}
		list = append(list, name+"="+p.Version+"<"+strings.Join(p.RequiredBy, ","))
	}
	return strings.Join(list, " ")
}

// answers runs a request, in many orders of wants and candidates, and returns
// the one answer: the set, or the text of the failure with its hints.
func answers(t *testing.T, candidates []resolve.Candidate, req resolve.Request) string {
	t.Helper()
	answer := ""
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 20 {
		got := ""
		sol, err := resolve.Resolve(context.Background(), resolve.NewIndex(candidates), req)
		if err != nil {
			got = err.Error() + "\nhints: " + strings.Join(kiln.HintsOf(err), "; ")
		} else {
			got = dump(sol)
			checkBoth(t, resolve.NewIndex(candidates), req)
		}
		if round > 0 && got != answer {
			t.Fatalf("another order gives another answer:\n%s\n%s", answer, got)
		}
		answer = got
		random.Shuffle(len(candidates), func(i, j int) { candidates[i], candidates[j] = candidates[j], candidates[i] })
		random.Shuffle(len(req.Wants), func(i, j int) { req.Wants[i], req.Wants[j] = req.Wants[j], req.Wants[i] })
	}
	return answer
}
