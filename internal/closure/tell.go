package closure

import (
	"cmp"
	"fmt"
)

// String tells the finding in one line.
func (f Finding) String() string {
	switch f.Kind {
	case NeedsCommand:
		return fmt.Sprintf("%s starts %s, which is not in the image", f.Recipe, f.Missing)
	case NeedsInterpreter:
		return fmt.Sprintf("%s is started by the dynamic linker %s, which is not in the image", f.Path, f.Missing)
	case NeedsLibrary:
		return f.library()
	case NeedsScript:
		return fmt.Sprintf("%s is a script for %s, which is not in the image", f.Path, f.Missing)
	case NeedsUnit:
		return fmt.Sprintf("%s (%s) runs %s, which is not in the image", f.Path, f.Place, f.Missing)
	case NeedsPAM:
		return fmt.Sprintf("%s (%s) names %s, which is not in the image", f.Path, f.Place, f.Missing)
	case NeedsLink:
		return fmt.Sprintf("%s is a link that leads to %s, which is not in the image", f.Path, f.Missing)
	}
	return fmt.Sprintf("%s needs %s, which is not in the image", f.Path, f.Missing)
}

func (f Finding) library() string {
	where := "which is not in the image"
	if f.There != "" {
		where = "which is in the image as " + f.There + ", where ld.so does not look for it"
	}
	text := fmt.Sprintf("%s needs the library %s, %s", f.Path, f.Missing, where)
	if f.Program != "" && f.Program != f.Path {
		text += "; " + f.Program + " cannot start without"
	}
	return text
}

// By tells who brought what needs something, and what the image starts of it; ""
// where neither is known.
func (f Finding) By() string {
	by := cmp.Or(f.Package, f.Recipe)
	switch {
	case f.Package != "" && f.Recipe != "":
		by = fmt.Sprintf("package %s, by %s", f.Package, f.Recipe)
	case f.Package != "":
		by = "package " + f.Package
	}
	switch {
	case f.Start == "" || f.Kind == NeedsCommand:
		return by
	case by == "":
		return "started by " + f.Start
	}
	return by + ", started by " + f.Start
}
