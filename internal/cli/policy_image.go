package cli

import (
	"context"
	"slices"

	"kiln"
	"kiln/internal/attest"
	"kiln/internal/bake"
	"kiln/internal/debian"
	imagefacts "kiln/internal/facts"
	"kiln/internal/image"
	"kiln/internal/recipe"
	"kiln/internal/survey"
	"kiln/internal/tree"
)

// askAll asks for all facts.
func askAll(string) bool { return true }

// asked asks for what any of the policies does.
func asked(policies []bake.Used) func(string) bool {
	return func(name string) bool {
		return slices.ContainsFunc(policies, func(u bake.Used) bool { return u.Asks(name) })
	}
}

// imageFacts are the facts of an image that is read back.
func (a *app) imageFacts(ctx context.Context, arg string, f policyFlags, asks func(string) bool) (*imagefacts.Facts, error) {
	ref, done, err := a.imageRef(ctx, arg)
	if err != nil {
		return nil, err
	}
	defer done()
	scan := asks(bake.AskSecrets)
	o := image.Options{Native: nativePlatform(), Spool: a.spool(), Record: true, Sink: a.ui.sink}
	if f.platform != "" {
		if o.Platform, err = kiln.ParsePlatform(f.platform); err != nil {
			return nil, &kiln.Error{Code: kiln.Usage, Text: err.Error()}
		}
	}
	var all []tree.Entry
	if scan {
		o.Entry = func(_ int, e tree.Entry) { all = append(all, e) }
	} else {
		o.Keep = func(e tree.Entry) bool { return survey.Needs(e) || debian.ForInstalled(e) }
	}
	img, err := image.Read(ctx, ref, o)
	if err != nil {
		return nil, notSide(arg, err)
	}
	defer img.Close()
	e := survey.Evidence{Unknown: map[string]string{}}
	if asks(bake.AskLicences) {
		if in, err := inventoryOf(img, arg); err == nil {
			e.Inventory = in.Inventory
		} else {
			e.Unknown["pkg.licences"] = err.Error()
		}
	}
	if scan {
		var r secretsReport
		if err := r.ofImage(ctx, img, all, f.trusted); err != nil {
			return nil, err
		}
		e.Secrets = func(own *recipe.Recipe) []imagefacts.Secret { return bake.SecretFacts(own, platformOf(img), r.Secrets) }
	}
	if f.trust != "" {
		if e.Signatures, err = a.signatureFacts(ctx, ref, img, f.trust); err != nil {
			return nil, err
		}
	}
	return survey.OfImage(img, arg, e)
}

func platformOf(img *image.Image) (p kiln.Platform) {
	if img.Config != nil {
		p = img.Config.Platform
	}
	return p
}

// signatureFacts are the signatures beside an image that count by a trust policy, of
// requirements that are met: of the image as a whole, or of the platform that was read.
func (a *app) signatureFacts(ctx context.Context, ref image.Reference, img *image.Image, file string) ([]imagefacts.Signature, error) {
	trust, err := loadTrust(file)
	if err != nil {
		return nil, err
	}
	out, err := image.ReadOutline(ctx, ref, image.Options{Referrers: bundlesAlone, Spool: a.spool(), Sink: a.ui.sink})
	if err != nil {
		return nil, err
	}
	target, err := targetOf(out, ref, nil)
	if err != nil {
		return nil, err
	}
	all := []imagefacts.Signature{}
	for _, c := range trust.Judge(target, bundlesOf(out), a.world.Now()).Checks {
		if !c.Met || c.Subject != target.Digest && c.Subject != img.Digest {
			continue
		}
		for _, s := range c.Signed {
			f := imagefacts.Signature{Identity: s.Person, Predicate: attest.NameOf(c.Type)}
			if !slices.Contains(all, f) {
				all = append(all, f)
			}
		}
	}
	return all, nil
}
