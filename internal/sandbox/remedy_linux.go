package sandbox

import (
	"os"
	"strings"
)

// remedies say what to type on a system that refuses, by what it says of itself.
func remedies() []string {
	var hints []string
	for _, s := range []struct{ file, bad, hint string }{
		{"/proc/sys/kernel/unprivileged_userns_clone", "0", "let users have namespaces: sudo sysctl kernel.unprivileged_userns_clone=1"},
		{"/proc/sys/user/max_user_namespaces", "0", "let users have namespaces: sudo sysctl user.max_user_namespaces=15000"},
		{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "let users have namespaces: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile for kiln with the rule userns"},
	} {
		if text, err := os.ReadFile(s.file); err == nil && strings.TrimSpace(string(text)) == s.bad {
			hints = append(hints, s.hint)
		}
	}
	for _, mark := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(mark); err == nil {
			hints = append(hints, "in a container, start it with: --security-opt seccomp=unconfined --security-opt systempaths=unconfined")
		}
	}
	if os.Geteuid() != 0 {
		hints = append(hints, "or run kiln as root")
	}
	return hints
}
