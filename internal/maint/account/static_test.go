package account_test

import (
	"testing"

	"kiln/internal/maint/account"
)

// Names resolve to what the tree says, then to what Debian fixes; never to an id
// that is somebody else's in the tree, nor to one that no policy fixes.
func TestOwnersOfEveryDebianSystem(t *testing.T) {
	f := &account.Files{
		Users:  []account.User{{Name: "root"}, {Name: "web", UID: 33, GID: 33}, {Name: "mail", UID: 10008, GID: 10008}},
		Groups: []account.Group{{Name: "root"}, {Name: "logs", GID: 4}, {Name: "staff", GID: 10050}},
	}
	for name, want := range map[string]int{"root": 0, "web": 33, "mail": 10008, "man": 6, "_apt": 42, "nobody": 65534, "www-data": -1, "messagebus": -1, "": -1} {
		if got, ok := f.OwnerUID(name); got != want || ok != (want >= 0) {
			t.Errorf("user %q: %d, %t, want %d", name, got, ok, want)
		}
	}
	for name, want := range map[string]int{"root": 0, "logs": 4, "staff": 10050, "mail": 8, "utmp": 43, "shadow": 42, "nogroup": 65534, "adm": -1, "users": -1, "systemd-journal": -1} {
		if got, ok := f.OwnerGID(name); got != want || ok != (want >= 0) {
			t.Errorf("group %q: %d, %t, want %d", name, got, ok, want)
		}
	}
	for name, want := range map[string][2]int{"sync": {4, 65534}, "games": {5, 60}, "man": {6, 12}} {
		if uid, gid, ok := account.StaticUser(name); !ok || [2]int{uid, gid} != want {
			t.Errorf("user %q: %d, %d, %t, want %v", name, uid, gid, ok, want)
		}
	}
}
