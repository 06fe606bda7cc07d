package resolve

import "slices"

// Lookups gives tests what a resolver looks up in an index.
type Lookups struct{ w *world }

func Look(ix *Index) Lookups { return Lookups{newWorld(ix, Request{})} }

func (l Lookups) Names() []string { return l.w.names() }

func (l Lookups) EssentialNames() []string { return l.w.essentialNames() }

func (l Lookups) Named(name string) []Candidate { return l.at(l.w.named(name)) }

func (l Lookups) at(list []int32) []Candidate {
	var all []Candidate
	for _, c := range list {
		all = append(all, *l.w.at(c))
	}
	return all
}

// Provision is one entry of a Provides field, with who has it.
type Provision struct {
	By                 Candidate
	Version, Qualifier string
}

func (l Lookups) Provided(name string) []Provision {
	var all []Provision
	for _, p := range l.w.provided(name) {
		all = append(all, Provision{*l.w.at(p.by), p.version, p.qualifier})
	}
	return all
}

// ByMention sorts names of candidates as apt numbers them.
func (l Lookups) ByMention(names []string) []string {
	list := slices.Clone(names)
	slices.SortStableFunc(list, l.w.compareMentions)
	return list
}

// InOrder returns all candidates in order, each once.
func (l Lookups) InOrder() []Candidate {
	var list []int32
	for _, name := range l.w.names() {
		list = append(list, l.w.named(name)...)
	}
	slices.Reverse(list)
	slices.SortStableFunc(list, l.w.order)
	return l.at(list)
}
