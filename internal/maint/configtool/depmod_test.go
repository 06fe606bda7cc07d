package configtool_test

import (
	"strings"
	"testing"

	"kiln/internal/kmod/kmodtest"
	"kiln/internal/maint/toolbox/toolboxtest"
)

func TestDepmod(t *testing.T) {
	const dir = "/usr/lib/modules/6.12.1-test/"
	module := func(m kmodtest.Module) string { return string(m.Bytes()) }
	s := toolboxtest.New(t, map[string]string{
		"/lib": "-> usr/lib", dir + "kernel/a-b.ko": module(kmodtest.Module{Exports: []string{"a"}, Info: []string{"alias=one"}}),
		dir + "kernel/c.ko": module(kmodtest.Module{Needs: []string{"a"}}), dir + "kernel/d.ko": module(kmodtest.Module{}), dir + "kernel/out/e.ko": module(kmodtest.Module{}),
		dir + "modules.order": "kernel/d.ko\nkernel/c.ko\nkernel/a-b.ko\n", "/etc/depmod.d/own.conf": "exclude out\n", "/usr/lib/depmod.d/own.conf": "exclude kernel\n",
	})
	s.OK("depmod 6.12.1-test")
	if got, want := s.File(dir+"modules.dep"), "kernel/d.ko:\nkernel/c.ko: kernel/a-b.ko\nkernel/a-b.ko:\n"; got != want {
		t.Errorf("modules.dep is %q, want %q", got, want)
	}
	if got := s.File(dir + "modules.alias"); !strings.HasSuffix(got, "\nalias one a_b\n") {
		t.Errorf("modules.alias is %q", got)
	}
	if got := s.File(dir + "modules.dep.bin"); !strings.HasPrefix(got, "\xb0\x07\xf4\x57\x00\x02\x00\x01") {
		t.Errorf("modules.dep.bin is %q", got)
	}
	s.OK("depmod -a -F /boot/System.map 6.12.1-test")
	s.Fails("depmod 6.12.2-test", 1)
	s.Fails("depmod generic", 1)
	s.Refuses("depmod -b /target 6.12.1-test", "the tree's own indexes")
	s.OK("depmod -a")
	if n := s.Machine.Notes; len(n) != 1 || n[0].Subject != "-a" {
		t.Errorf("the notes are %v", n)
	}
	toolboxtest.Must(t, s.FS.WriteFile(dir+"kernel/x.ko", []byte("x"), 0o644))
	s.Refuses("depmod 6.12.1-test", `cannot read the module "kernel/x.ko"`)
}
