// Package store is the content-addressed directory that holds every input and
// every derived piece: blobs by digest, and the results of actions by action key.
// It is safe to delete, safe to share between processes of one user or many, and
// never trusts its own disk: what is read is checked against its digest.
package store

import (
	"context"
	"io"
	"time"

	"kiln"
)

// Layout below the store's folder:
//
//	blobs/sha256/ab/abcd...   content, mode 0444, name is its digest
//	results/ab/abcd...        what an action gave, name is the action key
//	locks/                    one file for each piece of work under way
//	staging/                  files being written; a dead process's are swept by gc
//	archives/                 the newest Release accepted for each archive pocket
//	kiln-store                format version, one line

// Store is an open store. Its methods may be called from several goroutines.
type Store struct {
	dir string
}

var _ = []any{context.Background, io.EOF, time.Now, kiln.User} // removed by the implementation
