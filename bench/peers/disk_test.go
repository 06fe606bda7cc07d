package main

import "testing"

func TestAboveLayers(t *testing.T) {
	for _, one := range []struct{ text, want string }{
		{"a: 1\nlayers:\n  - name: x\n\n# of the rest\nsystem:\n  b: 2\n", "a: 1\nlayers:\n  - name: x\n\n# of the rest\n+\nsystem:\n  b: 2\n"},
		{"a: 1\nlayers:\n  - name: x\n", "a: 1\nlayers:\n  - name: x\n+\n"},
		{"a: 1\n", "a: 1\n"},
	} {
		if got := aboveLayers(one.text, "+\n"); got != one.want {
			t.Errorf("%q became %q, want %q", one.text, got, one.want)
		}
	}
}
