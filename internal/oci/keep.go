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
	var all []Descriptor
	read := func(d Descriptor) ([]byte, error) { return readBlob(s, d.Digest, maxListed) }
	err := Walk(d, read, func(blob Descriptor) error {
		b, err := readBlob(s, blob.Digest, maxReferrer)
		if err == nil {
			_, err = PutFile(st, "", blob.MediaType, b)
		}
		all = append(all, blob)
		return err
	})
	return all, err
}
