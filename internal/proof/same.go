package proof

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// sameFiles compares two files, or all files below two folders, byte by byte. Of
// folders only names and contents count. It returns the differences, at most one for
// each file.
func sameFiles(a, b string) ([]Difference, error) {
	left, err := filesBelow(a)
	if err != nil {
		return nil, err
	}
	right, err := filesBelow(b)
	if err != nil {
		return nil, err
	}
	both := maps.Clone(left)
	maps.Copy(both, right)
	var all []Difference
	for _, name := range slices.Sorted(maps.Keys(both)) {
		d := Difference{Part: PartFile, Where: name, Step: stepOutput}
		inLeft, inRight := left[name], right[name]
		switch {
		case inLeft && inRight:
			differs, err := compareFile(filepath.Join(a, name), filepath.Join(b, name), &d)
			if err != nil {
				return nil, err
			}
			if !differs {
				continue
			}
		case inLeft:
			d.Was = "there"
		default:
			d.Is = "there"
		}
		all = append(all, d)
	}
	return all, nil
}

// filesBelow lists what is below a folder, or the file itself, as ".".
func filesBelow(root string) (map[string]bool, error) {
	all := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		all[name] = true
		return err
	})
	return all, err
}

func compareFile(a, b string, d *Difference) (differs bool, err error) {
	x, err := os.Open(a)
	if err != nil {
		return false, err
	}
	defer x.Close()
	y, err := os.Open(b)
	if err != nil {
		return false, err
	}
	defer y.Close()
	l, r := bufio.NewReaderSize(x, 256<<10), bufio.NewReaderSize(y, 256<<10)
	at := int64(0)
	for {
		p, errL := l.Peek(4096)
		q, errR := r.Peek(4096)
		n := min(len(p), len(q))
		if i := firstDifference(p[:n], q[:n]); i < n || len(p) != len(q) {
			d.Field = "byte " + strconv.FormatInt(at+int64(i)+1, 10)
			d.Was, d.Is = hexAt(p, i), hexAt(q, i)
			return true, nil
		}
		if n == 0 {
			if errL != io.EOF || errR != io.EOF {
				return false, fmt.Errorf("cannot compare %q with %q: %v, %v", a, b, errL, errR)
			}
			return false, nil
		}
		at += int64(n)
		_, _ = l.Discard(n)
		_, _ = r.Discard(n)
	}
}

// hexAt shows a few bytes.
func hexAt(b []byte, at int) string {
	if at >= len(b) {
		return "the end"
	}
	return fmt.Sprintf("%x", b[at:min(at+16, len(b))])
}
