package apt

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"kiln"
)

// packagesSuffixes are the forms of a Packages file that kiln reads, the one to
// prefer first: the smallest download.
func packagesSuffixes() []string { return []string{".xz", ".zst", ".gz", ""} }

// Indexes brings the Packages files of the pocket for one architecture into the
// store, and returns them by component, in the pocket's order. Each is of arch,
// or "all" where the archive keeps those packages apart. An archive that does
// not serve the architecture is told of, and gives none.
func (c *Client) Indexes(ctx context.Context, p Pocket, rel *Release, arch string) ([]Index, error) {
	var all []Index
	if p.Flat() {
		return c.appendIndex(ctx, p, rel, all, Index{}, "")
	}
	for _, component := range p.Components {
		if err := p.checkComponent(rel, component); err != nil {
			return nil, err
		}
		before := len(all)
		for _, a := range rel.indexArchitectures(arch) {
			var err error
			folder := component + "/binary-" + a + "/"
			if all, err = c.appendIndex(ctx, p, rel, all, Index{Component: component, Architecture: a}, folder); err != nil {
				return nil, err
			}
		}
		if len(all) == before {
			c.Sink.Send(kiln.Event{Step: kiln.StepLock, State: kiln.Warning, Subject: p.ID(),
				Text: fmt.Sprintf("the archive %q has no packages for %s in its component %q", p.ID(), arch, component)})
		}
	}
	return all, nil
}

// checkComponent refuses a component that the Release knows nothing of. The
// security archive writes some as "updates/main", which its paths do not.
func (p Pocket) checkComponent(rel *Release, component string) error {
	if len(rel.Components) == 0 || slices.ContainsFunc(rel.Components, func(c string) bool {
		return c == component || path.Base(c) == component
	}) {
		return nil
	}
	return p.problem(kiln.User, []string{"its components are: " + printable(strings.Join(rel.Components, ", "))}, "it has no component %q", component)
}

// indexArchitectures lists whose Packages files hold what a machine of the given
// architecture can install. Packages for all architectures stand in every
// index; an archive may keep them in one of their own, which counts unless
// No-Support-for-Architecture-all says that it is there for other uses.
func (rel *Release) indexArchitectures(arch string) []string {
	var archs []string
	for _, a := range []string{arch, "all"} {
		listed := len(rel.Architectures) == 0 || slices.Contains(rel.Architectures, a)
		if listed && !(a == "all" && rel.noAll) && !slices.Contains(archs, a) {
			archs = append(archs, a)
		}
	}
	return archs
}

// appendIndex downloads the best form of the Packages file in a folder. One that
// the Release does not name is not there. A form that is named and missing is
// passed over for the next one: mirrors need not keep the plain form.
func (c *Client) appendIndex(ctx context.Context, p Pocket, rel *Release, all []Index, ix Index, folder string) ([]Index, error) {
	var missing error
	for _, suffix := range packagesSuffixes() {
		e, ok := rel.entries[folder+"Packages"+suffix]
		if !ok {
			continue
		}
		ix.Path, ix.Digest, ix.Size = folder+"Packages"+suffix, e.digest, e.size
		if plain, ok := rel.entries[folder+"Packages"]; ok {
			ix.plain = &plain
		}
		err := c.bringIndex(ctx, p, ix, rel.ByHash)
		if err == nil {
			return append(all, ix), nil
		}
		if !isMissing(err) {
			return nil, err
		}
		if missing == nil {
			missing = err
		}
	}
	if missing == nil && p.Flat() {
		return nil, p.refuse([]string{"tell the archive's owner"}, "its Release names no Packages file")
	}
	return all, missing
}

// bringIndex downloads one index. By-hash paths stay right while a mirror is
// being updated, so they go first wherever the archive keeps them.
func (c *Client) bringIndex(ctx context.Context, p Pocket, ix Index, byHash bool) error {
	plain := path.Join(p.folder(), ix.Path)
	paths := []string{plain}
	if byHash {
		paths = []string{path.Join(path.Dir(plain), "by-hash/SHA256", ix.Digest.Hex()), plain}
	}
	return c.bring(ctx, download{
		pocket:  p,
		step:    kiln.StepLock,
		paths:   paths,
		digest:  ix.Digest,
		size:    ix.Size,
		subject: p.ID() + " " + ix.Path,
	})
}
