package internal_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// room is one package of the house: which rooms it may import, and why it
// stands where it stands. Every arrow that exists is listed; any other fails.
type room struct {
	path string
	may  string // rooms below it, "." for the vocabulary
	why  string
}

func rooms() []room {
	return []room{
		{".", "", "the vocabulary: imports nothing of ours"},
		{"internal/durable", "", "host files are saved the same way everywhere"},
		{"internal/spelling", "", "how unlike two names are; pure"},
		{"internal/patience", "", "how long clients wait for servers, and when they give up"},
		{"internal/xz", "", "a pure format"},
		{"internal/deb", ". internal/xz", "pure formats; the vocabulary names platforms; members of packages are xz"},
		{"internal/deb/changelog", "internal/deb", "a pure format; entries are chosen by version"},
		{"internal/deb/copyright", ".", "a pure format; texts are named by digest"},
		{"internal/deb/debtest", "", "packages made for tests"},
		{"internal/linkage", "", "a pure format: what an ELF file says of its libraries"},
		{"internal/linkage/linkagetest", "", "ELF files made for tests"},
		{"internal/filecap", "", "a pure format: the capabilities of a file"},
		{"internal/tree", ".", "a value; it knows of no package family and no host path"},
		{"internal/kmod", "internal/tree internal/xz internal/spelling", "a format: what modprobe and udev read of kernel modules; it knows no package"},
		{"internal/kmod/kmodtest", "", "kernel modules made for tests"},
		{"internal/store", ". internal/durable", "blobs and results; it knows nothing of what they mean"},
		{"internal/disk/gpt", "", "a format: a disk's partition table"},
		{"internal/disk/fat", ".", "a format: FAT32, as firmware reads it"},
		{"internal/disk/verity", "", "a format: the hash tree of dm-verity"},
		{"internal/disk/pe", "", "a format: programs of UEFI firmware, unified kernel images, their signatures"},
		{"internal/disk/pe/petest", "internal/disk/pe", "programs made for tests"},
		{"internal/disk/erofs", ". internal/tree", "a format: a read-only root file system"},
		{"internal/disk/sparse", "", "a disk's content as a value: what is there, and zeros between"},
		{"internal/disk/sparse/sparsetest", "internal/disk/sparse", "disks made for tests"},
		{"internal/disk/qcow2", "internal/disk/sparse", "a format: a disk of QEMU"},
		{"internal/disk/vhd", ". internal/disk/sparse", "a format: a disk of Azure"},
		{"internal/disk/vmdk", "internal/disk/sparse", "a format: a disk of vSphere"},
		{"internal/disk/gce", ". internal/disk/sparse", "a format: a disk of Google Compute Engine"},
		{"internal/disk", ". internal/disk/erofs internal/disk/fat internal/disk/gce internal/disk/gpt internal/disk/pe internal/disk/qcow2 internal/disk/sparse internal/disk/verity internal/disk/vhd internal/disk/vmdk internal/durable internal/oci internal/store", "puts disks together; outputs are put in place as oci puts its own"},
		{"internal/disk/cpio", "internal/tree", "a format: what the kernel unpacks as its first file system"},
		{"internal/recipe", ".", "a document; it does not know how it is carried out"},
		{"internal/lock", ". internal/deb internal/durable", "a document; it compares versions to say what was upgraded"},
		{"internal/listing", ". internal/deb", "a format: what a Packages file says, ready to be asked"},
		{"internal/apt", ". internal/deb internal/listing internal/store internal/xz internal/patience", "a signed archive client; what it brings goes to the store; indexes are xz, and what an index says is kept there as a listing"},
		{"internal/apt/apttest", "internal/deb/debtest", "a synthetic archive for tests"},
		{"internal/resolve", ". internal/deb internal/listing internal/spelling", "wants and listings of candidates in, a set or an explanation out; no I/O"},
		{"internal/maint/account", "", "passwd and group files as values; no I/O"},
		{"internal/maint/debconf", "", "debconf's questions as values; no I/O"},
		{"internal/maint/ldcache", "internal/linkage", "the format of ld.so.cache, and which ELF files it lists"},
		{"internal/maint/systemdb", "", "the formats of hwdb.bin and the journal's catalog"},
		{"internal/maint/glib", "", "the order of GLib's hash tables"},
		{"internal/maint/mimeinfo", "internal/maint/glib", "the database of file types as values; no I/O"},
		{"internal/maint/gschema", "internal/maint/glib", "GSettings schemas, and the format that they are compiled to"},
		{"internal/maint/regex", "", "POSIX regular expressions; pure"},
		{"internal/maint/awk", "internal/maint/regex", "one language, by itself; no I/O but what it is handed"},
		{"internal/maint/vfs", ". internal/filecap internal/tree", "a tree that scripts can change; the host is not reachable"},
		{"internal/maint/command", ". internal/linkage internal/maint/account internal/maint/debconf internal/maint/vfs internal/tree", "the contract of a command: its call, and what all commands need of options, paths and accounts; no command itself"},
		{"internal/maint/sed", ". internal/maint/command internal/maint/regex internal/tree", "one language, by itself"},
		{"internal/maint/texttool", ". internal/maint/awk internal/maint/command internal/maint/regex internal/maint/vfs internal/tree", "text in, text out"},
		{"internal/maint/filetool", ". internal/filecap internal/maint/command internal/maint/vfs internal/tree", "files as such: it knows nothing of packages"},
		{"internal/maint/hosttool", "internal/maint/command internal/maint/regex internal/maint/vfs internal/tree", "answers that are the same on every host, and running others"},
		{"internal/maint/accounttool", "internal/maint/account internal/maint/command", "changes users and groups"},
		{"internal/maint/dpkgtool", "internal/deb internal/maint/account internal/maint/command internal/tree", "dpkg's own commands; stat overrides name accounts"},
		{"internal/maint/servicetool", "internal/maint/command internal/maint/vfs", "enables units; starts nothing"},
		{"internal/maint/servertool", "internal/maint/command", "what servers say of their configuration; keys and databases are not made"},
		{"internal/maint/dropintool", "internal/maint/account internal/maint/command internal/maint/vfs internal/tree", "sysusers.d and tmpfiles.d, which share their syntax; they make and name accounts"},
		{"internal/maint/debconftool", "internal/maint/command internal/maint/debconf internal/maint/vfs", "the talk of scripts with debconf"},
		{"internal/maint/configtool", ". internal/deb internal/kmod internal/linkage internal/maint/command internal/maint/debconf internal/maint/debconftool internal/maint/ldcache internal/maint/systemdb internal/maint/vfs internal/tree", "files made from what packages ship; PAM asks debconf"},
		{"internal/maint/desktoptool", "internal/deb internal/maint/command internal/maint/gschema internal/maint/mimeinfo internal/tree", "what GLib's libraries read of each other; their modules are not run"},
		{"internal/maint/catalogtool", ". internal/maint/command", "lists that packages enter themselves in: of XML, SGML, dictionaries"},
		{"internal/maint/pythontool", ". internal/maint/command internal/maint/debconf internal/maint/debconftool internal/maint/hosttool", "the few Python programs that scripts run; the rest is an answer of the host"},
		{"internal/maint/certtool", ". internal/maint/command internal/maint/vfs internal/tree", "certificate stores"},
		{"internal/maint/toolbox", "internal/maint/accounttool internal/maint/catalogtool internal/maint/certtool internal/maint/command internal/maint/configtool internal/maint/debconftool internal/maint/desktoptool internal/maint/dpkgtool internal/maint/dropintool internal/maint/filetool internal/maint/hosttool internal/maint/pythontool internal/maint/sed internal/maint/servertool internal/maint/servicetool internal/maint/texttool", "the one table in which all commands stand"},
		{"internal/maint/shell", ". internal/maint/command internal/maint/vfs internal/tree", "runs a script with the commands that it is given and no others"},
		{"internal/maint/toolbox/toolboxtest", ". internal/maint/command internal/maint/shell internal/maint/toolbox internal/maint/vfs internal/tree", "commands over small trees, for tests"},
		{"internal/maint", ". internal/deb internal/linkage internal/maint/command internal/maint/debconftool internal/maint/shell internal/maint/toolbox internal/maint/vfs internal/tree", "dpkg's order and states over all that"},
		{"internal/maint/corpus", "", "tests of many packages: they need the archive client and the resolver, which maint must not know"},
		{"internal/harden", ". internal/maint/account internal/tree", "rules over a tree, which a recipe names: what they leave out, and what they write; no I/O"},
		{"internal/rootfs", ". internal/deb internal/harden internal/linkage internal/maint internal/maint/account internal/maint/command internal/maint/dpkgtool internal/maint/servicetool internal/maint/vfs internal/recipe internal/store internal/tree internal/spelling", "the Debian root file system: formats from deb, configured by maint, with the recipe's users, files and units put in on the way; diversions decide who has a path"},
		{"internal/closure", ". internal/linkage internal/maint/ldcache internal/tree", "a function of a tree: what its files need and it does not have; it knows no recipe"},
		{"internal/secrets", "internal/xz", "bytes in, findings out; no I/O, and it knows no image; compressed files are looked into"},
		{"internal/redact", "", "secrets that are known, in what is printed and in what is kept; no I/O"},
		{"internal/sandbox", ".", "runs commands apart from the machine; it knows of no recipe and no secret's origin"},
		{"internal/initrd", ". internal/kmod internal/linkage internal/tree", "a function of a tree and of a profile: the tree that the kernel starts first; it knows no recipe and no disk"},
		{"internal/slim", "internal/closure internal/tree", "a function of a tree, of what is needed of it and of traces: what could go"},
		{"internal/attest", ". internal/recipe", "statements, bundles, keys and trust policies: bytes in, verdicts out; a policy is read as strictly as a recipe"},
		{"internal/keyplugin", ". internal/attest", "the one place that runs a program to sign"},
		{"internal/provenance", ". internal/attest internal/image internal/lock internal/oci internal/recipe internal/tree", "a statement made of the record of a build; its form is attest's"},
		{"internal/oci", ". internal/durable internal/store internal/tree", "writes trees; must not know that deb exists"},
		{"internal/registry", ". internal/durable internal/oci internal/store internal/patience", "moves images between registries, layouts and the store; it does not look into them; durable saves logins"},
		{"internal/registry/registrytest", "", "a registry for tests"},
		{"internal/image", ". internal/oci internal/tree", "reads images back into trees; a configuration is what oci calls one; must not know that deb exists"},
		{"internal/proof", ". internal/image internal/oci internal/tree", "compares images with each other and with what a build recorded; must not know that deb exists"},
		{"internal/compare", ". internal/deb internal/deb/copyright internal/filecap internal/maint/account internal/oci internal/tree", "what differs between two images, and what of it is a risk; versions, status files and accounts are Debian's"},
		{"internal/sbom", ".", "facts in, bytes out; must not know that deb exists"},
		{"internal/pack", ". internal/lock internal/oci internal/recipe internal/store", "every input of a lock as an OCI artifact; must not know that deb exists"},
		{"internal/system", ". internal/disk internal/recipe internal/tree", "what the system section of a recipe comes to: systemd and the kernel, and no package family; where updates are put is the disk's"},
		{"internal/debian", ". internal/apt internal/bake internal/deb internal/deb/changelog internal/deb/copyright internal/listing internal/lock internal/pack internal/recipe internal/resolve internal/rootfs internal/sbom internal/store internal/tree internal/facts internal/survey internal/system internal/disk internal/patience", "the Debian family: the one place where its parts meet, as bake.Family asks"},
		{"internal/bake", ". internal/closure internal/disk internal/linkage internal/lock internal/oci internal/pack internal/recipe internal/sbom internal/store internal/tree internal/secrets internal/facts internal/policy internal/redact internal/sandbox internal/disk/cpio internal/initrd internal/system", "orders the steps; must not know that deb exists"},
		{"internal/machine", ". internal/durable internal/recipe", "the one place that starts virtual machines; it takes files, and knows nothing of how they were made; checks are YAML, read as strictly as a recipe"},
		{"examples", "", "the recipes that kiln init writes"},
		{"internal/cli", ". examples internal/bake internal/closure internal/compare internal/deb internal/deb/changelog internal/debian internal/apt internal/durable internal/image internal/lock internal/oci internal/pack internal/proof internal/recipe internal/registry internal/slim internal/store internal/tree internal/sbom internal/attest internal/keyplugin internal/provenance internal/harden internal/secrets internal/facts internal/policy internal/survey internal/sandbox internal/system internal/machine internal/patience", "wires it together and prints"},
		{"internal/facts", ".", "what policies can ask of an image, as data alone"},
		{"internal/survey", ". internal/compare internal/deb/copyright internal/facts internal/filecap internal/image internal/lock internal/oci internal/recipe internal/sbom internal/tree", "an image, and what led to it, as facts; package databases, accounts and units are read by compare, licences are those of its SBOM"},
		{"internal/policy", ". internal/deb internal/facts internal/recipe", "judges facts; a policy is YAML, read as strictly as a recipe; a function of policies compares versions; it reads no image"},
		{"internal", "", "this test"},
		{"docs", "", "tests of the documents"},
		{"drills", "", "tests of the whole product by its binary"},
		{"cmd/kiln", "internal/cli", "signals, one Run, exit code"},
		{"bench/locking", ". internal/apt internal/bake internal/debian internal/lock internal/recipe internal/resolve internal/store", "a measurement: takes apart what locking does"},
		{"bench/peers", ". internal/apt internal/deb internal/lock internal/store", "a measurement: runs the binary; makes stores and archives of the packages that a lock names"},
		{"bench/scripts", ". internal/apt internal/bake internal/debian internal/lock internal/recipe internal/store", "a measurement: drives a bake as a worker would, with a sink that measures"},
	}
}

func TestArrows(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "kiln/...").Output()
	if err != nil {
		t.Fatalf("cannot list the packages: %v", err)
	}
	real := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		for _, imp := range f[1:] {
			if imp == "kiln" || strings.HasPrefix(imp, "kiln/") {
				real[short(f[0])] = append(real[short(f[0])], short(imp))
			}
		}
		if _, ok := real[short(f[0])]; !ok {
			real[short(f[0])] = nil
		}
	}
	for _, r := range rooms() {
		imports, ok := real[r.path]
		if !ok {
			t.Errorf("the list names %q, which does not exist", r.path)
			continue
		}
		allowed := strings.Fields(r.may)
		for _, imp := range imports {
			if !slices.Contains(allowed, imp) {
				t.Errorf("%s imports %s, which is not listed (%s)", r.path, imp, r.why)
			}
		}
		for _, a := range allowed {
			if !slices.Contains(imports, a) {
				t.Errorf("%s is allowed to import %s and does not: shorten the list", r.path, a)
			}
		}
		delete(real, r.path)
	}
	for path := range real {
		t.Errorf("%s is not in the list: give it a line and a reason", path)
	}
}

func short(path string) string {
	if path == "kiln" {
		return "."
	}
	return strings.TrimPrefix(path, "kiln/")
}
