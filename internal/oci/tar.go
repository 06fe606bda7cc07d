package oci

import (
	"context"
	"io"

	"kiln"
	"kiln/internal/tree"
)

// WriteTar writes t as a plain tar file, its entries sorted by path.
func WriteTar(ctx context.Context, t *tree.Tree, c tree.Contents, file string, job *kiln.Job) error {
	return writeFile(file, func(w io.Writer) error {
		tw := tree.NewTarWriter(&ctxWriter{ctx, told{w, job}})
		for e := range t.All() {
			if err := tw.Add(e, c); err != nil {
				return err
			}
		}
		return tw.Close()
	})
}
