package mimeinfo

import "kiln/internal/maint/glib"

// table is a GHashTable by strings.
type table[V any] struct {
	keys   *glib.Table
	values map[string]V
}

func newTable[V any]() *table[V] { return &table[V]{glib.NewTable(), map[string]V{}} }

func (t *table[V]) set(key string, v V) {
	if _, ok := t.values[key]; !ok {
		t.keys.Insert(key)
	}
	t.values[key] = v
}

// order lists the keys in the table's own order.
func (t *table[V]) order() []string { return t.keys.Order() }
