package recipe

import (
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"kiln"
)

// The least sizes of partitions that hold anything: a kernel image with its initrd
// takes some 50 MB, and of these there are two and the one that is being written.
const (
	leastESP   = 128 << 20
	leastRoot  = 16 << 20
	leastState = 16 << 20

	mostLabel = 36 - len("_") - len("_verity") // of name and version in the label of a partition (UEFI 5.3.3)
)

// system checks what an image that boots has beside its units.
func (c *checker) system(r *Recipe) {
	s := &r.System
	c.oneOf("system.profile", s.Profile, "profile", Profiles())
	c.kernel(r)
	args := c.unique("argument")
	for i, a := range s.Cmdline {
		path := at("system.cmdline", i)
		if c.matches(path+".arg", a.Arg, argument, "one argument of the kernel, without blanks outside of double quotes") && args.add(path+".arg", a.Arg) {
			if by := reserved(a.Arg); by != "" {
				c.note(path+".arg", "take it out", "kiln sets %q itself: it depends on the disk", strings.TrimSuffix(by, "="))
			}
		}
		c.why(path, a.Why)
	}
	c.modules(s)
	c.disk(&s.Disk)
	c.mutable(r)
}

// versionOfSystem is what parts of a version's file names can be made of.
var versionOfSystem = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]*$`).MatchString

// kernel checks the kernel, and that there is one where something asks for it.
func (c *checker) kernel(r *Recipe) {
	const path = "system.kernel"
	if r.System.Kernel == nil {
		for _, key := range []string{"profile", "disk", "cmdline", "modules", "mutable"} {
			if c.written("system." + key) {
				c.note("system."+key, "write beside it kernel: {why: ...}, or take it out where the image is a container's",
					"%q is for an image that boots, and the recipe has no kernel", "system."+key)
			}
		}
		return
	}
	k := r.System.Kernel
	c.why(path, k.Why)
	switch {
	case r.Version == "" && !c.places["version"].bad:
		c.note(path, "write version: \"1\"", "an image that boots has a version, by which updates are told apart, and the recipe has none")
	case !versionOfSystem(r.Version):
		c.note("version", "letters, digits, . and -", "the version %q of an image that boots would be cut into parts by systemd-sysupdate", shorten(r.Version))
	case len(r.Name)+len(r.Version) > mostLabel:
		c.note("version", "give the image a shorter name or version", "name and version have more than %d characters, and partitions are labelled with both", mostLabel)
	}
	if c.written(path + ".package") {
		c.matches(path+".package", k.Package, packageName, packageSyntax)
	}
	for _, name := range slices.Sorted(maps.Keys(k.Packages)) {
		at := atKey(path+".packages", name)
		p, err := kiln.ParsePlatform(name)
		switch {
		case err != nil:
			c.problem(at, "%v", err)
		case !slices.Contains(r.Platforms, p):
			c.problem(at, "platform %q is none of the recipe's", p)
		default:
			c.matches(at, k.Packages[name], packageName, packageSyntax)
		}
	}
	for i, l := range r.Layers {
		if slices.Contains([]string{KernelLayer, SystemLayer}, l.Name) {
			c.problem(at("layers", i)+".name", "the layer name %q is taken by kiln in an image that boots", l.Name)
		}
	}
}

// The layers that kiln adds to an image that boots.
const (
	KernelLayer = "kernel" // the kernel and what it needs
	SystemLayer = "system" // what kiln writes for systemd
)

func (c *checker) modules(s *System) {
	denied := c.unique("module")
	for i, m := range s.Modules.Deny {
		path := at("system.modules.deny", i)
		if c.matches(path+".module", m.Module, moduleName, moduleSyntax) {
			denied.add(path+".module", Underscored(m.Module))
		}
		c.why(path, m.Why)
	}
	wanted := c.unique("module")
	for i, m := range s.Modules.Initrd {
		path := at("system.modules.initrd", i)
		if c.matches(path+".module", m.Module, moduleName, moduleSyntax) && wanted.add(path+".module", Underscored(m.Module)) {
			if line, ok := denied.lines[Underscored(m.Module)]; ok {
				c.problem(path+".module", "the module %q is denied in line %d", m.Module, line)
			}
		}
		c.why(path, m.Why)
	}
}

const moduleSyntax = "the name of a module, without folder and .ko: letters, digits, _ and -"

// Underscored is the name of a module as the kernel has it: modprobe(8) takes - for _.
func Underscored(module string) string { return strings.ReplaceAll(module, "-", "_") }

func (c *checker) disk(d *Disk) {
	c.size("system.disk.root", d.Root, leastRoot)
	c.size("system.disk.esp", d.ESP, leastESP)
	c.oneOf("system.disk.compression", d.Compression, "compression", []string{CompressZstd, CompressLZ4, CompressNone})
	if d.State != nil {
		c.size("system.disk.state.minimum", d.State.Minimum, leastState)
		c.oneOf("system.disk.state.encrypt", d.State.Encrypt, "kind of encryption", []string{EncryptNone, EncryptTPM2})
	}
	c.update(d.Update)
	const path = "system.disk.secureboot"
	for _, f := range []struct{ key, name string }{{"key", d.SecureBoot.Key}, {"certificate", d.SecureBoot.Certificate}} {
		if c.written(path+"."+f.key) && !inside(f.name) {
			c.problem(path+"."+f.key, "want a path inside the recipe's folder, got %q", shorten(f.name))
		}
	}
	if d.SecureBoot.Key != "" && d.SecureBoot.Certificate == "" {
		c.note(path+".key", "write beside it certificate: FILE, the key's certificate as PEM", "a key without its certificate")
	}
}

// update checks where updates come from.
func (c *checker) update(u *Update) {
	const path = "system.disk.update"
	if u == nil {
		return
	}
	if c.written(path + ".url") {
		if parsed, err := url.Parse(u.URL); err != nil || !slices.Contains([]string{"http", "https"}, parsed.Scheme) || parsed.Host == "" || parsed.RawQuery != "" {
			c.problem(path+".url", "want the http or https address of a folder, got %q", shorten(u.URL))
		}
	}
	for _, f := range []struct{ key, name string }{{"keyring", u.Keyring}, {"key", u.Key}} {
		if c.written(path+"."+f.key) && !inside(f.name) {
			c.problem(path+"."+f.key, "want a path inside the recipe's folder, got %q", shorten(f.name))
		}
	}
	c.why(path, u.Why)
}

// size checks a size that may be left out.
func (c *checker) size(path, s string, least int64) {
	if !c.written(path) {
		return
	}
	n, ok := parseSize(s)
	switch {
	case !ok:
		c.note(path, "digits and K, M, G or T, powers of 1024: 512M", "%q is no size", shorten(s))
	case n < least:
		c.problem(path, "%s is too small, want at least %dM", s, least>>20)
	}
}

// mutable checks the paths and their classes. What is below one path has the class of
// that path: a second one inside it would be hidden, or hide it.
func (c *checker) mutable(r *Recipe) {
	list := r.System.Mutable
	u := c.unique("path")
	for i, m := range list {
		path := at("system.mutable", i)
		c.why(path, m.Why)
		c.imagePath(path+".path", m.Path)
		if !c.written(path+".path") || !u.add(path+".path", m.Path) || !c.oneOf(path+".class", m.Class, "class", Classes()) {
			continue
		}
		top, _, _ := strings.Cut(m.Path[1:], "/")
		switch {
		case slices.Contains([]string{"dev", "proc", "sys", "run", "tmp", "boot", "efi"}, top):
			c.problem(path+".path", "%q is the kernel's or systemd's, and has no class", m.Path)
		case m.Class != Immutable && slices.Contains([]string{"usr", "bin", "sbin", "lib", "lib64"}, top):
			c.note(path+".path", "what changes belongs in /etc, /var, /srv or /home", "%q is part of the verified root, and cannot be %s", m.Path, m.Class)
		case m.Class == Immutable && top == "var":
			c.note(path+".path", "put it below /usr", "/var is the machine's own: %q cannot be immutable", m.Path)
		case m.Path == "/var":
			c.note(path+".path", "what is in it outlives a boot where the recipe has system.disk.state", "/var has no class of its own")
		case (m.Class == Seeded || m.Class == Managed) && r.System.Disk.State == nil:
			c.note(path+".class", "write system: {disk: {state: {}}}", "%s paths outlive a boot, and the disk has no state", m.Class)
		}
		for _, other := range list[:i] {
			if strings.HasPrefix(m.Path, other.Path+"/") || strings.HasPrefix(other.Path, m.Path+"/") {
				c.problem(path+".path", "%q and %q are one inside the other", m.Path, other.Path)
			}
		}
	}
}
