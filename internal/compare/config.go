package compare

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"kiln/internal/oci"
)

// configChanges compares how two images run. When they were made is no part of that.
func configChanges(a, b *oci.Config) []FieldChange {
	before, after := configFields(a), configFields(b)
	all := []FieldChange{}
	for _, name := range bothKeys(before, after) {
		if before[name] != after[name] {
			all = append(all, FieldChange{Field: name, Before: before[name], After: after[name]})
		}
	}
	return all
}

// configFields has each variable, port, volume and label by itself: their order
// means nothing.
func configFields(c *oci.Config) map[string]string {
	m := map[string]string{"platform": c.Platform.String()}
	set := func(name, value string) {
		if value != "" {
			m[name] = value
		}
	}
	set("user", c.User)
	set("entrypoint", words(c.Entrypoint))
	set("command", words(c.Cmd))
	set("workdir", c.WorkingDir)
	set("stop signal", c.StopSignal)
	for _, v := range c.Env {
		name, value, _ := strings.Cut(v, "=")
		m["env "+name] = fmt.Sprintf("%q", value)
	}
	for _, p := range c.ExposedPorts {
		m["port "+p] = "exposed"
	}
	for _, v := range c.Volumes {
		m["volume "+v] = "declared"
	}
	for _, k := range slices.Sorted(maps.Keys(c.Labels)) {
		if k != "org.opencontainers.image.created" {
			m["label "+k] = fmt.Sprintf("%q", c.Labels[k])
		}
	}
	if h := c.Healthcheck; h != nil {
		m["healthcheck"] = fmt.Sprintf("%s every %s, timeout %s, start %s, retries %d", words(h.Test), h.Interval, h.Timeout, h.StartPeriod, h.Retries)
	}
	return m
}

func words(list []string) string {
	if list == nil {
		return ""
	}
	return fmt.Sprintf("%q", list)
}

// runsAsRoot tells whether a container's user is root (config.md: none is root).
func runsAsRoot(user string) bool {
	name, _, _ := strings.Cut(user, ":")
	return name == "" || name == "root" || name == "0"
}
