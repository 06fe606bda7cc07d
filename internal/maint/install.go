package maint

import (
	"context"
	"slices"
)

// bootstrap installs the packages that count on each other, as debootstrap and
// mmdebstrap do: all their files are put in place before any of their scripts
// runs, then dpkg installs them.
func (n *installation) bootstrap(ctx context.Context) error {
	first := n.missing(true)
	for _, m := range first {
		if err := n.put(m, nil, nil); err != nil {
			return err
		}
	}
	for _, m := range first {
		if err := n.unpack(ctx, m); err != nil {
			return err
		}
	}
	if err := n.configureAll(ctx, first); err != nil {
		return err
	}
	return n.processTriggers(ctx)
}

// installRest installs what is left as apt does it by way of dpkg: everything is
// unpacked, and what another package's Pre-Depends names is configured before
// that one is unpacked; then dpkg configures all that is pending.
func (n *installation) installRest(ctx context.Context) error {
	marked := immediate(n.graph)
	for _, m := range n.missing(false) {
		if !m.begun {
			if err := n.unpackReady(ctx, m, marked[m]); err != nil {
				return err
			}
		}
	}
	if err := n.configureChosen(ctx); err != nil {
		return err
	}
	pending := slices.DeleteFunc(slices.Clone(n.unpacked), func(m *member) bool { return m.configured })
	if err := n.configureAll(ctx, hashOrder(pending)); err != nil {
		return err
	}
	return n.processTriggers(ctx)
}

// missing lists the packages to install in the order to unpack them.
func (n *installation) missing(bootstrap bool) []*member {
	var list []*member
	for _, m := range n.db.packages {
		if !m.Installed && m.Bootstrap == bootstrap {
			list = append(list, m)
		}
	}
	return unpackOrder(n.graph, list)
}

// unpackReady unpacks m when its Pre-Depends are configured; immediately: it is
// configured before the next package is unpacked.
func (n *installation) unpackReady(ctx context.Context, m *member, immediately bool) error {
	m.begun = true
	for _, d := range n.graph.needs[m] {
		if !d.pre || slices.ContainsFunc(d.targets, (*member).settled) {
			continue
		}
		t := d.targets[0]
		if !t.begun {
			if err := n.unpackReady(ctx, t, true); err != nil {
				return err
			}
		} else if err := n.choose(ctx, t); err != nil {
			return err
		}
	}
	if err := n.configureChosen(ctx); err != nil {
		return err
	}
	if err := n.unpack(ctx, m); err != nil {
		return err
	}
	if immediately {
		return n.choose(ctx, m)
	}
	return nil
}

// choose marks m, and before it all that it needs, to be configured before the
// next package is unpacked. What is not unpacked yet, is first.
func (n *installation) choose(ctx context.Context, m *member) error {
	if m.chosen || m.choosing || m.state != unpacked {
		return nil
	}
	m.choosing = true
	defer func() { m.choosing = false }()
	unmet := slices.DeleteFunc(slices.Clone(n.graph.needs[m]), func(d need) bool {
		return slices.ContainsFunc(d.targets, (*member).settled)
	})
	for _, d := range unmet {
		if !d.targets[0].begun {
			if err := n.unpackReady(ctx, d.targets[0], true); err != nil {
				return err
			}
		}
	}
	for _, d := range unmet {
		if err := n.choose(ctx, d.targets[0]); err != nil {
			return err
		}
	}
	m.chosen = true
	n.chosen = append(n.chosen, m)
	return nil
}

// settled: it is configured, or will be before anything else is unpacked.
func (m *member) settled() bool { return m.configured || m.chosen }

func (n *installation) configureChosen(ctx context.Context) error {
	list := n.chosen
	n.chosen = nil
	return n.configureAll(ctx, list)
}

// configureAll configures the packages of dpkg's queue.
func (n *installation) configureAll(ctx context.Context, queue []*member) error {
	for _, m := range configureOrder(n.graph, queue, func(m *member) bool { return m.configured }) {
		if err := n.configure(ctx, m); err != nil {
			return err
		}
	}
	return nil
}
