package apt

import (
	"fmt"
	"io"

	"kiln"
	"kiln/internal/store"
)

// part is a file on its way into the store.
type part struct {
	store   *store.Store
	want    download
	w       *store.Writer
	hash    kiln.Digester
	got     int64
	head    []byte // its first bytes, to tell a web page
	resumed bool
}

// begin makes ready to take in bytes from the given offset on: the end of what
// is there, or the start again.
func (p *part) begin(from int64) error {
	if from > 0 {
		p.resumed = true
		return nil
	}
	p.discard()
	w, err := p.store.Create()
	if err != nil {
		return err
	}
	p.w, p.hash = w, kiln.NewDigester()
	return nil
}

func (p *part) write(b []byte) error {
	if p.got += int64(len(b)); p.got > p.want.size {
		return p.altered(fmt.Sprintf("more than %d bytes", p.want.size))
	}
	if room := 512 - len(p.head); room > 0 {
		p.head = append(p.head, b[:min(room, len(b))]...)
	}
	p.hash.Write(b)
	_, err := p.w.Write(b)
	return err
}

// complete tells a file that ended from one that was cut without saying so.
func (p *part) complete() error {
	if p.got < p.want.size {
		return &trouble{text: fmt.Sprintf("the transfer ended after %d of %d bytes", p.got, p.want.size), again: true}
	}
	return nil
}

// commit gives the file its place, if it is the right one. Pieces of two
// attempts that do not fit together are worth another attempt from the start.
func (p *part) commit() error {
	if got := p.hash.Digest(); got != p.want.digest {
		err := p.altered(string(got))
		err.again, p.resumed = p.resumed, false
		p.discard()
		return err
	}
	w := p.w
	p.w = nil
	_, _, err := w.Commit(p.want.digest)
	return err
}

func (p *part) discard() {
	if p.w != nil {
		p.w.Discard()
	}
	p.w, p.got, p.head = nil, 0, nil
}

func (p *part) wrongSize(b *body) error {
	head := make([]byte, 512)
	n, _ := io.ReadFull(b, head)
	p.head = head[:n]
	return p.altered(fmt.Sprintf("%d bytes", b.size))
}

func (p *part) altered(got string) *trouble {
	text := fmt.Sprintf("the content is another: want %d bytes, %s, got %s", p.want.size, p.want.digest, got)
	if looksLikeHTML(p.head) {
		text = "a web page was served in place of the file (a captive portal?)"
	}
	return &trouble{text: text, altered: true}
}
