// Package filetool is the commands about files as such, of coreutils, findutils and
// libcap: copying, linking, removing, finding and testing them, and their modes,
// owners and times.
package filetool

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"kiln/internal/maint/command"
	"kiln/internal/maint/vfs"
	"kiln/internal/tree"
)

const copyOptions = "archive,a recursive,r,R force,f no-clobber,n no-dereference,P d dereference,L H p preserve= no-preserve= " +

	"no-target-directory,T target-directory,t= update,u verbose,v Z one-file-system,x remove-destination link,l symbolic-link,s " +
	"reflink= interactive,i backup,b suffix,S="

// Cp is cp(1). -Z, which sets an SELinux context where that is in use, does nothing.
func Cp(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions(copyOptions)
	if err != nil {
		return 0, err
	}
	for _, flag := range []string{"backup", "suffix", "no-preserve"} {
		if o.Has(flag) {
			return 0, c.Unhonoured("the option --%s is not known", flag)
		}
	}
	cp := copier{c: c, seen: map[uint64]string{}}
	if err := cp.options(o); err != nil {
		return 0, err
	}
	return transfer(c, o, func(from, to string) error { return cp.copy(from, to, true) })
}

// copier copies files and trees.
type copier struct {
	c                          *command.Call
	recursive, force, noClob   bool
	follow                     byte // 'P' never, 'H' those named, 'L' all
	mode, owner, times, xattrs bool
	links                      bool // of one file, in the copy too
	update, remove             bool
	hard, soft                 bool
	noDir                      bool              // -T
	seen                       map[uint64]string // of files with several names: the copy
}

func (cp *copier) options(o command.Options) error {
	cp.recursive = o.Has("recursive") || o.Has("archive")
	cp.force, cp.noClob, cp.update, cp.remove = o.Has("force"), o.Has("no-clobber"), o.Has("update"), o.Has("remove-destination")
	cp.hard, cp.soft, cp.noDir = o.Has("link"), o.Has("symbolic-link"), o.Has("no-target-directory")
	if o.Has("p") || o.Has("archive") {
		cp.mode, cp.owner, cp.times = true, true, true
	}
	cp.links = o.Has("d") || o.Has("archive")
	cp.xattrs = o.Has("archive")
	for _, list := range o.Given["preserve"] {
		for what := range strings.SplitSeq(list, ",") {
			if err := cp.preserve(what); err != nil {
				return err
			}
		}
	}
	cp.follow = 'L'
	if cp.recursive || cp.hard {
		cp.follow = 'P'
	}
	switch {
	case o.Has("dereference"):
		cp.follow = 'L'
	case o.Has("H"):
		cp.follow = 'H'
	case o.Has("d") || o.Has("archive") || o.Has("no-dereference"):
		cp.follow = 'P'
	}
	return nil
}

func (cp *copier) preserve(what string) error {
	switch what {
	case "mode":
		cp.mode = true
	case "ownership":
		cp.owner = true
	case "timestamps":
		cp.times = true
	case "links":
		cp.links = true
	case "xattr":
		cp.xattrs = true
	case "context":
	case "all":
		cp.mode, cp.owner, cp.times, cp.links, cp.xattrs = true, true, true, true, true
	default:
		return cp.c.Unhonoured("--preserve=%s is not known", what)
	}
	return nil
}

// copy copies from to to, both as written. named is for those of the command line.
func (cp *copier) copy(from, to string, named bool) error {
	src, err := cp.source(from, named)
	if err != nil {
		return err
	}
	dst, there, err := cp.target(src, to, named)
	if err != nil {
		return err
	}
	if there && src.Kind() != tree.Dir {
		if src.Ino != 0 && src.Ino == dst.Ino {
			return fmt.Errorf("'%s' and '%s' are the same file", from, to)
		}
		if cp.noClob || cp.update && dst.Epoch() >= src.Epoch() {
			return nil
		}
	}
	if src.Kind() == tree.Dir {
		return cp.directory(from, to, src, there)
	}
	return cp.single(from, to, src, there, dst)
}

func (cp *copier) source(from string, named bool) (vfs.Info, error) {
	if cp.follow == 'L' || cp.follow == 'H' && named {
		return cp.c.FS.Stat(cp.c.Path(from))
	}
	return cp.c.FS.Lstat(cp.c.Path(from))
}

// target returns what is at to. A link there is followed if a file is to be
// written through it.
func (cp *copier) target(src vfs.Info, to string, _ bool) (vfs.Info, bool, error) {
	dst, err := cp.c.FS.Lstat(cp.c.Path(to))
	if err == nil && dst.Kind() == tree.Symlink && src.Kind() != tree.Symlink && !cp.remove {
		if through, err := cp.c.FS.Stat(cp.c.Path(to)); err == nil {
			dst = through
		}
	}
	switch {
	case err != nil && command.IsMissing(err):
		return dst, false, nil
	case err != nil:
		return dst, false, err
	case src.Kind() == tree.Dir && dst.Kind() != tree.Dir:
		return dst, true, fmt.Errorf("cannot overwrite non-directory '%s' with directory", to)
	case src.Kind() != tree.Dir && dst.Kind() == tree.Dir:
		return dst, true, fmt.Errorf("cannot overwrite directory '%s' with non-directory", to)
	}
	return dst, true, nil
}

func (cp *copier) directory(from, to string, src vfs.Info, there bool) error {
	if !cp.recursive {
		return errors.New("-r not specified; omitting directory")
	}
	inside, err := cp.c.FS.Resolve(cp.c.Path(to))
	if err == nil && (inside == tree.Absolute(src.Entry.Path) || strings.HasPrefix(inside, tree.Absolute(src.Entry.Path)+"/")) {
		return fmt.Errorf("cannot copy a directory into itself, '%s'", to)
	}
	if !there {
		if err := cp.c.FS.Mkdir(cp.c.Path(to), src.Perm()&^cp.c.Umask&0o777|0o700); err != nil {
			return err
		}
	}
	entries, err := cp.c.FS.ReadDir(cp.c.Path(from))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := cp.copy(command.Joined(from, e.Name()), command.Joined(to, e.Name()), false); err != nil {
			return err
		}
	}
	if !there && !cp.mode {
		if err := cp.c.FS.Chmod(cp.c.Path(to), src.Perm()&^cp.c.Umask&0o777); err != nil {
			return err
		}
	}
	return cp.attributes(to, src)
}

// single copies what is no directory.
func (cp *copier) single(from, to string, src vfs.Info, there bool, dst vfs.Info) error {
	f, target := cp.c.FS, cp.c.Path(to)
	first, again := cp.seen[src.Ino]
	again = again && cp.links
	if there && (cp.remove || cp.hard || cp.soft || again || src.Kind() != tree.File || dst.Kind() != tree.File) {
		if err := f.Remove(target); err != nil {
			return err
		}
		there = false
	}
	if src.Names > 1 && cp.links && !again {
		cp.seen[src.Ino] = target
	}
	switch {
	case again:
		return f.Link(first, target)
	case cp.hard:
		return f.Link(cp.c.Path(from), target)
	case cp.soft:
		return f.Symlink(from, target)
	}
	if err := cp.make(from, target, src); err != nil {
		return err
	}
	return cp.attributes(to, src)
}

func (cp *copier) make(from, target string, src vfs.Info) error {
	f := cp.c.FS
	switch src.Kind() {
	case tree.Symlink:
		return f.Symlink(src.Link, target)
	case tree.File:
		data, err := f.ReadFile(cp.c.Path(from))
		if err != nil {
			return err
		}
		return f.WriteFile(target, data, src.Perm()&0o777&^cp.c.Umask)
	case tree.Fifo:
		return f.Mkfifo(target, src.Perm())
	}
	if !cp.recursive {
		return f.WriteFile(target, nil, 0o666&^cp.c.Umask) // /dev/null above all
	}
	return f.Mknod(target, src.Kind(), src.Perm(), src.Major, src.Minor)
}

// attributes gives the copy what is to be preserved.
func (cp *copier) attributes(to string, src vfs.Info) error {
	f, target := cp.c.FS, cp.c.Path(to)
	link := src.Kind() == tree.Symlink
	var errs []error
	if cp.owner {
		errs = append(errs, f.Lchown(target, src.UID, src.GID))
	}
	if cp.mode && !link {
		errs = append(errs, f.Chmod(target, src.Perm()))
	}
	if cp.times {
		errs = append(errs, f.Lchtimes(target, src.Epoch()))
	}
	if cp.xattrs && !link {
		for _, name := range slices.Sorted(maps.Keys(src.Xattrs)) {
			errs = append(errs, f.Setxattr(target, name, src.Xattrs[name]))
		}
	}
	return errors.Join(errs...)
}
