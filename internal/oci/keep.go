package oci

import (
	"slices"

	"kiln/internal/store"
)

// keeping returns ix with what was attached to the same image at place since it was
// built: writing an image again loses no signature. What stands there and does not
// verify is not kept.
func (ix Index) keeping(st *store.Store, place string) Index {
	s, err := openStanding(place)
	if err != nil {
		return ix
	}
	defer s.Close()
	top, _, err := readTop(s)
	if err != nil || len(top.Manifests) != 1 || top.Manifests[0].Digest != ix.entry.Digest {
		return ix
	}
	_, referrers, err := readList(s, top.Manifests[0])
	if err != nil {
		return ix
	}
	kept := ix
	for _, d := range referrers {
		if Built(d.ArtifactType) || slices.ContainsFunc(ix.referrers, func(h Descriptor) bool { return h.Digest == d.Digest }) {
			continue
		}
		blobs, err := fetchReferrer(st, s, d)
		if err != nil {
			continue
		}
		kept.referrers = append(slices.Clip(kept.referrers), d)
		kept.blobs = append(slices.Clip(kept.blobs), blobs...)
	}
	if len(kept.referrers) == len(ix.referrers) {
		return ix
	}
	if kept, err = kept.listReferrers(st); err != nil {
		return ix
	}
	return kept
}

// fetchReferrer stores a referrer of a layout with all its blobs, verified, and
// returns them.
func fetchReferrer(st *store.Store, s standing, d Descriptor) ([]Descriptor, error) {
	manifest, err := readBlob(s, d.Digest, maxListed)
	if err != nil {
		return nil, err
	}
	a, err := ParseArtifact(manifest, d.ArtifactType)
	if err != nil {
		return nil, err
	}
	all := append([]Descriptor{d, a.Config}, a.Blobs...)
	for _, blob := range all {
		b, err := readBlob(s, blob.Digest, maxReferrer)
		if err != nil {
			return nil, err
		}
		if _, err := PutFile(st, "", blob.MediaType, b); err != nil {
			return nil, err
		}
	}
	return all, nil
}
