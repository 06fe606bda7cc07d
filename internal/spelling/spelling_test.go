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

// A limit cuts off what is above it, and nothing else.
func TestWithin(t *testing.T) {
	for limit := range 8 {
		for _, row := range [][2]string{{"", "abc"}, {"kitten", "sitting"}, {"openssl", "libssl"}, {"same", "same"}} {
			if got, want := Within(row[0], row[1], limit), min(Distance(row[0], row[1]), limit+1); got != want {
				t.Errorf("%q, limit %d: %d, want %d", row, limit, got, want)
			}
		}
	}
}
