package spelling

import "testing"

func TestDistance(t *testing.T) {
	for _, row := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "ab", 2}, {"kitten", "sitting", 3}, {"ssh", "sssh", 1}, {"abc", "abc", 0}} {
		if got, back := Distance(row.a, row.b), Distance(row.b, row.a); got != row.want || back != row.want {
			t.Errorf("%q, %q: %d and %d, want %d", row.a, row.b, got, back, row.want)
		}
	}
}
