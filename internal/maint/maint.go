// Package maint installs Debian packages into a tree as dpkg does, their
// maintainer scripts interpreted and nothing executed: preinst, unpacking with
// diversions and stat overrides, postinst in dependency order, triggers. Order
// and states follow dpkg(1), deb-triggers(5) and Debian Policy 6 and 7; what a
// script wants of a running system is noted and not done. A script that cannot be
// honoured stops the installation, with its place.
package maint

import (
	"context"
	"io"
	"time"

	"kiln"
	"kiln/internal/deb"
	"kiln/internal/linkage"
	"kiln/internal/maint/command"
	"kiln/internal/maint/debconftool"
	"kiln/internal/maint/shell"
	"kiln/internal/maint/toolbox"
	"kiln/internal/maint/vfs"
	"kiln/internal/tree"
)

// Package is one package to install, or one that is installed already.
type Package struct {
	ID        kiln.PackageID
	Info      *deb.Package // its Priority is that of the archive's index, by which apt sorts
	Paragraph *deb.Paragraph
	Files     []deb.ControlFile // scripts, templates, triggers and the rest of its control archive
	Entries   []tree.Entry      // what it ships, in archive order
	Skip      []string          // scripts that are not run
	Bootstrap bool              // its files are there before any script runs, as those of Essential packages are
	Installed bool              // by a layer below: its files are in the tree, its scripts have run
}

// script returns a maintainer script of the package, unless it is to be skipped.
func (p *Package) script(name string) ([]byte, bool) {
	for _, s := range p.Skip {
		if s == name {
			return nil, false
		}
	}
	return p.file(name)
}

func (p *Package) file(name string) ([]byte, bool) {
	for i := range p.Files {
		if p.Files[i].Name == name {
			return p.Files[i].Content, true
		}
	}
	return nil, false
}

// Input is all that Install works from.
type Input struct {
	Tree     *tree.Tree // what is there
	Contents tree.Contents
	Packages []Package // in any order
	Arch     string    // the native architecture, in Debian's terms
	Epoch    kiln.Epoch
	Answers  map[string]string      // debconf answers: "package/question" -> value
	Enable   func(unit string) bool // which of the units that packages want enabled are; nil: none
	Output   io.Writer              // what scripts print; nil drops it
	// Linkage tells what a content that Contents has says as an ELF file, where that
	// is known without a look into it; nil for no ELF file. It may be nil.
	Linkage func(kiln.Digest) (f *linkage.File, known bool)
	Memo    command.Memo // what Contents can open, too; it may be nil
	Hooks   Hooks
	Limit   time.Duration // of wall clock for each script, which is an error to exceed; zero: a minute
}

// Result is what became of the tree.
type Result struct {
	Tree     *tree.Tree
	Contents tree.Contents
	Made     tree.Bytes // content that scripts wrote
	Runs     []Run
	Notes    []command.Note
	Accounts []Account // users and groups that scripts made, in that order
}

// scriptLimit is how long a script may take. Debian's slowest take a second, and a kernel's
// eight of one processor for the indexes of 4,000 modules; a busy machine takes many times
// that. What takes this long never ends.
const scriptLimit = 5 * time.Minute

// installation is one run of Install.
type installation struct {
	in      Input
	fs      *vfs.FS
	runner  *shell.Runner
	machine *command.Machine
	db      *database
	graph   *graph
	// unpacked lists packages in the order in which they were unpacked, chosen
	// those that are to be configured before the next one is unpacked.
	unpacked, chosen []*member
	runs             []Run
	called           hooksCalled
	printed          *tail
	watch            *accountWatch
}

// Install installs the packages that are not installed yet.
func Install(ctx context.Context, in Input) (*Result, error) {
	n := newInstallation(in)
	if err := n.hookAccounts(); err != nil {
		return nil, err
	}
	if err := n.bootstrap(ctx); err != nil {
		return nil, err
	}
	if err := n.installRest(ctx); err != nil {
		return nil, err
	}
	if err := n.hookConfiguring(); err != nil {
		return nil, err
	}
	if err := n.hook(in.Hooks.Configured); err != nil {
		return nil, err
	}
	return n.result()
}

func newInstallation(in Input) *installation {
	fs := vfs.New(in.Tree, in.Contents, in.Epoch)
	fs.Program("/usr/sbin/policy-rc.d") // scripts that ask it are told that nothing may start
	n := &installation{in: in, fs: fs, db: newDatabase(in.Packages, in.Arch), printed: &tail{next: in.Output}}
	n.graph = newGraph(n.db.packages)
	n.machine = &command.Machine{Arch: in.Arch, Epoch: in.Epoch, Packages: n.db, Answers: in.Answers, Enable: in.Enable, Linkage: in.Linkage, Memo: in.Memo}
	n.runner = &shell.Runner{
		FS:      fs,
		Machine: n.machine,
		Table:   toolbox.Table(),
		Source: map[string]string{
			"/usr/share/debconf/confmodule":    debconftool.Confmodule,
			"/usr/share/debconf/confmodule.sh": debconftool.Confmodule,
		},
		Stdout: n.printed,
		Stderr: n.printed,
	}
	n.watch = newAccountWatch(n.fs)
	n.runner.Step = n.watch.look
	return n
}

func (n *installation) result() (*Result, error) {
	if err := debconftool.Finish(n.machine, n.fs); err != nil {
		return nil, err
	}
	if err := n.writeDatabase(); err != nil {
		return nil, err
	}
	t, err := n.fs.Tree()
	if err != nil {
		return nil, err
	}
	return &Result{Tree: t, Contents: n.fs.Contents(), Made: n.fs.Made(), Runs: n.runs, Notes: n.machine.Notes, Accounts: n.watch.made}, nil
}
