package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"kiln"
)

// emulators are the names that Debian's qemu-user-binfmt gives to architectures, and
// what kernels run beside their own.
var (
	emulators = map[string]string{"amd64": "x86_64", "arm64": "aarch64", "arm": "arm", "386": "i386", "ppc64le": "ppc64le", "riscv64": "riscv64", "s390x": "s390x"}
	beside    = map[string][]string{"amd64": {"386"}, "arm64": {"arm"}}
)

// CanRun tells why programs of an architecture, as Go names it, cannot run here; nil
// where they can, perhaps by an emulator that the kernel knows.
func CanRun(arch string) error {
	if arch == runtime.GOARCH || slices.Contains(beside[runtime.GOARCH], arch) {
		return nil
	}
	name := "qemu-" + emulators[arch]
	text, err := os.ReadFile(filepath.Join("/proc/sys/fs/binfmt_misc", name))
	why := "no emulator is registered"
	if err == nil {
		flags := ""
		for line := range strings.Lines(string(text)) {
			if list, ok := strings.CutPrefix(strings.TrimSpace(line), "flags: "); ok {
				flags = list
			}
		}
		switch {
		case !strings.HasPrefix(string(text), "enabled"):
			why = "the emulator " + name + " is switched off"
		case !strings.Contains(flags, "F"):
			why = "the emulator " + name + " is registered without the flag F, and cannot be found from inside of a sandbox"
		default:
			return nil
		}
	}
	return &kiln.Error{
		Code:  kiln.User,
		Text:  fmt.Sprintf("cannot run programs for %s on this machine, which is %s: %s", arch, runtime.GOARCH, why),
		Hints: []string{"sudo apt install qemu-user-binfmt", "or build on a machine of that architecture, or leave the platform out with --platform"},
	}
}
