package deb

import (
	"fmt"
	"io"
	"strings"
)

// packageSlab is how many Packages are allocated at once.
const packageSlab = 256

// ReadPackages reads an archive's Packages file, as strictly as Reader and
// ParsePackage do, and demands of each package Filename, SHA256 and Size, as
// without them it can not be fetched safely. The order is the file's. The result
// does not keep the file's text in memory: names and versions are shared.
func ReadPackages(r io.Reader) ([]*Package, error) {
	ix := indexReader{blocks: blocks{r: r}}
	ix.builder.relations.names = map[string]string{}
	var all []*Package
	for {
		p, err := ix.next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
}

type indexReader struct {
	blocks  blocks
	builder packageBuilder
	slab    []Package
	seen    []Field // of the paragraph at hand
}

// next fills a Package straight from the fields, without a Paragraph between.
func (ix *indexReader) next() (*Package, error) {
	block, err := ix.blocks.next()
	if err != nil {
		return nil, err
	}
	if len(ix.slab) == 0 {
		ix.slab = make([]Package, packageSlab)
	}
	p := &ix.slab[0]
	ix.slab = ix.slab[1:]
	if err := ix.fill(p, string(block)); err != nil {
		return nil, err
	}
	return p, nil
}

func (ix *indexReader) fill(p *Package, block string) error {
	cutter := fieldCutter{rest: block, line: ix.blocks.line}
	ix.seen = ix.seen[:0]
	for cutter.rest != "" {
		f, err := cutter.next()
		if err != nil {
			return err
		}
		if err := cutter.checkNew(ix.seen, f.Name); err != nil {
			return err
		}
		ix.seen = append(ix.seen, f)
		if err := ix.builder.set(p, f); err != nil {
			return ix.fail(p, err)
		}
	}
	if err := ix.builder.finish(p); err != nil {
		return ix.fail(p, err)
	}
	if err := checkIndexed(p); err != nil {
		return ix.fail(p, err)
	}
	return nil
}

func (ix *indexReader) fail(p *Package, err error) error {
	if p.Name == "" {
		return fmt.Errorf("cannot read the paragraph at line %d: %w", ix.blocks.line, err)
	}
	return fmt.Errorf("cannot read the package %q at line %d: %w", strings.ToValidUTF8(excerpt(p.Name), "?"), ix.blocks.line, err)
}
