package rootfs

import (
	"fmt"
	"slices"
	"strings"

	"kiln/internal/deb"
)

// fieldOrder is the order in which dpkg writes the fields of status
// (lib/dpkg/parse.c, fieldinfos). Others follow as they stand in the package.
func fieldOrder() []string {
	return []string{
		"Package", "Essential", "Protected", "Status", "Priority", "Section", "Installed-Size", "Origin", "Maintainer",
		"Bugs", "Architecture", "Multi-Arch", "Source", "Version", "Replaces", "Provides", "Depends", "Pre-Depends",
		"Recommends", "Suggests", "Breaks", "Conflicts", "Enhances", "Conffiles", "Description",
	}
}

// stateFields lists what a package may not say of itself.
func stateFields() []string {
	return []string{"Status", "Conffiles", "Config-Version", "Triggers-Pending", "Triggers-Awaited", "Filename", "Size", "MD5sum", "SHA1", "SHA256"}
}

// status returns the package's paragraph.
func (u *unit) status() string {
	fields := map[string]deb.Field{}
	var others []deb.Field
	for _, f := range u.control.Fields {
		i := slices.IndexFunc(fieldOrder(), func(name string) bool { return strings.EqualFold(name, f.Name) })
		switch {
		case slices.ContainsFunc(stateFields(), func(name string) bool { return strings.EqualFold(name, f.Name) }):
		case i >= 0:
			fields[fieldOrder()[i]] = deb.Field{Name: fieldOrder()[i], Value: f.Value}
		default:
			others = append(others, f)
		}
	}
	fields["Status"] = deb.Field{Name: "Status", Value: "install ok installed"}
	var conffiles strings.Builder
	for _, c := range u.conffiles() {
		if c.RemoveOnUpgrade {
			fmt.Fprintf(&conffiles, "\n %s newconffile remove-on-upgrade", c.Path)
			continue
		}
		fmt.Fprintf(&conffiles, "\n %s %x", c.Path, c.place.md5)
	}
	if conffiles.Len() > 0 {
		fields["Conffiles"] = deb.Field{Name: "Conffiles", Value: conffiles.String()}
	}
	var paragraph deb.Paragraph
	for _, name := range fieldOrder() {
		if f, ok := fields[name]; ok {
			paragraph.Fields = append(paragraph.Fields, f)
		}
	}
	paragraph.Fields = append(paragraph.Fields, others...)
	return paragraph.String()
}
