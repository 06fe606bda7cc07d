package configtool

import (
	"crypto/md5"
	"encoding/hex"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"kiln/internal/maint/command"
)

// Lines that bound the two blocks which pam-auth-update owns.
const (
	pamPrimary    = `# here are the per-package modules (the "Primary" block)`
	pamFallback   = `# here's the fallback if no module succeeds`
	pamAdditional = `# and here are more per-package modules (the "Additional" block)`
	pamEnd        = `# end of pam-auth-update config`
)

var (
	pamModule = regexp.MustCompile(`^((?:\[[^]]+\]|\w+)\s+\S+)\s*(.*)`)
	pamJump   = regexp.MustCompile(`(\[[^0-9]*)[0-9]+(.*\])`)
	pamEnding = regexp.MustCompile(`(\[.*)end(.*\])`)
)

// lines returns what a profile puts into a file of a type; the first one there has
// lines of its own.
func (p *pamUpdate) lines(profile, uctype string, position int) []string {
	text := p.profiles[profile][uctype]
	if initial := p.profiles[profile][uctype+"-Initial"]; position == 0 && initial != "" {
		text = initial
	}
	return strings.FieldsFunc(text, func(r rune) bool { return r == '\n' })
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// inBlock lists the profiles that are on and have a block ("Primary" or
// "Additional") in files of a type.
func (p *pamUpdate) inBlock(kind, block string) []string {
	var names []string
	for _, n := range p.enabled {
		if p.profiles[n][upperFirst(kind)+"-Type"] == block {
			names = append(names, n)
		}
	}
	return names
}

// block returns the lines of a block. "end" in a line's control stands for the
// number of modules that are still to come.
func (p *pamUpdate) block(kind, block string) []string {
	var modules []string
	for i, n := range p.inBlock(kind, block) {
		modules = append(modules, p.lines(n, upperFirst(kind), i)...)
	}
	service := strings.TrimSuffix(kind, "-noninteractive")
	if len(modules) == 0 && block == "Primary" {
		return []string{service + "\t[default=1]\t\t\tpam_permit.so"}
	}
	count := len(modules)
	if block == "Additional" {
		count--
	}
	var out []string
	for _, m := range modules {
		parts := pamModule.FindStringSubmatch(m)
		if parts == nil {
			continue
		}
		head := strings.ReplaceAll(parts[1], "end", strconv.Itoa(count))
		out = append(out, service+"\t"+head+" "+strings.Join(strings.Fields(parts[2]), " "))
		count--
	}
	return out
}

// render fills the blocks of a template. ok is false where it does not have both.
func (p *pamUpdate) render(template []byte, kind string) (text []byte, ok bool) {
	var b strings.Builder
	state := 0
	for line := range strings.Lines(string(template)) {
		switch {
		case state == 1 && !strings.HasPrefix(line, pamFallback), state == 3 && !strings.HasPrefix(line, pamEnd):
			continue
		case state == 1, state == 3:
			state++
		}
		b.WriteString(line)
		block := ""
		switch {
		case state == 0 && strings.HasPrefix(line, pamPrimary):
			block = "Primary"
		case state == 2 && strings.HasPrefix(line, pamAdditional):
			block = "Additional"
		}
		if block != "" {
			for _, l := range p.block(kind, block) {
				b.WriteString(l + "\n")
			}
			state++
		}
	}
	return []byte(b.String()), state == 4
}

// skeleton is the MD5 of a file less the content of its two blocks.
func skeleton(text []byte) string {
	empty := &pamUpdate{}
	var b strings.Builder
	rendered, _ := empty.render(text, "auth")
	for line := range strings.Lines(string(rendered)) {
		if line != "auth\t[default=1]\t\t\tpam_permit.so\n" {
			b.WriteString(line)
		}
	}
	sum := md5.Sum([]byte(b.String()))
	return hex.EncodeToString(sum[:])
}

// shippedSkeletons are those of the files that former versions of Debian shipped:
// for them, the newest template counts. The list is pam-auth-update's own.
func shippedSkeletons() []string {
	return []string{
		"8d4fe17e66ba25de16a117035d1396aa", "3c0c362eaf3421848b679d63fd48c3fa",
		"4d5c92d595a46b69cd61f18feb4c0574", "50fce2113dfda83ac8bdd5a6e706caec", "4bd7610f2e85f8ddaef79c7db7cb49eb", "9ba753d0824276b44bcadfee1f87b6bc",
		"f297c731a467822cbd86e1283263e8a3", "240fb92986c885b327cdb21dd641da8c", "4a25673e8b36f1805219027d3be02cd2", "9e633425b1878897695217ecaf75e204",
		"ad2b78ce1498dd637ef36469430b6ac6", "53c1ede0bf4c07879d3582d875917545",
	}
}

// write makes the files, and remembers what was put into them.
func (p *pamUpdate) write() error {
	if err := p.c.FS.MkdirAll(pamSaved, 0o755); err != nil {
		return err
	}
	if err := p.c.FS.Rewrite(pamSaved+"/seen", []byte(strings.Join(p.sorted, "\n")+"\n"), 0o644); err != nil {
		return err
	}
	for _, kind := range pamTypes() {
		text, err := p.file(kind)
		if err != nil {
			return err
		}
		if err := p.c.FS.Rewrite(pamFolder+"/common-"+kind, text, 0o644); err != nil {
			return err
		}
		if err := p.c.FS.Rewrite(pamSaved+"/"+kind, p.remember(kind), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (p *pamUpdate) file(kind string) ([]byte, error) {
	target, err := p.c.FS.ReadIfThere(pamFolder + "/common-" + kind)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(shippedSkeletons(), skeleton(target)) {
		if text, ok := p.render(target, kind); ok {
			return text, nil
		}
	}
	master, err := p.c.FS.ReadFile(pamMaster + "/common-" + kind)
	if err != nil {
		return nil, err
	}
	text, ok := p.render(master, kind)
	if !ok {
		return nil, p.c.Unhonoured("%s/common-%s has no place for modules", pamMaster, kind)
	}
	return text, nil
}

// remember is the file of /var/lib/pam for a type: the modules as the profiles
// have them.
func (p *pamUpdate) remember(kind string) []byte {
	var b strings.Builder
	for _, block := range []string{"Primary", "Additional"} {
		for i, n := range p.inBlock(kind, block) {
			if l := p.lines(n, upperFirst(kind), i); len(l) > 0 {
				b.WriteString("Module: " + n + "\n" + strings.Join(l, "\n") + "\n")
			}
		}
		if block == "Primary" && b.Len() == 0 {
			b.WriteString("Module: null\n[default=1]\t\t\tpam_permit.so\n")
		}
	}
	return []byte(b.String())
}

// current compares the files with what was remembered. mods are the profiles in
// them; intact is false where they are not pam-auth-update's work.
func (p *pamUpdate) current() (mods []string, intact bool, err error) {
	for _, kind := range pamTypes() {
		saved, err := p.c.FS.ReadIfThere(pamSaved + "/" + kind)
		if err != nil {
			return nil, false, err
		}
		now, err := p.c.FS.ReadIfThere(pamFolder + "/common-" + kind)
		if err != nil {
			return nil, false, err
		}
		if saved == nil || now == nil {
			return nil, false, nil
		}
		found, ok := matchModules(saved, now, strings.TrimSuffix(kind, "-noninteractive"))
		if !ok {
			return nil, false, nil
		}
		mods = append(mods, found...)
	}
	return mods, true, nil
}

// matchModules finds each module of the file's blocks among those remembered, in
// their order.
func matchModules(saved, now []byte, service string) (mods []string, ok bool) {
	type module struct{ profile, line string }
	var left []module
	profile := ""
	for _, l := range command.NonEmptyLines(saved) {
		if n, ok := strings.CutPrefix(l, "Module: "); ok {
			profile = n
			continue
		}
		left = append(left, module{profile, plainModule(l)})
	}
	lines, whole := pamBlocks(now)
	for _, l := range lines {
		l = plainModule(strings.TrimLeft(strings.TrimPrefix(l, service), " \t"))
		i := slices.IndexFunc(left, func(m module) bool { return m.line == l })
		if i < 0 {
			return nil, false
		}
		mods = append(mods, left[i].profile)
		left = left[i+1:]
	}
	return mods, whole
}

// plainModule drops what depends on the place of a module: its jump, and spacing.
func plainModule(l string) string {
	l = pamEnding.ReplaceAllString(pamJump.ReplaceAllString(l, "$1$2"), "$1$2")
	return strings.Join(strings.Fields(l), " ")
}

// pamBlocks returns the lines inside of the two blocks.
func pamBlocks(text []byte) (lines []string, whole bool) {
	inside := false
	ends := 0
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, pamPrimary), strings.HasPrefix(line, pamAdditional):
			inside = true
		case strings.HasPrefix(line, pamFallback), strings.HasPrefix(line, pamEnd):
			inside = false
			ends++
		case inside:
			lines = append(lines, line)
		}
	}
	return lines, ends == 2
}
