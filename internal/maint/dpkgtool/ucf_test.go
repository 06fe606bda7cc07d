package dpkgtool_test

import (
	"strings"
	"testing"

	"kiln/internal/maint/toolbox/toolboxtest"
)

func TestUcf(t *testing.T) {
	s := toolboxtest.New(t, map[string]string{"/usr/share/app/conf": "one\n", "/usr/share/app/conf2": "two\n", "/etc/edited": "mine\n"})
	s.OK("ucf --three-way --debconf-ok /usr/share/app/conf /etc/app.conf")
	s.Is("/etc/app.conf", "one\n")
	s.Is("/var/lib/ucf/hashfile", "5bbf5a52328e7439ae6e719dfe712200  /etc/app.conf\n")
	s.Is("/var/lib/ucf/cache/:etc:app.conf", "one\n")
	s.OK("ucf /usr/share/app/conf2 /etc/app.conf")
	s.Is("/etc/app.conf", "two\n")
	s.OK("ucf /usr/share/app/conf /etc/edited")
	s.Is("/etc/edited", "mine\n")
	s.Is("/etc/edited.ucf-dist", "one\n")
	s.OK("ucfr app /etc/app.conf")
	s.OK("ucfr app /etc/app.conf")
	s.Is("/var/lib/ucf/registry", "app \t /etc/app.conf\n")
	s.Fails("ucfr other /etc/app.conf", 4)
	s.OK("ucfr --purge app /etc/app.conf")
	s.Is("/var/lib/ucf/registry", "")
	s.OK("ucf --purge /etc/app.conf")
	if strings.Contains(s.File("/var/lib/ucf/hashfile"), "/etc/app.conf") {
		t.Error("purging leaves the sum")
	}
	s.Fails("ucf /etc/app.conf", 2)
	s.Refuses("ucf --frob a b", "--frob")
}
