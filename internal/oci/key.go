package oci

import (
	"maps"
	"slices"
	"strconv"

	"kiln"
	"kiln/internal/tree"
)

// layerFormat is the version of the rules that turn a tree.Layer into bytes:
// tar, the cut into members, the end; and of the form in which these are kept.
const layerFormat = 3

// memberKey is the action key of compressing entries.
func memberKey(settings string, entries []tree.Entry) kiln.Digest {
	d := kiln.NewDigester()
	b := appendFields(nil, "kiln layer member", strconv.Itoa(layerFormat), settings)
	for i := range entries {
		b = appendEntry(b, &entries[i])
		d.Write(b)
		b = b[:0]
	}
	d.Write(b)
	return d.Digest()
}

// headKey is the action key of compressing what the tar says of a file.
func headKey(settings string, e *tree.Entry) kiln.Digest {
	return kiln.DigestOf(appendEntry(appendFields(nil, "kiln layer head", strconv.Itoa(layerFormat), settings), e))
}

// bodyKey is the action key of compressing a file's content.
func bodyKey(settings string, e *tree.Entry) kiln.Digest {
	return kiln.DigestOf(appendFields(nil, "kiln layer body", strconv.Itoa(layerFormat), settings, string(e.Content), strconv.FormatInt(e.Size, 10)))
}

// layerKey is the action key of joining members.
func layerKey(settings string, members []kiln.Digest) kiln.Digest {
	b := appendFields(nil, "kiln layer", strconv.Itoa(layerFormat), settings)
	for _, m := range members {
		b = appendFields(b, string(m))
	}
	return kiln.DigestOf(b)
}

// appendEntry adds all of e that reaches the tar: all but its origin. It is not
// JSON, in which two names that are no UTF-8 could look the same.
func appendEntry(b []byte, e *tree.Entry) []byte {
	b = appendFields(b, e.Path, e.Type.String(), string(e.Content), e.Link)
	for _, n := range []int64{
		int64(e.Mode), int64(e.UID), int64(e.GID), int64(e.ModTime), e.Size,
		int64(e.Major), int64(e.Minor), int64(len(e.Xattrs)),
	} {
		b = append(strconv.AppendInt(b, n, 10), ' ')
	}
	b = strconv.AppendBool(b, e.Hard)
	for _, name := range slices.Sorted(maps.Keys(e.Xattrs)) {
		b = appendFields(b, name, e.Xattrs[name])
	}
	return append(b, '\n')
}

func appendFields(b []byte, fields ...string) []byte {
	for _, f := range fields {
		b = append(strconv.AppendInt(b, int64(len(f)), 10), ':')
		b = append(append(b, f...), ' ')
	}
	return b
}
