package redact

import (
	"bytes"
	"io"
)

// Writer passes on what is written to it with each secret replaced by its name. What
// may be the beginning of one is held back until it is known, at the latest by Flush.
type Writer struct {
	forms *Forms
	to    io.Writer
	held  []byte
}

// NewWriter returns a Writer to w.
func (f *Forms) NewWriter(w io.Writer) *Writer { return &Writer{forms: f, to: w} }

// Write takes in p.
func (w *Writer) Write(p []byte) (int, error) {
	w.held = append(w.held, p...)
	return len(p), w.pass(false)
}

// Flush passes on what is held back.
func (w *Writer) Flush() error { return w.pass(true) }

// pass passes on all that no later byte can make a part of a secret.
func (w *Writer) pass(all bool) error {
	for {
		at, f := w.forms.first(w.held)
		safe := max(len(w.held)-max(w.forms.longest-1, 0), 0)
		if all {
			safe = len(w.held)
		}
		// A longer form may yet begin before the end, at or before what was found.
		if at < 0 || at >= safe {
			if safe == 0 {
				return nil
			}
			_, err := w.to.Write(w.held[:safe])
			w.held = append(w.held[:0], w.held[safe:]...)
			return err
		}
		if _, err := w.to.Write(append(bytes.Clone(w.held[:at]), "[secret "+f.id+"]"...)); err != nil {
			return err
		}
		w.held = append(w.held[:0], w.held[at+len(f.text):]...)
	}
}

// Mask is text with each secret replaced by its name.
func (f *Forms) Mask(text string) string {
	var b bytes.Buffer
	w := f.NewWriter(&b)
	_, _ = w.Write([]byte(text)) // a Buffer takes all
	_ = w.Flush()
	return b.String()
}

// first finds the form that begins first, and of several there the longest; at is -1
// where there is none.
func (f *Forms) first(b []byte) (at int, found *form) {
	at = -1
	for i := range f.list {
		if k := bytes.Index(b, []byte(f.list[i].text)); k >= 0 && (at < 0 || k < at) {
			at, found = k, &f.list[i]
		}
	}
	return at, found
}
