package proof

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// documentDifferences compares two JSON documents and names the places at which they
// differ: "configuration: .config.Env[0]".
func documentDifferences(name string, a, b []byte) []Difference {
	if bytes.Equal(a, b) {
		return nil
	}
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return []Difference{{Part: PartDocument, Where: name, Was: number(a), Is: number(b), Step: stepDocument}}
	}
	all := valueDifferences(name+" ", x, y)
	if all == nil { // white space, or the order of keys
		at := firstDifference(a, b)
		around := func(t []byte) string { return fmt.Sprintf("%q", t[min(max(at-8, 0), len(t)):min(at+24, len(t))]) }
		all = []Difference{{Part: PartDocument, Where: name, Field: fmt.Sprintf("byte %d", at+1), Was: around(a), Is: around(b), Step: stepDocument}}
	}
	return all
}

func number(b []byte) string { return strconv.Itoa(len(b)) + " bytes" }

// firstDifference is the first place, from 0, at which two texts differ.
func firstDifference(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

func valueDifferences(place string, a, b any) []Difference {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok {
			break
		}
		both := maps.Clone(x)
		maps.Copy(both, y)
		var all []Difference
		for _, key := range slices.Sorted(maps.Keys(both)) {
			all = append(all, valueDifferences(place+"."+key, x[key], y[key])...)
		}
		return all
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			break
		}
		var all []Difference
		for i := range x {
			all = append(all, valueDifferences(place+"["+strconv.Itoa(i)+"]", x[i], y[i])...)
		}
		return all
	}
	was, is := compact(a), compact(b)
	if was == is {
		return nil
	}
	return []Difference{{Part: PartDocument, Where: place, Was: was, Is: is, Step: stepDocument}}
}

// compact is a value as JSON; nothing of one that is not there.
func compact(v any) string {
	if v == nil {
		return ""
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
