package apt

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"kiln"
)

// accepted is what the store remembers of the newest Release that was accepted
// for a pocket.
type accepted struct {
	Date     time.Time   `json:"date"`
	Release  kiln.Digest `json:"release"`
	Origin   string      `json:"origin,omitempty"`
	Label    string      `json:"label,omitempty"`
	Suite    string      `json:"suite,omitempty"`
	Codename string      `json:"codename,omitempty"`

	NotAutomatic        string `json:"not_automatic,omitempty"`
	ButAutomaticUpgrade string `json:"but_automatic_upgrades,omitempty"`
}

// stateName is the pocket's place in the store's memory. The address is no part
// of it for a known archive: another mirror must not be able to roll it back.
func (p Pocket) stateName() string { return "apt " + p.ID() + " " + p.URL }

// remember compares rel with what was accepted before, and takes its place where
// it is newer. at is the time of judging. Where the user named it, a Release that
// is newer than that does not count, for it did not exist then; a clock that was
// turned back is no such reason.
func (c *Client) remember(ctx context.Context, p Pocket, rel *Release, at time.Time) error {
	name := p.stateName()
	return c.Store.Once(ctx, kiln.DigestOf([]byte("remember "+name)), func() error {
		old, err := c.accepted(name)
		if err != nil {
			return err
		}
		if old != nil && !(c.AsOf && old.Date.After(at.Add(futureSlack))) {
			if err := p.checkAgainst(old, rel); err != nil {
				return err
			}
		}
		if old != nil && !rel.Date.After(old.Date) {
			return nil
		}
		b, err := json.Marshal(accepted{
			rel.Date, rel.Digest, rel.Origin, rel.Label, rel.Suite, rel.Codename,
			rel.notAutomatic, rel.butAutomaticUpgrade,
		})
		if err != nil {
			return fmt.Errorf("bug: cannot write what was accepted: %w", err)
		}
		return c.Store.SetState(name, b)
	})
}

func (c *Client) accepted(name string) (*accepted, error) {
	b, ok, err := c.Store.State(name)
	if err != nil || !ok {
		return nil, err
	}
	var old accepted
	if err := json.Unmarshal(b, &old); err != nil {
		return nil, fmt.Errorf("cannot read what was accepted before for %q: %w", name, err)
	}
	return &old, nil
}

// checkAgainst refuses an older Release, and one that calls itself otherwise
// than the one before: apt's Acquire::AllowReleaseInfoChange. The Suite of a
// pocket that is known by its Codename changes with every Debian release.
func (p Pocket) checkAgainst(old *accepted, rel *Release) error {
	if rel.Date.Before(old.Date) {
		return p.refuse([]string{hintOtherMirror(p), hintAgain()},
			"its Release is older than the one that was accepted before: %s, before %s", stamp(rel.Date), stamp(old.Date))
	}
	changes := []struct{ field, was, is string }{
		{"Origin", old.Origin, rel.Origin},
		{"Label", old.Label, rel.Label},
		{"Codename", old.Codename, rel.Codename},
		{"NotAutomatic", old.NotAutomatic, rel.notAutomatic},
		{"ButAutomaticUpgrades", old.ButAutomaticUpgrade, rel.butAutomaticUpgrade},
	}
	if p.Suite != rel.Codename {
		changes = append(changes, struct{ field, was, is string }{"Suite", old.Suite, rel.Suite})
	}
	var told []string
	for _, ch := range changes {
		if ch.was != ch.is {
			told = append(told, fmt.Sprintf("its %s from %q to %q", ch.field, printable(ch.was), printable(ch.is)))
		}
	}
	if told == nil {
		return nil
	}
	return p.refuse([]string{"if the archive's owner announced it, start with a fresh store: KILN_STORE=FOLDER kiln lock --update"},
		"its Release changed %s", strings.Join(told, ", "))
}
