package rootfs_test

import (
	"fmt"
	"strings"
	"testing"

	"kiln"
	"kiln/internal/deb/debtest"
)

// Each archive tries to reach outside of the tree, or to mean two things. The
// error must name the package and the path.
func TestHostileArchives(t *testing.T) {
	e := func(entries ...debtest.Entry) []debtest.Entry { return entries }
	verbatim := func(path string, kind byte, link string) debtest.Entry {
		return debtest.Entry{Path: path, Type: kind, Link: link, Verbatim: true}
	}
	for _, row := range []struct {
		summary string
		entries []debtest.Entry
		want    []string
	}{
		{"path upwards", e(verbatim("../evil", 'f', "")), []string{`"../evil"`, `holds ".."`}},
		{"path upwards within", e(verbatim("./a/../../evil", 'f', "")), []string{`"./a/../../evil"`, `holds ".."`}},
		{"absolute path", e(verbatim("/etc/evil", 'f', "")), []string{`"/etc/evil" is absolute`}},
		{"below a link of its own", e(debtest.Entry{Path: "x", Link: "etc"}, debtest.Entry{Path: "etc/"}, verbatim("./x/evil", 'f', "")), []string{`"/x/evil"`, `below "/x", a symbolic link of the same package`}},
		{"below a link of its own to outside", e(debtest.Entry{Path: "x", Link: "/"}, verbatim("./x/evil", 'f', "")), []string{`"/x/evil"`, "of the same package"}},
		{"below a file of its own", e(debtest.Entry{Path: "x", Content: "1"}, verbatim("./x/evil", 'f', "")), []string{`"/x/evil"`, `below "/x", which is a file of the package "pkg"`}},
		{"hard link to outside", e(verbatim("./x", 'h', "../../etc/shadow")), []string{`hard link "/x" leads out of the tree`}},
		{"hard link to absolute", e(verbatim("./x", 'h', "/etc/shadow")), []string{`hard link "/x" leads out of the tree`}},
		{"hard link to nothing", e(debtest.Entry{Path: "x", Type: 'h', Link: "y"}, debtest.Entry{Path: "y"}), []string{`hard link "/x" names "/y", which is no earlier file`}},
		{"hard link to a directory", e(debtest.Entry{Path: "y/"}, verbatim("./x", 'h', "./y")), []string{`names "/y", which is a directory`}},
		{"hard link to a link", e(debtest.Entry{Path: "y", Link: "/etc/shadow"}, debtest.Entry{Path: "x", Type: 'h', Link: "y"}), []string{`names "/y", which is a symbolic link`}},
		{"character device", e(debtest.Entry{Path: "dev/mem", Type: 'c', Major: 1, Minor: 1}), []string{`"/dev/mem" is a device`, "10.6"}},
		{"block device", e(debtest.Entry{Path: "dev/sda", Type: 'b', Major: 8}), []string{`"/dev/sda" is a device`}},
		{"named pipe", e(debtest.Entry{Path: "x", Type: 'p'}), []string{`"/x" is a named pipe`}},
		{"the same twice", e(debtest.Entry{Path: "x"}, debtest.Entry{Path: "x"}), []string{`"/x" stands in the archive twice`}},
		{"the same twice by other names", e(debtest.Entry{Path: "a/x"}, verbatim("a//./x", 'l', "/etc")), []string{`"/a/x" stands in the archive twice`}},
		{"unknown type", e(debtest.Entry{Path: "x", Type: '7'}), []string{`"/x" has the type '7'`}},
		{"control character", e(debtest.Entry{Path: "x\ny"}), []string{"holds a control character"}},
		{"no UTF-8", e(debtest.Entry{Path: "x\xff"}), []string{"is not UTF-8"}},
		{"empty link", e(debtest.Entry{Path: "x", Type: 'l'}), []string{`"x": bad link target ""`}},
		{"root is a link", e(verbatim(".", 'l', "/etc")), []string{"the root is not a directory"}},
		{"before 1970", e(debtest.Entry{Path: "x", Time: -5}), []string{`"./x": its time, -5 seconds`, "between the years 1970 and 9999"}},
		{"after 9999", e(debtest.Entry{Path: "x", Time: 253402300800}), []string{`"./x": its time, 253402300800 seconds`}},
		{"a large attribute", e(debtest.Entry{Path: "x", Xattrs: map[string]string{"user.a": strings.Repeat("v", 64<<10)}}), []string{`"x": its extended attributes take 65542 bytes`}},
		{"large attributes", e(debtest.Entry{Path: "x", Xattrs: map[string]string{"user.a": strings.Repeat("v", 40<<10), "user.b": strings.Repeat("v", 40<<10)}}), []string{`"x": its extended attributes take`}},
		{"bad attribute name", e(debtest.Entry{Path: "x", Xattrs: map[string]string{"": "v"}}), []string{"bad name of an extended attribute"}},
	} {
		t.Run(row.summary, func(t *testing.T) {
			b := newBench(t, oneLayer("pkg"))
			bare := row.summary == "root is a link"
			b.add(debtest.Spec{Entries: row.entries, Bare: bare})
			b.fails(kiln.Refused, append(row.want, `"pkg_1.0_all"`)...)
			b.fails(kiln.Refused, row.want...) // and nothing of it was kept as a result
		})
	}
}

// Entries through links of other packages: dpkg follows them, wherever they lead.
func TestLinksOfOtherPackages(t *testing.T) {
	for _, row := range []struct {
		summary string
		link    debtest.Entry
		want    string // paths, or an error
		fails   bool
	}{
		{"to a directory", debtest.Entry{Path: "opt/x", Link: "../srv/y"}, "/opt /opt/x /srv /srv/y /srv/y/f /usr", false},
		{"absolute, to a directory", debtest.Entry{Path: "opt/x", Link: "/srv/y"}, "/opt /opt/x /srv /srv/y /srv/y/f /usr", false},
		{"out of the tree", debtest.Entry{Path: "opt/x", Link: "../../../srv/y"}, "leads out of the tree", true},
		{"to nothing", debtest.Entry{Path: "opt/x", Link: "gone"}, "no way to a directory", true},
		{"to a file", debtest.Entry{Path: "opt/x", Link: "../usr/file"}, `a symbolic link of the package "a" to a file`, true},
		{"to itself", debtest.Entry{Path: "opt/x", Link: "x"}, "too many symbolic links", true},
	} {
		t.Run(row.summary, func(t *testing.T) {
			b := newBench(t, oneLayer("a", "b"))
			b.add(debtest.Spec{Name: "a", Entries: []debtest.Entry{{Path: "srv/y/"}, {Path: "usr/file"}, row.link}})
			b.add(debtest.Spec{Name: "b", Entries: []debtest.Entry{{Path: "opt/x/", Mode: 0o700}, {Path: "opt/x/f", Content: "1"}}})
			if row.fails {
				b.fails(kiln.Refused, row.want, `"b_1.0_all"`)
				return
			}
			want := row.want + " /usr/file"
			if got := paths(b.assemble()); got != want {
				t.Errorf("paths %s\nwant  %s", got, want)
			}
		})
	}
}

func TestDebOfAnotherName(t *testing.T) {
	b := newBench(t, oneLayer("pkg"))
	b.add(debtest.Spec{})
	b.in.Packages[0].ID.Version = "2.0"
	b.fails(kiln.Refused, `cannot unpack the package "pkg_2.0_all"`, `holds the package "pkg_1.0_all"`)
}

func TestDebIsMissingOrBroken(t *testing.T) {
	b := newBench(t, oneLayer("pkg"))
	b.add(debtest.Spec{})
	b.in.Packages[0].Deb = kiln.DigestOf([]byte("never stored"))
	b.fails(kiln.User, `cannot unpack the package "pkg_1.0_all"`, "not in the store")

	for _, row := range []struct {
		summary string
		hostile debtest.Hostile
		want    string
	}{
		{"truncated", debtest.Hostile{Truncate: 100}, "truncated"},
		{"data truncated", debtest.Hostile{TruncateData: 40}, "truncated"},
		{"no data", debtest.Hostile{NoData: true}, "data.tar"},
		{"a bomb", debtest.Hostile{Bomb: 128 << 20}, "decompression bomb"},
	} {
		t.Run(row.summary, func(t *testing.T) {
			b := newBench(t, oneLayer("pkg"))
			b.add(debtest.Spec{Compression: "xz", Hostile: row.hostile, Entries: []debtest.Entry{{Path: "x", Content: "some content that is long enough to be cut"}}})
			b.fails(kiln.Refused, `"pkg_1.0_all"`, row.want)
		})
	}
}

// rawTar returns a tar stream of headers that archive/tar would not write.
func rawTar(members ...rawMember) []byte {
	var all []byte
	for _, m := range members {
		h := make([]byte, 512)
		copy(h, m.name)
		copy(h[100:], "0000644\x000000000\x000000000\x00")
		copy(h[124:], fmt.Sprintf("%011o\x0000000000001\x00        ", len(m.content)))
		h[156] = m.kind
		copy(h[257:], m.magic)
		copy(h[386:], m.sparse)
		sum := 0
		for _, c := range h {
			sum += int(c)
		}
		copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
		all = append(all, h...)
		all = append(all, m.content...)
		all = append(all, make([]byte, (512-len(m.content)%512)%512)...)
	}
	return append(all, make([]byte, 1024)...)
}

type rawMember struct {
	name    string
	kind    byte
	magic   string
	content string
	sparse  string // of a GNU sparse header: the map and what follows it
}

const ustar, gnu = "ustar\x0000", "ustar  \x00"

func record(key, value string) string {
	line := " " + key + "=" + value + "\n"
	return fmt.Sprintf("%d%s", len(line)+2, line) // of two digits: from 10 to 99
}

func TestSparseAndOtherTarTricks(t *testing.T) {
	claim := fmt.Sprintf("%011o\x00%011o\x00", 0, 0) // one hole
	for _, row := range []struct {
		summary string
		members []rawMember
		want    string
	}{
		{"GNU sparse", []rawMember{{"./x", 'S', gnu, "", claim + strings.Repeat("\x00", 73) + "77777777777\x00"}}, "is a sparse file"},
		{"PAX sparse", []rawMember{
			{"./PaxHeaders/x", 'x', ustar, record("GNU.sparse.major", "0") + record("GNU.sparse.minor", "1") + record("GNU.sparse.numblocks", "1") + record("GNU.sparse.size", "99999999") + record("GNU.sparse.map", "0,0"), ""},
			{"./x", '0', ustar, "", ""}}, `PAX record "GNU.sparse.`},
		{"PAX path upwards", []rawMember{{"./PaxHeaders/x", 'x', ustar, record("path", "../../evil"), ""}, {"./x", '0', ustar, "", ""}}, `holds ".."`},
		{"unknown PAX record", []rawMember{{"./PaxHeaders/x", 'x', ustar, record("VENDOR.acl.x", "user::rw-"), ""}, {"./x", '0', ustar, "", ""}}, `PAX record "VENDOR.acl.x"`},
		{"global PAX header", []rawMember{{"./PaxHeaders/x", 'g', ustar, record("path", "evil"), ""}, {"./x", '0', ustar, "", ""}}, "type 'g'"},
	} {
		t.Run(row.summary, func(t *testing.T) {
			b := newBench(t, oneLayer("pkg"))
			b.add(debtest.Spec{Compression: "none", Hostile: debtest.Hostile{Data: rawTar(row.members...)}})
			b.fails(kiln.Refused, `"pkg_1.0_all"`, row.want)
		})
	}
}
