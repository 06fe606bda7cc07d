package harden

import (
	"path"
	"strings"

	"kiln/internal/maint/account"
)

// accountRules change passwd and shadow.
func accountRules() []Rule {
	return []Rule{
		{
			Name: "noninteractive", Why: "accounts that run services have nobody to log in",
			Does:   "gives every user but root the shell /usr/sbin/nologin, and locks its password. One whose shell is no shell (nologin, false, sync) keeps it.",
			Except: "users", apply: applyNoninteractive,
			Answers: cis("5.4.2.7", "Ensure system accounts do not have a valid login shell", "5.4.2.8", "Ensure accounts without a valid login shell are locked"),
		},
		{
			Name: "root-locked", Why: "root is nobody's name: who did something as root should be known",
			Does:   "locks root's password. The shell stays: root by another way (a container's user, a unit, su from root) is not affected.",
			Except: "none", apply: applyRootLocked,
			Answers: append(cis("5.4.2.4", "Ensure root account access is controlled"), stig("UBTU-24-400110", "must prevent direct login into the root account")...),
			Notes:   "systemd's rescue and emergency shells ask for root's password: with none, they cannot be entered.",
		},
	}
}

// noShells are programs that a user may have for a shell without being able to do
// anything.
var noShells = []string{"nologin", "false", "true", "sync", "shutdown", "halt", "reboot"}

func isNoShell(shell string) bool {
	for _, n := range noShells {
		if path.Base(shell) == n {
			return true
		}
	}
	return false
}

const (
	passwd  = "/etc/passwd"
	shadow  = "/etc/shadow"
	nologin = "/usr/sbin/nologin"
)

func applyNoninteractive(c *change) error {
	return c.accounts(func(u *account.User) bool {
		if u.UID == 0 || c.excepts(u.Name) {
			return false
		}
		if !isNoShell(u.Shell) {
			u.Shell = nologin
		}
		return true
	})
}

func applyRootLocked(c *change) error {
	return c.accounts(func(u *account.User) bool { return u.UID == 0 })
}

// accounts changes users, and locks the passwords of those for which change says so.
func (c *change) accounts(change func(*account.User) (lock bool)) error {
	text, ok, err := c.read(passwd)
	if err != nil || !ok {
		return err
	}
	users, err := account.ParseUsers([]byte(text))
	if err != nil {
		return c.refuse("cannot read %s: %v", passwd, err)
	}
	locked := map[string]bool{}
	for i := range users {
		u := &users[i]
		locked[u.Name] = change(u)
		if locked[u.Name] && u.Password != "x" { // else shadow has it
			u.Password = lockedPassword(u.Password)
		}
	}
	if err := c.write(passwd, string(account.Print(users)), 0o644); err != nil {
		return err
	}
	text, ok, err = c.read(shadow)
	if err != nil || !ok {
		return err
	}
	shadows, err := account.ParseShadows([]byte(text))
	if err != nil {
		return c.refuse("cannot read %s: %v", shadow, err)
	}
	for i := range shadows {
		if locked[shadows[i].Name] {
			shadows[i].Password = lockedPassword(shadows[i].Password)
		}
	}
	return c.write(shadow, string(account.Print(shadows)), 0o640)
}

// lockedPassword is the field of shadow(5) with which no password fits: one that
// begins with "!" or "*" is so already.
func lockedPassword(field string) string {
	if strings.HasPrefix(field, "!") || strings.HasPrefix(field, "*") {
		return field
	}
	return "!" + field
}
