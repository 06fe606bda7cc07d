package oci_test

import (
	"context"
	"io"
	"sync"
	"testing"

	"kiln"
	"kiln/internal/oci"
	"kiln/internal/tree"
)

// Members that were compressed beforehand are found by the layer that has them.
func TestPrecompressedMembersAreFound(t *testing.T) {
	bytes := tree.Bytes{}
	st, l := openStore(t), bigLayer(bytes, "a", "b", "c")
	contents := &telling{Contents: bytes, of: l.Members[3].Entries[0].Content, begun: make(chan struct{})}
	p := oci.NewPrecompressor(st, oci.Gzip, nil)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	p.Add(cancelled, l.Name, l.Members[1], contents) // a broken one hinders nobody
	p.Add(t.Context(), l.Name, l.Members[2], contents)
	p.Add(t.Context(), l.Name, l.Members[3], contents)
	<-contents.begun // the one before the last is done then
	p.Close()
	p.Add(t.Context(), l.Name, l.Members[1], contents) // too late
	var mu sync.Mutex
	cached := map[string]bool{}
	built, err := oci.BuildLayer(t.Context(), st, l, contents, oci.LayerOptions{Compression: oci.Gzip, Sink: func(e kiln.Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.Step == kiln.StepCompress && e.State == kiln.Cached {
			cached[e.Subject] = true
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer built.Close()
	for name, want := range map[string]bool{"a": false, "b": true, "c": true, "directories": false} {
		if got := cached[name+" in layer base"]; got != want {
			t.Errorf("member %q found: %v, want %v", name, got, want)
		}
	}
}

// telling closes begun when the content of is opened.
type telling struct {
	tree.Contents
	of    kiln.Digest
	begun chan struct{}
	once  sync.Once
}

func (c *telling) OpenContent(d kiln.Digest) (io.ReadCloser, error) {
	if d == c.of {
		c.once.Do(func() { close(c.begun) })
	}
	return c.Contents.OpenContent(d)
}
