package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"kiln"
	"kiln/internal/attest"
	"kiln/internal/durable"
	"kiln/internal/image"
	"kiln/internal/registry"
)

// acceptFresh refuses an image that is older than the policy wants, and remembers the
// one that is not.
func (a *app) acceptFresh(ctx context.Context, ref image.Reference, policy *attest.Policy, r *policyReport, f trustFlags) (err error) {
	standing := attest.Standing{Digest: r.Digest, Created: r.Created, Serial: r.Serial}
	r.State = f.state
	if f.skipFresh {
		r.Skipped = append(r.Skipped, "its age was not asked: --unsafe-skip-freshness")
		r.Accepted = true
		return a.ui.result(r, r.print)
	}
	if r.Fresh = policy.Fresh.Older(standing); r.Fresh != "" {
		return a.refuse(r, ref, r.Fresh)
	}
	if policy.Fresh.Remember && f.state == "" {
		r.Fresh = "the policy wants an image that is not older than the last that was accepted, and nobody knows which that was"
		return a.refuse(r, ref, r.Fresh+": name a file for that with --state FILE")
	}
	if f.state != "" {
		if r.Fresh, err = remember(ctx, f.state, policy, ref, r.Platform, standing); err != nil {
			return err
		}
		if r.Fresh != "" {
			return a.refuse(r, ref, r.Fresh)
		}
	}
	r.Accepted = true
	return a.ui.result(r, r.print)
}

// remember compares an image with the last one that was accepted under its name, and
// keeps it as that where it is not older.
func remember(ctx context.Context, file string, policy *attest.Policy, ref image.Reference, platform string, s attest.Standing) (older string, err error) {
	problem := func(err error) error {
		return &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot use the record of accepted images %q: %v", file, err), Err: err,
			Hints: []string{"have it back from a backup; without it, nobody knows what was accepted before"}}
	}
	unlock, err := durable.Lock(ctx, file+".lock")
	if err != nil {
		return "", problem(err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	defer os.Remove(file + ".lock") // while it is held, as durable.Lock allows
	text, err := readBounded(file, maxTrust)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", problem(err)
	}
	known, err := attest.ParseAccepted(text)
	if err != nil {
		return "", problem(err)
	}
	name, _ := policy.Name()
	if name == "" {
		name = ref.Path
		if to, err := registry.ParseReference(ref.From); ref.From != "" && err == nil {
			name = to.Name() // whatever its tag
		}
	}
	if platform != "" {
		name += " " + platform // by itself: another digest, and perhaps older than the whole
	}
	if older := known.Older(name, s); older != "" {
		return older, nil
	}
	known.Accept(name, s)
	if text, err = attest.MarshalIndented(known); err != nil {
		return "", err
	}
	return "", writeText(file, text)
}
