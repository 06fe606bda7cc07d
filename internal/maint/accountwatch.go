package maint

import (
	"bytes"
	"fmt"

	"kiln/internal/maint/vfs"
)

// Account is a user or group and where it came to be.
type Account struct {
	Group   bool
	Name    string
	Package string
	Script  string // "openssh-server.postinst:12"
}

// accountWatch finds out which line of which script made a user or group: it
// looks at the two files whenever the script goes on to another line.
type accountWatch struct {
	fs     *vfs.FS
	pkg    string // whose script runs
	script string // that runs
	line   int    // that was last begun
	files  [2]watched
	made   []Account
}

// watched is /etc/passwd or /etc/group as last seen.
type watched struct {
	path  string
	stamp vfs.Stamp
	names map[string]bool
}

func newAccountWatch(fs *vfs.FS) *accountWatch {
	w := &accountWatch{fs: fs, files: [2]watched{{path: "/etc/passwd"}, {path: "/etc/group"}}}
	w.forget()
	return w
}

// forget takes the files as they are.
func (w *accountWatch) forget() {
	for i := range w.files {
		w.files[i].read(w.fs)
	}
}

func (w *accountWatch) begin(pkg, script string) {
	w.pkg, w.script, w.line = pkg, pkg+"."+script, 0
}

// look is called when a line of the script begins.
func (w *accountWatch) look(line int) {
	w.end()
	w.line = line
}

// end gives what is new to the line before.
func (w *accountWatch) end() {
	for i := range w.files {
		for _, name := range w.files[i].read(w.fs) {
			place := w.script
			if w.line > 0 {
				place = fmt.Sprintf("%s:%d", w.script, w.line)
			}
			w.made = append(w.made, Account{Group: i == 1, Name: name, Package: w.pkg, Script: place})
		}
	}
}

// read returns the names that are new, in the file's order.
func (f *watched) read(fs *vfs.FS) []string {
	stamp := fs.Stamp(f.path)
	if stamp == f.stamp {
		return nil
	}
	f.stamp = stamp
	text, err := fs.ReadFile(f.path)
	if err != nil {
		f.names = nil
		return nil
	}
	var added []string
	names := map[string]bool{}
	for line := range bytes.Lines(text) {
		name, _, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			continue
		}
		names[string(name)] = true
		if !f.names[string(name)] {
			added = append(added, string(name))
		}
	}
	f.names = names
	return added
}
