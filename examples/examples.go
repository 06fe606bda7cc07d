// Package examples holds the recipes that kiln init writes. Each is a folder that
// builds as it stands.
package examples

import "embed"

// FS holds a folder for each template. A lock that lies beside a recipe here is
// no part of the template.
//
//go:embed */kiln.yaml
var FS embed.FS

// Template is one recipe to start from.
type Template struct {
	Name    string // of its folder in FS
	Summary string // one line
}

// Templates lists the templates, the smallest first.
func Templates() []Template {
	return []Template{
		{"static", "TLS roots, time zones and an ordinary user, for one statically linked program"},
		{"base", "static, with glibc and OpenSSL"},
		{"debug", "base, with a shell and the usual commands"},
		{"python", "base, with Python 3.13 and its standard library, for one Python program"},
		{"hardened", "Redis without a shell or a package manager, on a read-only root"},
		{"java", "TLS roots, time zones, an ordinary user and OpenJDK 21, for one Java program"},
		{"system-minimal", "a disk that boots: systemd, a console, the network by DHCP"},
		{"appliance", "a disk that boots to one service, a web server, and nothing to log in to"},
		{"system-server", "a disk that boots: ssh, a firewall, the time, a journal that is kept"},
	}
}
