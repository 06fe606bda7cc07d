package command

import (
	"context"
	"strings"
)

// machineName is what uname -m says for an architecture of Debian's.
func machineName(arch string) string {
	names := map[string]string{
		"amd64": "x86_64", "arm64": "aarch64", "armhf": "armv7l", "armel": "armv7l", "i386": "i686", "ppc64el": "ppc64le", "mips64el": "mips64",
	}
	if name, ok := names[arch]; ok {
		return name
	}
	return arch // riscv64, s390x
}

// Uname is uname(1). The kernel is that which Debian 13 has; no script should care.
func Uname(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "kernel-name,s nodename,n kernel-release,r kernel-version,v machine,m processor,p hardware-platform,i operating-system,o all,a")
	if err != nil {
		return 0, err
	}
	if len(o.given) == 0 {
		o.given["kernel-name"] = []string{""}
	}
	var words []string
	for _, f := range [][2]string{
		{"kernel-name", "Linux"}, {"nodename", "localhost"}, {"kernel-release", "6.12.0"}, {"kernel-version", "#1 SMP"},
		{"machine", machineName(c.Machine.Arch)}, {"operating-system", "GNU/Linux"},
	} {
		if o.has(f[0]) || o.has("all") {
			words = append(words, f[1])
		}
	}
	if o.has("processor") || o.has("hardware-platform") {
		words = append(words, "unknown")
	}
	say(c, "%s", strings.Join(words, " "))
	return 0, nil
}

// Arch is arch(1).
func Arch(_ context.Context, c *Call) (int, error) {
	say(c, "%s", machineName(c.Machine.Arch))
	return 0, nil
}

// Hostname is hostname(1): an image has none yet.
func Hostname(_ context.Context, c *Call) (int, error) {
	o, err := parseOptions(c, "fqdn,long,f domain,d short,s ip-address,i all-ip-addresses,I")
	switch {
	case err != nil:
		return 0, err
	case len(o.rest) > 0:
		return 0, unhonoured(c, "the host's name cannot be set")
	case o.has("domain"):
		say(c, "")
	case o.has("ip-address"):
		say(c, "127.0.0.1")
	case o.has("all-ip-addresses"):
		say(c, "")
	default:
		say(c, "localhost")
	}
	return 0, nil
}

// Nproc is nproc(1): what is written into an image must not depend on the machine.
func Nproc(_ context.Context, c *Call) (int, error) {
	say(c, "1")
	return 0, nil
}
