package deb

import "io"

// Reader reads the paragraphs of a deb822 file (deb822(5)) with the strictness
// of dpkg: no comments, no field twice, no blank line inside a value, and a line
// feed at the end of the file. It also refuses NUL bytes, a paragraph above
// 16 MiB and one of more than 1,000 fields. OpenPGP armour is not its business.
type Reader struct {
	blocks blocks
}

// NewReader returns a Reader of r.
func NewReader(r io.Reader) *Reader { return &Reader{blocks: blocks{r: r}} }

// NewTextReader returns a Reader of a text that is at hand, and must not change until it is read.
func NewTextReader(text []byte) *Reader { return &Reader{blocks: blocks{buf: text, end: true}} }

// Next returns the next paragraph, or io.EOF where there is none. After an error
// every further call returns it again.
func (r *Reader) Next() (*Paragraph, error) {
	block, err := r.blocks.next()
	if err != nil {
		return nil, err
	}
	p := &Paragraph{Line: r.blocks.line}
	cutter := fieldCutter{rest: string(block), line: r.blocks.line}
	for cutter.rest != "" {
		f, err := cutter.next()
		if err == nil {
			err = cutter.checkNew(p.Fields, f.Name)
		}
		if err != nil {
			return nil, r.blocks.fail(err)
		}
		p.Fields = append(p.Fields, f)
	}
	return p, nil
}
