package cli_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"kiln"
	"kiln/internal/cli"
)

const manFolder = "../../docs/man"

var update = flag.Bool("update", false, "write the manual pages anew")

// The manual pages are made here, so that the generator is no part of the kiln
// binary. After a change: go test ./internal/cli -run Man -update
func TestManIsCurrent(t *testing.T) {
	pages := manPages(cli.Commands())
	want := map[string]string{}
	for _, p := range pages {
		want[p.name()+".1"] = p.roff()
	}
	if *update {
		if err := os.MkdirAll(manFolder, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range want {
			if err := os.WriteFile(filepath.Join(manFolder, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	got := map[string]string{}
	files, err := filepath.Glob(filepath.Join(manFolder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		got[filepath.Base(f)] = string(text)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the manual is stale: go test ./internal/cli -run Man -update, and remove what is left over (-want +got):\n%s", diff)
	}
}

// Every flag and every command is explained, or the manual has holes.
func TestEverythingHasHelp(t *testing.T) {
	for _, p := range manPages(cli.Commands()) {
		if p.cmd.Short == "" || strings.HasSuffix(p.cmd.Short, ".") {
			t.Errorf("%s: want one line without a full stop, got %q", p.cmd.CommandPath(), p.cmd.Short)
		}
		p.cmd.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s: no help for --%s", p.cmd.CommandPath(), f.Name)
			}
		})
	}
}

// page is the manual page of one command.
type page struct {
	cmd *cobra.Command
	strings.Builder
}

func manPages(cmd *cobra.Command) []*page {
	cmd.InitDefaultHelpFlag()
	pages := []*page{{cmd: cmd}}
	for _, c := range cmd.Commands() {
		if !c.Hidden { // what kiln calls itself
			pages = append(pages, manPages(c)...)
		}
	}
	return pages
}

func (p *page) name() string { return strings.ReplaceAll(p.cmd.CommandPath(), " ", "-") }

// roff renders the page with the macros of man(7). No date: the page is of the
// kiln that it came with.
func (p *page) roff() string {
	fmt.Fprintf(p, ".TH %s 1 \"\" kiln \"kiln manual\"\n.nh\n.ad l\n", strings.ToUpper(p.name()))
	p.section("NAME", p.name()+" - "+p.cmd.Short)
	p.section("SYNOPSIS", "")
	fmt.Fprintf(p, ".B %s\n", plain(p.synopsis()))
	p.section("DESCRIPTION", orElse(p.cmd.Long, p.cmd.Short+"."))
	p.commands()
	p.flags("OPTIONS", p.cmd.NonInheritedFlags())
	if p.cmd.HasInheritedFlags() {
		p.flags("OPTIONS OF EVERY COMMAND", p.cmd.InheritedFlags())
	}
	if p.cmd.Example != "" {
		p.section("EXAMPLES", p.cmd.Example)
	}
	p.list("EXIT STATUS", exitStatuses())
	if !p.cmd.HasParent() {
		p.list("ENVIRONMENT", environment())
		p.list("FILES", files())
	}
	p.seeAlso()
	return p.String()
}

func (p *page) synopsis() string {
	line := strings.TrimSuffix(p.cmd.UseLine(), " [flags]")
	if p.cmd.HasSubCommands() {
		line += " COMMAND"
	}
	return line + " [OPTION...]"
}

// section writes a heading and text. Indented lines keep their shape.
func (p *page) section(title, text string) {
	fmt.Fprintf(p, ".SH %s\n", title)
	shaped := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if indented := strings.HasPrefix(line, "  "); indented != shaped && line != "" {
			shaped = indented
			p.WriteString(map[bool]string{true: ".PP\n.nf\n", false: ".fi\n.PP\n"}[shaped])
		}
		switch {
		case line == "" && !shaped:
			p.WriteString(".PP\n")
		case line != "":
			fmt.Fprintln(p, plain(line))
		}
	}
	if shaped {
		p.WriteString(".fi\n")
	}
}

// list writes a heading and pairs of a term and what it means.
func (p *page) list(title string, pairs [][2]string) {
	fmt.Fprintf(p, ".SH %s\n", title)
	for _, pair := range pairs {
		fmt.Fprintf(p, ".TP\n.B %s\n%s\n", plain(pair[0]), plain(pair[1]))
	}
}

func (p *page) commands() {
	var list [][2]string
	for _, c := range p.cmd.Commands() {
		if c.Hidden {
			continue
		}
		list = append(list, [2]string{c.CommandPath(), c.Short + "; see " + strings.ReplaceAll(c.CommandPath(), " ", "-") + "(1)."})
	}
	if !p.cmd.HasParent() {
		list = append(list, [2]string{"kiln completion bash|zsh|fish", "Print a script that completes command lines of kiln in that shell."})
	}
	if list != nil {
		p.list("COMMANDS", list)
	}
}

func (p *page) flags(title string, set *pflag.FlagSet) {
	var list [][2]string
	set.VisitAll(func(f *pflag.Flag) {
		value, usage := pflag.UnquoteUsage(f)
		term := strings.TrimSpace("--" + f.Name + " " + value)
		if f.Shorthand != "" {
			term = "-" + f.Shorthand + ", " + term
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" {
			usage += "; default " + f.DefValue
		}
		list = append(list, [2]string{term, strings.ToUpper(usage[:1]) + usage[1:] + "."})
	})
	p.list(title, list)
}

func (p *page) seeAlso() {
	var names []string
	for _, other := range manPages(cli.Commands()) {
		if other.name() != p.name() {
			names = append(names, other.name()+"(1)")
		}
	}
	slices.Sort(names)
	p.section("SEE ALSO", strings.Join(names, ", "))
}

// plain escapes what troff would take as its own.
func plain(line string) string {
	line = strings.NewReplacer(`\`, `\e`, "-", `\-`, "~", `\(ti`, "^", `\(ha`, "`", `\(ga`, `"`, `\(dq`, "'", `\(aq`).Replace(line)
	if strings.HasPrefix(line, ".") {
		return `\&` + line
	}
	return line
}

func orElse(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}

func exitStatuses() [][2]string {
	list := [][2]string{{"0", "Done."}}
	for _, s := range []struct {
		code kiln.Code
		text string
	}{
		{kiln.User, "Something to mend in the recipe or around it."},
		{kiln.Usage, "The command line is wrong."},
		{kiln.Refused, "Verification said no: a signature, a hash, or a damaged store or pack."},
		{kiln.Network, "An archive or mirror could not be reached, or served nonsense."},
		{kiln.Bug, "A bug in kiln."},
	} {
		list = append(list, [2]string{fmt.Sprint(cli.ExitStatus(s.code)), s.text})
	}
	return list
}

func environment() [][2]string {
	return [][2]string{
		{"KILN_STORE", "Folder of the store, where --store does not name one."},
		{"KILN_MIRROR_DEBIAN", "Mirror of Debian, where --mirror does not name one; several with blanks between, tried in turn."},
		{"KILN_MIRROR_DEBIAN_SECURITY", "Mirror of Debian's security archive. Where nothing names one, it is debian-security beside the mirror of Debian."},
		{"KILN_CONFIG", "The configuration file."},
		{"KILN_RETRIES", "How often to try a download again at one mirror; default 4."},
		{"KILN_STALL_TIMEOUT", "Longest time that a download may stand still, such as 10s; default 30s."},
		{"XDG_CACHE_HOME, XDG_CONFIG_HOME, HOME", "Where store and configuration file are, where nothing above names them."},
		{"TERM, CI, NO_COLOR", "On a terminal kiln shows what is under way and takes it away at the end, unless TERM is dumb or CI is set; without colours where NO_COLOR is set. Elsewhere each step is a line."},
		{"http_proxy, https_proxy, no_proxy", "Proxies for downloads, and the hosts to reach without one."},
	}
}

func files() [][2]string {
	return [][2]string{
		{"kiln.yaml", "The recipe: what the image is for and what it holds. Written by people; docs/recipe.md of kiln's source names every key."},
		{"kiln.lock", "The lock, beside the recipe: the exact packages, with hashes and the signed archive state. Written by kiln lock and kiln build; commit it."},
		{"~/.config/kiln/config.yaml", "The configuration file. It holds nothing but mirrors, such as mirrors: {debian: http://mirror.example.org/debian}. It never reaches an image."},
		{"~/.cache/kiln", "The store. It is safe to delete."},
		{"/etc/apt/sources.list, /etc/apt/sources.list.d", "The host's own apt sources, read for the address of a mirror where nothing else names one."},
	}
}
