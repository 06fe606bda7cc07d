package rootfs

import (
	"path"
	"strings"

	"kiln"
	"kiln/internal/deb"
	"kiln/internal/tree"
)

// Described is a package of an image, as its .deb describes it.
type Described struct {
	Package
	Name    string // as origins have it: with the architecture where that is a foreign one
	Control *deb.Package
	Fields  *deb.Paragraph // of its control file
	Layer   int            // place in Image.Layers
	// Copyright is its copyright file as the .deb has it, whether or not the image
	// does; empty where it has none that can be read.
	Copyright kiln.Digest
}

// described lists the packages by name, architecture and version.
func (a *assembly) described() []Described {
	all := make([]Described, 0, len(a.units))
	for _, u := range a.units {
		all = append(all, Described{Package: u.Package, Name: u.name(), Control: u.pkg, Fields: u.control, Layer: u.layer.index, Copyright: a.documents.copyright(u.ID.Name)})
	}
	return all
}

const docFolder = "usr/share/doc"

// documents are the copyright files of all packages by their paths, and the links
// among folders of documents, as the .debs have them.
type documents struct {
	files map[string]kiln.Digest
	links map[string]string // path to path
}

// add notes those of a package.
func (d documents) add(ix *index) {
	for i := range ix.Entries {
		e := &ix.Entries[i]
		below, ok := strings.CutPrefix(e.Path, docFolder+"/")
		if !ok {
			continue
		}
		name, base, inside := strings.Cut(below, "/")
		switch {
		case inside && base != "copyright":
		case e.Type == tree.File && inside:
			d.files[e.Path] = e.Content
		case e.Type == tree.Symlink && path.IsAbs(e.Link):
			d.links[e.Path] = path.Clean(e.Link)[1:]
		case e.Type == tree.Symlink && inside:
			d.links[e.Path] = path.Join(docFolder, name, e.Link)
		case e.Type == tree.Symlink:
			d.links[e.Path] = path.Join(docFolder, e.Link)
		}
	}
}

// mostLinks bounds a chain of links.
const mostLinks = 10

// copyright finds the copyright file of a package: its folder, or the file, may be a
// link to those of another (Debian Policy 12.3 and 12.5).
func (d documents) copyright(name string) kiln.Digest {
	file := path.Join(docFolder, name, "copyright")
	for range mostLinks {
		if digest, ok := d.files[file]; ok {
			return digest
		}
		if to, ok := d.links[file]; ok {
			file = to
			continue
		}
		to, ok := d.links[path.Dir(file)]
		if !ok {
			break
		}
		file = path.Join(to, path.Base(file))
	}
	return ""
}
