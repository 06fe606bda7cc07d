package kmod_test

import (
	"strings"
	"testing"

	"kiln/internal/kmod"
	"kiln/internal/kmod/kmodtest"
)

// Whatever a file holds, reading it as a module ends, and what it gives can be made indexes
// of, or is refused.
func FuzzRead(f *testing.F) {
	whole := kmodtest.Module{Info: []string{"alias=a", "softdep=pre: b"}, Exports: []string{"x"}, Sums: []string{"y"}, Needs: []string{"x", "z"}, Versions: []string{"module_layout"}}.Bytes()
	f.Add(whole)
	f.Add(whole[:len(whole)-30])
	f.Add([]byte("\x7fELF\x02\x01\x01"))
	f.Fuzz(func(t *testing.T, content []byte) {
		facts, err := kmod.Read("kernel/a.ko", content)
		if err != nil {
			if !strings.HasPrefix(err.Error(), `cannot read the module "kernel/a.ko": `) {
				t.Errorf("the error is %v", err)
			}
			return
		}
		files, err := kmod.Make(t.Context(), &kmod.Source{Release: release, Modules: []kmod.Module{{Path: "kernel/a.ko", Open: func() ([]byte, error) { return content, nil }}}})
		if err != nil {
			return // it needs itself, or is not ASCII
		}
		if got := string(files[0].Content); got != "kernel/a.ko:\n" {
			t.Errorf("%+v: modules.dep is %q", facts, got)
		}
	})
}
