package account

import (
	"fmt"
	"slices"
)

// UsedUIDs returns the user ids in use, sorted.
func (f *Files) UsedUIDs() []int {
	var ids []int
	for _, u := range f.Users {
		ids = append(ids, u.UID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// UsedGIDs returns the group ids in use, sorted.
func (f *Files) UsedGIDs() []int {
	var ids []int
	for _, g := range f.Groups {
		ids = append(ids, g.GID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Lowest returns the lowest id of r that used, sorted, does not have: adduser's
// choice.
func Lowest(r Range, used ...[]int) (int, error) {
	for id := r.Min; id <= r.Max; id++ {
		if free(id, used) {
			return id, nil
		}
	}
	return 0, noneFree(r)
}

// Highest returns the highest id of r that used does not have: the choice of
// systemd-sysusers.
func Highest(r Range, used ...[]int) (int, error) {
	for id := r.Max; id >= r.Min; id-- {
		if free(id, used) {
			return id, nil
		}
	}
	return 0, noneFree(r)
}

// System returns the id that shadow's useradd and groupadd choose for a system
// account: the one below the lowest in use in r, else the highest that is free.
func System(r Range, used []int) (int, error) {
	lowest := r.Max
	for _, id := range slices.Backward(used) {
		if id >= r.Min && id <= lowest {
			lowest = id - 1
		}
	}
	if lowest >= r.Min {
		if id, err := Highest(Range{r.Min, lowest}, used); err == nil {
			return id, nil
		}
	}
	return Highest(r, used)
}

// Ordinary returns the id that shadow's useradd and groupadd choose for people:
// the one above the highest in use in r, else the lowest that is free.
func Ordinary(r Range, used []int) (int, error) {
	highest := r.Min
	for _, id := range used {
		if id >= highest && id <= r.Max {
			highest = id + 1
		}
	}
	if highest <= r.Max {
		if id, err := Lowest(Range{highest, r.Max}, used); err == nil {
			return id, nil
		}
	}
	return Lowest(r, used)
}

func free(id int, used [][]int) bool {
	if id == 65535 || id > maxID {
		return false
	}
	for _, ids := range used {
		if _, found := slices.BinarySearch(ids, id); found {
			return false
		}
	}
	return true
}

func noneFree(r Range) error { return fmt.Errorf("no id from %d to %d is free", r.Min, r.Max) }
