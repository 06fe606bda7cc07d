package hosttool

import (
	"context"
	"strings"

	"kiln/internal/maint/command"
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
func Uname(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("kernel-name,s nodename,n kernel-release,r kernel-version,v machine,m processor,p hardware-platform,i operating-system,o all,a")
	if err != nil {
		return 0, err
	}
	if len(o.Given) == 0 {
		o.Given["kernel-name"] = []string{""}
	}
	var words []string
	for _, f := range [][2]string{
		{"kernel-name", "Linux"}, {"nodename", "localhost"}, {"kernel-release", "6.12.0"}, {"kernel-version", "#1 SMP"},
		{"machine", machineName(c.Machine.Arch)}, {"operating-system", "GNU/Linux"},
	} {
		if o.Has(f[0]) || o.Has("all") {
			words = append(words, f[1])
		}
	}
	switch {
	case o.Has("nodename") || o.Has("all"):
		c.Note(command.AskedHost, "answered localhost")
	case o.Has("kernel-release") || o.Has("kernel-version"):
		c.Note(command.AskedKernel, "answered 6.12.0")
	}
	if o.Has("processor") || o.Has("hardware-platform") {
		words = append(words, "unknown")
	}
	c.Say("%s", strings.Join(words, " "))
	return 0, nil
}

// Arch is arch(1).
func Arch(_ context.Context, c *command.Call) (int, error) {
	c.Say("%s", machineName(c.Machine.Arch))
	return 0, nil
}

// Hostname is hostname(1): an image has none yet.
func Hostname(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("fqdn,long,f domain,d short,s ip-address,i all-ip-addresses,I")
	switch {
	case err != nil:
		return 0, err
	case len(o.Rest) > 0:
		return 0, c.Unhonoured("the host's name cannot be set")
	case o.Has("domain"):
		c.Say("")
	case o.Has("ip-address"):
		c.Say("127.0.0.1")
	case o.Has("all-ip-addresses"):
		c.Say("")
	default:
		c.Note(command.AskedHost, "answered localhost")
		c.Say("localhost")
	}
	return 0, nil
}

// Nproc is nproc(1): what is written into an image must not depend on the machine.
func Nproc(_ context.Context, c *command.Call) (int, error) {
	c.Say("1")
	return 0, nil
}
