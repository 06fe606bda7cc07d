package closure_test

import (
	"debug/elf"
	"encoding/binary"
	"testing"

	"kiln/internal/linkage/linkagetest"
	"kiln/internal/maint/ldcache"
)

type spec = linkagetest.Spec

func program(needed ...string) spec {
	return spec{Interpreter: ld, Needed: append(needed, "libc.so.6")}
}

func TestLibraries(t *testing.T) {
	for _, row := range []struct {
		summary string
		make    func(*scene)
		want    []string
	}{
		{"all is there", func(s *scene) {
			s.elf("usr/bin/a*", program("liba.so.1"))
			s.elf(lib+"liba.so.1", spec{Soname: "liba.so.1"})
		}, nil},
		{"one is missing", func(s *scene) { s.elf("usr/bin/a*", program("liba.so.1")) }, []string{"library /usr/bin/a liba.so.1 !"}},
		{"one that a library needs", func(s *scene) {
			s.elf("usr/bin/a*", program("liba.so.1"))
			s.elf(lib+"liba.so.1", spec{Needed: []string{"libb.so.1"}})
		}, []string{"library /" + lib + "liba.so.1 libb.so.1 !"}},
		{"a plugin's is not certain", func(s *scene) { s.elf("usr/lib/a/plugin.so", spec{Needed: []string{"libb.so.1"}}) }, []string{"library /usr/lib/a/plugin.so libb.so.1"}},
		{"a plugin's host has it loaded", func(s *scene) {
			s.elf("usr/lib/a/plugin.so", spec{Needed: []string{"libb.so.1"}})
			s.elf("usr/lib/a/core/libb.so.1", spec{Soname: "libb.so.1"})
		}, nil},
		{"a program does not find it there", func(s *scene) {
			s.elf("usr/bin/a*", program("libb.so.1"))
			s.elf("usr/lib/a/core/libb.so.1", spec{Soname: "libb.so.1"})
		}, []string{"library /usr/bin/a libb.so.1 !"}},
		{"the interpreter is missing", func(s *scene) {
			s.elf("usr/bin/a*", spec{Interpreter: "/lib/ld-linux.so.2", Machine: elf.EM_386, Class: elf.ELFCLASS32})
		},
			[]string{"interpreter /usr/bin/a /lib/ld-linux.so.2 !"}},
		{"of a machine that the image's kernel does not run, nothing is wanted", func(s *scene) {
			s.in.Machines = []elf.Machine{elf.EM_X86_64, elf.EM_386}
			s.elf("usr/mips-linux-gnu/lib/libc.so.6*", spec{Interpreter: "/lib/ld.so.1", Machine: elf.EM_MIPS, Needed: []string{"libx.so.1"}})
			s.elf("usr/bin/old*", spec{Interpreter: "/lib/ld-linux.so.2", Machine: elf.EM_386, Class: elf.ELFCLASS32})
		}, []string{"interpreter /usr/bin/old /lib/ld-linux.so.2 !"}},
		{"but of the recipe's own program", func(s *scene) {
			s.in.Machines = []elf.Machine{elf.EM_X86_64}
			s.elf("usr/bin/a*", spec{Interpreter: "/lib/ld-linux-aarch64.so.1", Machine: elf.EM_AARCH64})
			s.own("usr/bin/a")
		}, []string{"interpreter /usr/bin/a /lib/ld-linux-aarch64.so.1 ! [a program of the recipe]"}},
		{"another machine's does not do", func(s *scene) {
			s.elf("usr/bin/a*", program("liba.so.1"))
			s.elf(lib+"liba.so.1", spec{Machine: elf.EM_AARCH64})
		}, []string{"library /usr/bin/a liba.so.1 !"}},
		{"nor that of another class, but it is passed over", func(s *scene) {
			s.elf("usr/bin/a*", program("liba.so.1"))
			s.elf(lib+"liba.so.1", spec{Class: elf.ELFCLASS32, Machine: elf.EM_386})
			s.elf("usr/lib/liba.so.1", spec{})
		}, nil},
		{"RUNPATH with $ORIGIN", func(s *scene) {
			p := program("liba.so.1")
			p.RunPath = "/nowhere:$ORIGIN/../lib/app"
			s.elf("opt/app/bin/a*", p)
			s.elf("opt/app/lib/app/liba.so.1", spec{})
		}, nil},
		{"$ORIGIN of a program is where it really is", func(s *scene) {
			p := program("liba.so.1")
			p.RunPath = "${ORIGIN}"
			s.elf("opt/app/a*", p)
			s.link("usr/bin/a", "/opt/app/a")
			s.elf("opt/app/liba.so.1", spec{})
		}, nil},
		{"RUNPATH is not inherited", func(s *scene) {
			p := program("liba.so.1")
			p.RunPath = "/opt/lib"
			s.elf("usr/bin/a*", p)
			s.elf("opt/lib/liba.so.1", spec{Needed: []string{"libb.so.1"}})
			s.elf("opt/lib/libb.so.1", spec{})
		}, []string{"library /opt/lib/liba.so.1 libb.so.1 !"}},
		{"RPATH is", func(s *scene) {
			p := program("liba.so.1")
			p.RPath = "/opt/lib"
			s.elf("usr/bin/a*", p)
			s.elf("opt/lib/liba.so.1", spec{Needed: []string{"libb.so.1"}})
			s.elf("opt/lib/libb.so.1", spec{})
		}, nil},
		{"but not by what has a RUNPATH", func(s *scene) {
			p := program("liba.so.1")
			p.RPath = "/opt/lib"
			s.elf("usr/bin/a*", p)
			s.elf("opt/lib/liba.so.1", spec{Needed: []string{"libb.so.1"}, RunPath: "/opt/other"})
			s.elf("opt/lib/libb.so.1", spec{})
		}, []string{"library /opt/lib/liba.so.1 libb.so.1 !"}},
		{"loaded already", func(s *scene) {
			p := program("libb.so.1", "liba.so.1")
			p.RunPath = "/opt/lib"
			s.elf("usr/bin/a*", p)
			s.elf("opt/lib/liba.so.1", spec{Needed: []string{"libb.so.1"}})
			s.elf("opt/lib/libb.so.1", spec{})
		}, nil},
		{"LD_LIBRARY_PATH", func(s *scene) {
			s.in.LibraryPath = []string{"/opt/lib"}
			s.elf("usr/bin/a*", program("libb.so.1"))
			s.elf("opt/lib/libb.so.1", spec{})
		}, nil},
		{"ld.so.cache", func(s *scene) {
			s.elf("usr/bin/a*", program("libb.so.1", "libgone.so.1"))
			s.elf("opt/lib/libb.so.1", spec{})
			s.file("etc/ld.so.cache", string(ldcache.Write([]ldcache.Entry{
				{Name: "libb.so.1", Path: "/opt/lib/libb.so.1", Flags: 0x303}, {Name: "libgone.so.1", Path: "/opt/lib/libgone.so.1", Flags: 0x303},
			}, "test", binary.LittleEndian)))
		}, []string{"library /usr/bin/a libgone.so.1 !"}},
		{"a name with a folder", func(s *scene) {
			s.elf("usr/bin/a*", program("/opt/lib/libb.so.1", "/opt/lib/libc.so.1"))
			s.elf("opt/lib/libb.so.1", spec{})
		}, []string{"library /usr/bin/a /opt/lib/libc.so.1 !"}},
		{"musl is left alone", func(s *scene) {
			s.elf("usr/bin/a*", spec{Interpreter: "/lib/ld-musl-x86_64.so.1", Needed: []string{"libx.so"}})
		},
			[]string{"interpreter /usr/bin/a /lib/ld-musl-x86_64.so.1 !"}},
		{"static, relocatable and what debuggers read", func(s *scene) {
			s.elf("usr/bin/a*", spec{Static: true})
			s.elf("usr/lib/debug/a.so", spec{Needed: []string{"libx.so.1"}})
		}, nil},
		{"what the image starts", func(s *scene) {
			s.elf("usr/bin/a*", program("liba.so.1"))
			s.elf("usr/bin/b*", program("liba.so.1"))
			s.in.Commands = []closureCommand{{Recipe: "container.entrypoint", Words: []string{"b", "/no/file"}}}
		}, []string{"library /usr/bin/a liba.so.1 !", "library /usr/bin/b liba.so.1 ! [container.entrypoint]"}},
	} {
		t.Run(row.summary, func(t *testing.T) {
			s := newScene(t)
			s.glibc()
			row.make(s)
			s.finds(row.want...)
		})
	}
}

// A finding says where a library is that is not searched for there, and which
// program suffers.
func TestLibraryThere(t *testing.T) {
	s := newScene(t)
	s.glibc()
	s.elf("usr/bin/a*", program("liba.so.1"))
	s.elf(lib+"liba.so.1", spec{Needed: []string{"libb.so.1"}})
	s.elf("opt/libb.so.1", spec{})
	f := s.finds("library /" + lib + "liba.so.1 libb.so.1 !")[0]
	if f.There != "/opt/libb.so.1" || f.Program != "/usr/bin/a" || f.Package != "liba.so.1" {
		t.Errorf("%+v", f)
	}
	want := "/" + lib + "liba.so.1 needs the library libb.so.1, which is in the image as /opt/libb.so.1, where ld.so does not look for it; /usr/bin/a cannot start without"
	if f.String() != want {
		t.Errorf("%s\nwant %s", f, want)
	}
}
