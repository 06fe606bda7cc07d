package cli

import (
	"maps"
	"slices"
	"strings"

	"kiln/internal/oci"
	"kiln/internal/tree"
)

// configAnswer tells of a part of the image's configuration: what an engine does with
// the image.
type configAnswer struct {
	Name   string      `json:"name"`            // as the recipe calls it: "entrypoint", "env.LANG"
	Values []string    `json:"values"`          // several of a list
	Leads  string      `json:"leads,omitempty"` // of a program: where it is in the image
	Recipe *recipeLine `json:"recipe,omitempty"`
	Rule   *rule       `json:"rule,omitempty"`
}

// configValues are the parts of a configuration that are set, by the names that the
// recipe's section container gives them, in its order.
func configValues(c *oci.Config) []configAnswer {
	var all []configAnswer
	add := func(name string, values ...string) {
		if len(values) > 0 && values[0] != "" {
			all = append(all, configAnswer{Name: name, Values: values})
		}
	}
	add("user", c.User)
	add("entrypoint", c.Entrypoint...)
	add("command", c.Cmd...)
	for _, line := range slices.Sorted(slices.Values(c.Env)) {
		name, value, _ := strings.Cut(line, "=")
		all = append(all, configAnswer{Name: "env." + name, Values: []string{value}})
	}
	add("workdir", c.WorkingDir)
	add("ports", c.ExposedPorts...)
	add("volumes", c.Volumes...)
	add("stop-signal", c.StopSignal)
	for _, name := range slices.Sorted(maps.Keys(c.Labels)) {
		all = append(all, configAnswer{Name: "labels." + name, Values: []string{c.Labels[name]}})
	}
	if c.Healthcheck != nil {
		add("healthcheck", c.Healthcheck.Test...)
	}
	return all
}

// configAt answers for a part of the configuration; nil where it is not set.
func (q *inquiry) configAt(name string) *configAnswer {
	for _, c := range configValues(&q.config) {
		if c.Name != name {
			continue
		}
		part := "container." + name
		top, key, _ := strings.Cut(name, ".")
		_, env := q.r.Container.Env[key]
		_, label := q.r.Container.Labels[key]
		switch {
		case top == "env" && !env:
			c.Rule = &rule{"default-path", "programs are found where Debian puts them; engines set no path of their own"}
		case top == "labels" && !label:
			part = map[string]string{"title": "name", "version": "version", "description": "summary"}[key[strings.LastIndex(key, ".")+1:]]
			if part == "" {
				c.Rule = &rule{"labels", "the standard labels of the OCI image specification; the time is the newest that packages bring"}
			}
		}
		if c.Rule == nil {
			c.Recipe = q.line(part, "")
		}
		if top == "entrypoint" || top == "command" {
			if at, err := q.e.Tree.Resolve(c.Values[0]); err == nil && strings.HasPrefix(c.Values[0], "/") {
				c.Leads = tree.Absolute(at)
			}
		}
		return &c
	}
	return nil
}

func (q *inquiry) configNames() []string {
	var names []string
	for _, c := range configValues(&q.config) {
		names = append(names, c.Name)
	}
	return names
}

func (c *configAnswer) print(f facts, about string) {
	f.list("value", c.Values)
	if c.Leads != "" {
		f.add("program", "%s; of that tells: kiln why %s %s", c.Leads, about, c.Leads)
	}
	if c.Recipe != nil {
		f.add("recipe", "%s", c.Recipe)
	}
	if c.Rule != nil {
		f.add("rule", "%s: %s", c.Rule.Name, c.Rule.Why)
	}
}
