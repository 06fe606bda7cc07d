package registry

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"kiln"
	"kiln/internal/oci"
)

// Moved counts what was moved, in the shape that --json prints.
type Moved struct {
	Sent    int   `json:"sent"`    // blobs
	Bytes   int64 `json:"bytes"`   // of these
	There   int   `json:"there"`   // blobs that the target had
	Mounted int   `json:"mounted"` // blobs that the registry had in another repository
}

// push writes g to the repository of to. Blobs come before the manifests that name
// them, referrers after their subject, and the tag comes last: so that whoever asks for
// it finds all of it or what was there before.
func (c *Client) push(ctx context.Context, g *graph, from origin, to Reference) (Moved, error) {
	p, err := c.origin(ctx, to)
	if err != nil {
		return Moved{}, err
	}
	moved, err := c.pushBlobs(ctx, g, from, p)
	if err != nil {
		return moved, err
	}
	for _, doc := range g.documents {
		if err := c.pushDocument(ctx, p, doc); err != nil {
			return moved, err
		}
	}
	for _, doc := range g.referrers {
		if err := c.pushReferrer(ctx, p, doc); err != nil {
			return moved, err
		}
	}
	if to.Tag == "" {
		return moved, nil
	}
	ok, err := p.hasManifest(ctx, to.Tag, g.top.Digest)
	if err == nil && !ok {
		last := g.documents[len(g.documents)-1]
		_, err = p.putManifest(ctx, to.Tag, last.MediaType, last.text)
	}
	return moved, p.host.problem(fmt.Sprintf("cannot set the tag %s:%s", p, to.Tag), err)
}

// pushBlobs sends the blobs, several at a time, the largest first.
func (c *Client) pushBlobs(ctx context.Context, g *graph, from origin, p place) (Moved, error) {
	var mu sync.Mutex
	var m Moved
	c.plan(kiln.StepPush, g.blobs)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(c.jobs())
	for _, d := range largestFirst(g.blobs) {
		group.Go(func() error {
			open := func(ctx context.Context) (content, error) { return from.blob(ctx, d) }
			how, err := c.send(ctx, p, d, c.elsewhere(from, p, d), open)
			if err != nil {
				return err
			}
			c.remember(p, d)
			mu.Lock()
			defer mu.Unlock()
			switch how {
			case there:
				m.There++
			case mounted:
				m.Mounted++
			default:
				m.Sent++
				m.Bytes += d.Size
			}
			return nil
		})
	}
	err := group.Wait()
	return m, err
}

func largestFirst(blobs []oci.Descriptor) []oci.Descriptor {
	all := slices.Clone(blobs)
	slices.SortStableFunc(all, func(a, b oci.Descriptor) int { return int(min(max(b.Size-a.Size, -1), 1)) })
	return all
}

// plan tells of the blobs to come.
func (c *Client) plan(step kiln.Step, blobs []oci.Descriptor) {
	var total int64
	for _, d := range blobs {
		total += d.Size
	}
	c.Sink.Plan(step, len(blobs), total)
}

// elsewhere is a repository of the host that may have the blob; empty where none is known.
func (c *Client) elsewhere(from origin, p place, d oci.Descriptor) string {
	name := from.repository(p.host.name)
	if name == "" {
		if value, ok := c.Store.Mark(blobMark(p.host, d)); ok {
			name = string(value)
		}
	}
	if name == p.name || !repositoryForm.MatchString(name) {
		return ""
	}
	return name
}

// remember notes where a blob is, for the next push of it to this host. That it
// cannot costs time and nothing else.
func (c *Client) remember(p place, d oci.Descriptor) {
	_ = c.Store.SetMark(blobMark(p.host, d), []byte(p.name))
}

func blobMark(h *host, d oci.Descriptor) kiln.Digest {
	return kiln.DigestOf([]byte("kiln registry blob\x00" + h.name + "\x00" + string(d.Digest)))
}

// pushDocument writes a manifest or index under its digest.
func (c *Client) pushDocument(ctx context.Context, p place, doc document) error {
	what := fmt.Sprintf("cannot push the manifest %s@%s", p, doc.Digest)
	ok, err := p.hasManifest(ctx, string(doc.Digest), doc.Digest)
	listed := false
	if err == nil && (!ok || doc.subject != "") {
		// One with a subject is written again: the answer tells who keeps the list.
		listed, err = p.putManifest(ctx, string(doc.Digest), doc.MediaType, doc.text)
	}
	if err == nil && doc.subject != "" && !listed {
		err = p.keep(ctx, doc)
	}
	return p.host.problem(what, err)
}

// pushReferrer is pushDocument for what stands beside an image, unless it is listed
// there already.
func (c *Client) pushReferrer(ctx context.Context, p place, doc document) error {
	if doc.subject != "" {
		all, err := p.referrers(ctx, doc.subject)
		if err != nil {
			return p.host.problem(fmt.Sprintf("cannot list what refers to %s@%s", p, doc.subject), err)
		}
		ok := slices.ContainsFunc(all, func(d oci.Descriptor) bool { return d.Digest == doc.Digest })
		if ok {
			if ok, err = p.hasManifest(ctx, string(doc.Digest), doc.Digest); err == nil && ok {
				return nil
			}
		}
	}
	return c.pushDocument(ctx, p, doc)
}
