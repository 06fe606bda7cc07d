package sandbox

import (
	"os"
	"strconv"
	"strings"
)

// leastUsers is how many users a namespace has in which root can become any that an image has.
const leastUsers = 65536

// IsRoot tells whether this process is a root that can become other users: not so in a user
// namespace that has one user only (user_namespaces(7)).
func IsRoot() bool {
	if os.Geteuid() != 0 {
		return false
	}
	text, err := os.ReadFile("/proc/self/uid_map")
	return err != nil || usersIn(string(text)) >= leastUsers
}

// usersIn counts the users of a uid_map: lines of first inside, first outside, number.
func usersIn(text string) (n int64) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			continue
		}
		count, _ := strconv.ParseInt(fields[2], 10, 64) // what is no number counts nothing
		n += count
	}
	return n
}
