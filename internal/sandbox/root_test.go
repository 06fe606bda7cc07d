package sandbox

import "testing"

func TestUsersIn(t *testing.T) {
	for text, want := range map[string]int64{
		"         0          0 4294967295\n":                                   4294967295,
		"         0       1000          1\n":                                   1,
		"         0       1000          1\n         1     100000      65536\n": 65537,
		"":       0,
		"junk\n": 0,
	} {
		if got := usersIn(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}
