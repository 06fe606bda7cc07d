package image

import (
	"fmt"

	"kiln"
	"kiln/internal/oci"
)

// Referrer is an artifact that stands beside an image: the record of its build, an
// SBOM, a signed statement. Its blobs were checked against their digests; what they
// say was not looked at.
type Referrer struct {
	oci.Descriptor // of its manifest, with artifactType and annotations
	Artifact       oci.Artifact
	Contents       [][]byte // of Artifact.Blobs, in order; nil of the record of the build
}

// beside reads what stands beside the image that the entry of index.json names, as
// far as the options ask for it.
func (r *reader) beside(s source, entry descriptor) error {
	name := entry.Annotations[oci.AnnotationReferrers]
	if name == "" || !r.o.Record && !r.o.Referrers {
		return nil
	}
	list, err := referrersOf(s, name)
	if err != nil {
		return err
	}
	r.img.List = kiln.Digest(name)
	for _, d := range list {
		if d.ArtifactType != oci.TypeBuild && !r.o.Referrers {
			continue
		}
		ref, err := readReferrer(s, d)
		if err == nil && d.ArtifactType == oci.TypeBuild {
			err = r.record(s, entry, ref)
		} else if err == nil {
			err = readContents(s, &ref)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", besideName(d.ArtifactType), err)
		}
		if r.o.Referrers {
			r.img.Referrers = append(r.img.Referrers, ref)
		}
	}
	return nil
}

func besideName(artifactType string) string {
	if artifactType == oci.TypeBuild {
		return "the record of the build"
	}
	return "the " + artifactType + " beside it"
}

// referrersOf reads the list of the referrers, whose digest is name.
func referrersOf(s source, name string) ([]oci.Descriptor, error) {
	file, digest, err := blobOf(descriptor{Digest: name})
	if err != nil {
		return nil, err
	}
	text, err := document(s, file, digest, maxDocument)
	if err != nil {
		return nil, fmt.Errorf("the list of the referrers: %w", err)
	}
	list, err := oci.ParseReferrers(text)
	if err != nil {
		return nil, refused("%v", err)
	}
	return list, nil
}

// readReferrer reads the manifest of a referrer.
func readReferrer(s source, d oci.Descriptor) (Referrer, error) {
	file, digest, err := blobOf(descriptor{Digest: string(d.Digest), Size: d.Size})
	if err != nil {
		return Referrer{}, err
	}
	text, err := document(s, file, digest, maxDocument)
	if err != nil {
		return Referrer{}, err
	}
	a, err := oci.ParseArtifact(text, d.ArtifactType)
	if err != nil {
		return Referrer{}, refused("%v", err)
	}
	if a.Subject == nil {
		return Referrer{}, refused("it is not of the image which it stands beside: it has no subject")
	}
	return Referrer{Descriptor: d, Artifact: a}, nil
}

func readContents(s source, r *Referrer) error {
	for i, d := range append([]oci.Descriptor{r.Artifact.Config}, r.Artifact.Blobs...) {
		file, digest, err := blobOf(descriptor{Digest: string(d.Digest), Size: d.Size})
		if err != nil {
			return err
		}
		b, err := document(s, file, digest, maxRecordFile)
		if err != nil {
			return err
		}
		if i > 0 {
			r.Contents = append(r.Contents, b)
		}
	}
	return nil
}

// record reads the record of the build, which is of the entry as a whole.
func (r *reader) record(s source, entry descriptor, ref Referrer) (err error) {
	if string(ref.Artifact.Subject.Digest) != entry.Digest {
		return refused("it is not of %s, which it stands beside", entry.Digest)
	}
	if r.img.Record != nil {
		return refused("there are two of it: %s and %s", r.img.Record.Digest, ref.Digest)
	}
	if r.o.Record {
		r.img.Record, err = readRecord(s, ref.Artifact, ref.Digest)
	}
	return err
}
