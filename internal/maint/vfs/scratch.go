package vfs

import "kiln/internal/tree"

// Scratch makes an empty directory at path for a while, where its parent is there
// and nothing is at path itself, and returns what ends that: the directory goes with
// all it holds, and no time stamp tells of it. With keep, one that is not empty
// by then stays, as if the author had made it. It belongs to root.
func (f *FS) Scratch(path string, mode uint32, keep bool) (end func()) {
	p, err := f.vacant("mkdir", path)
	if err != nil {
		return func() {}
	}
	f.noteName(p)
	n := f.nodeOf(tree.Entry{Type: tree.Dir, Mode: mode & modeAll, ModTime: f.now, Origin: f.author})
	n.names = 1
	p.dir.kids[p.name] = n
	return func() {
		switch {
		case p.dir.kids[p.name] != n: // removed or moved away: it is no scratch any more
		case keep && len(n.kids) > 0:
			p.dir.mtime = f.now
		default:
			f.noteAll(p.at, n)
			n.drop()
			n.names--
			delete(p.dir.kids, p.name)
		}
	}
}
