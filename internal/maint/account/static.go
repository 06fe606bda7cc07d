package account

import (
	"fmt"
	"strings"
)

// Debian gives the ids 0 to 99 and 65534 to the same names on every system (Policy
// 9.2.2), so a file can be theirs although the image does not list the name.
// staticUsers and staticGroups are the names with such ids in base-passwd 3.6.7 of
// trixie, /usr/share/base-passwd/passwd.master (name, uid, gid) and group.master
// (name, gid). The group users is not among them: its 100 is no id that policy fixes.
const (
	staticUsers = `
root 0 0
daemon 1 1
bin 2 2
sys 3 3
sync 4 65534
games 5 60
man 6 12
lp 7 7
mail 8 8
news 9 9
uucp 10 10
proxy 13 13
www-data 33 33
backup 34 34
list 38 38
irc 39 39
_apt 42 65534
nobody 65534 65534
`
	staticGroups = `
root 0
daemon 1
bin 2
sys 3
adm 4
tty 5
disk 6
lp 7
mail 8
news 9
uucp 10
man 12
proxy 13
kmem 15
dialout 20
fax 21
voice 22
cdrom 24
floppy 25
tape 26
sudo 27
audio 29
dip 30
www-data 33
backup 34
operator 37
list 38
irc 39
src 40
shadow 42
utmp 43
video 44
sasl 45
plugdev 46
staff 50
games 60
nogroup 65534
`
)

// StaticUser returns the uid and the primary gid that a name has on every Debian
// system.
func StaticUser(name string) (uid, gid int, ok bool) {
	for line := range strings.Lines(staticUsers) {
		var n string
		if _, err := fmt.Sscan(line, &n, &uid, &gid); err == nil && n == name {
			return uid, gid, true
		}
	}
	return -1, -1, false
}

// StaticGroup is StaticUser for groups.
func StaticGroup(name string) (gid int, ok bool) {
	for line := range strings.Lines(staticGroups) {
		var n string
		if _, err := fmt.Sscan(line, &n, &gid); err == nil && n == name {
			return gid, true
		}
	}
	return -1, false
}

// OwnerUID returns the uid of the user as whom a file's owner is named: one of the
// files, or one that has the same uid everywhere. It has no answer where that uid is
// somebody else's here.
func (f *Files) OwnerUID(name string) (int, bool) {
	if u, ok := f.User(name); ok {
		return u.UID, true
	}
	uid, _, ok := StaticUser(name)
	if _, taken := f.UserByID(uid); taken {
		return -1, false
	}
	return uid, ok
}

// OwnerGID is OwnerUID for groups.
func (f *Files) OwnerGID(name string) (int, bool) {
	if g, ok := f.Group(name); ok {
		return g.GID, true
	}
	gid, ok := StaticGroup(name)
	if _, taken := f.GroupByID(gid); taken {
		return -1, false
	}
	return gid, ok
}
