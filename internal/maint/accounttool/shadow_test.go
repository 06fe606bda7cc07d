package accounttool_test

import (
	"testing"

	"kiln/internal/maint/toolbox/toolboxtest"
)

// What the commands of shadow make of one user and one group, or the status with
// which they say no.
func TestShadowCommands(t *testing.T) {
	const passwd, group = "me:x:1000:1000:Me:/home/me:/bin/sh\n", "team:x:50:me\nme:x:1000:\n"
	for _, row := range []struct {
		call         string
		status       int
		file, ending string
	}{
		{"groupadd -g 60 new", 0, "group", "new:x:60:\n"},
		{"groupadd -g 50 new", 4, "group", group},
		{"groupadd -o -g 50 new", 0, "group", "new:x:50:\n"},
		{"groupadd -f -g 50 new", 0, "group", "new:x:1001:\n"},
		{"groupadd -g x new", 3, "group", group},
		{"groupadd -K GID_MIN=2000 -U me,root new", 0, "group", "new:x:2000:me,root\n"},
		{"groupadd -K GID_MIN new", 3, "group", group},
		{"groupadd a:b", 3, "group", group},
		{"groupadd", 2, "group", group},
		{"groupadd a b", 2, "group", group},
		{"groupmod -n crew team", 0, "group", "crew:x:50:me\nme:x:1000:\n"},
		{"groupmod -g 1000 team", 4, "group", group},
		{"groupmod -o -g 1000 team", 0, "group", "team:x:1000:me\nme:x:1000:\n"},
		{"groupmod -g 50 team", 0, "group", group},
		{"groupmod -n me team", 9, "group", group},
		{"groupmod -g -1 team", 3, "group", group},
		{"groupmod -g 7 none", 6, "group", group},
		{"groupmod -g 1001 me", 0, "passwd", "me:x:1000:1001:Me:/home/me:/bin/sh\n"},
		{"groupdel me", 8, "group", group},
		{"groupdel -f me", 0, "group", "team:x:50:me\n"},
		{"groupdel none", 6, "group", group},
		{"useradd -N -u 1000 you", 4, "passwd", passwd},
		{"useradd -N -o -u 1000 you", 0, "passwd", "you:x:1000:100::/home/you:/bin/sh\n"},
		{"useradd -u x you", 3, "passwd", passwd},
		{"useradd -g 50 -G me,1000 you", 0, "group", "team:x:50:me\nme:x:1000:you\n"},
		{"useradd -G none you", 6, "passwd", passwd},
		{"useradd -U me2", 0, "group", "me2:x:1001:\n"},
		{"useradd team", 9, "passwd", passwd},
		{"usermod -u 0 me", 4, "passwd", passwd},
		{"usermod -o -u 0 -g 50 -d /d -s /s -c C me", 0, "passwd", "me:x:0:50:C:/d:/s\n"},
		{"usermod -u x me", 3, "passwd", passwd},
		{"usermod -g none me", 6, "passwd", passwd},
		{"usermod -u 5 none", 6, "passwd", passwd},
		{"usermod -G me me", 0, "group", "team:x:50:\nme:x:1000:me\n"},
		{"usermod -r -G 50 me", 0, "group", "team:x:50:\nme:x:1000:\n"},
		{"usermod -l you me", 0, "group", "team:x:50:you\nme:x:1000:\n"},
		{"usermod -l root me", 9, "passwd", passwd},
		{"usermod -p hash me", 0, "shadow", "me:hash:20000::::::\n"},
		{"usermod -p hash -L -e 1 me", 0, "shadow", "me:hash:20000:::::1:\n"},
		{"usermod -L -e -1 me", 0, "shadow", "me:!*:20000::::::\n"},
		{"usermod -U me", 0, "shadow", "me:*:20000::::::\n"},
		{"userdel me", 0, "group", "team:x:50:\n"},
		{"userdel none", 6, "passwd", passwd},
		{"gpasswd -M me,root users", 0, "group", group},
		{"passwd -l none", 1, "shadow", "me:*:19000::::::\n"},
		{"passwd -d me", 0, "shadow", "me::20000::::::\n"},
		{"chage -d 3 -E -1 -I 4 -m 1 -M 2 -W 5 me", 0, "shadow", "me:*:3:1:2:5:4::\n"},
		{"chage -d 3 none", 1, "shadow", "me:*:19000::::::\n"},
		{"chfn -f Full -r 12 me", 0, "passwd", "me:x:1000:1000:Full,12,,:/home/me:/bin/sh\n"},
		{"chsh -s /bin/x me", 0, "passwd", "me:x:1000:1000:Me:/home/me:/bin/x\n"},
		{"chsh -s /bin/x none", 1, "passwd", passwd},
	} {
		t.Run(row.call, func(t *testing.T) {
			s := toolboxtest.Accounts(t, map[string]string{
				"/etc/passwd": "root:x:0:0:root:/root:/bin/bash\n" + passwd, "/etc/group": "root:x:0:\nusers:x:100:\n" + group,
				"/etc/shadow": "root:*:20000:0:99999:7:::\nme:*:19000::::::\n", "/etc/gshadow": "root:*::\nusers:*::\nteam:!::me\nme:!::\n",
			})
			s.Fails(row.call, row.status)
			s.Ends("/etc/"+row.file, row.ending)
		})
	}
	s := toolboxtest.Accounts(t, nil)
	s.Refuses("chfn nobody", "nobody is there")
	s.Refuses("chage -d tomorrow nobody", "no number of days")
	s.Refuses("chage nobody", "something to set")
	s.Refuses("usermod -e 2030-01-01 nobody", "ends on a date")
	s.Refuses("useradd -e 2030-01-01 x", "ends on a date")
	s.Refuses("gpasswd nobody", "one at a time")
}
