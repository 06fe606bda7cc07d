package bake

import (
	"maps"
	"slices"
	"time"

	"kiln"
	"kiln/internal/oci"
	"kiln/internal/recipe"
)

// containerConfig is the recipe's container section as the image's configuration.
func containerConfig(r *recipe.Recipe, p kiln.Platform, root *Root) oci.Config {
	c := r.Container
	cfg := oci.Config{
		Platform:     p,
		Created:      root.Epoch,
		User:         root.User,
		Entrypoint:   c.Entrypoint,
		Cmd:          c.Command,
		Env:          environment(c.Env),
		WorkingDir:   c.WorkDir,
		ExposedPorts: c.Ports,
		Volumes:      volumes(r, root),
		StopSignal:   c.StopSignal,
		Labels:       labels(r, root.Epoch),
	}
	if h := c.Healthcheck; h != nil {
		cfg.Healthcheck = &oci.Healthcheck{
			Test:        append([]string{"CMD"}, h.Command...),
			Interval:    duration(h.Interval),
			Timeout:     duration(h.Timeout),
			StartPeriod: duration(h.StartPeriod),
			Retries:     h.Retries,
		}
	}
	return cfg
}

// volumes are the recipe's own and, of a container whose root is read-only, the
// folders that are written to: engines mount something there.
func volumes(r *recipe.Recipe, root *Root) []string {
	list := slices.Clone(r.Container.Volumes)
	if root.Tree == nil { // the image could not be made
		return list
	}
	if _, systemd := root.Tree.Lookup("usr/lib/systemd/systemd"); systemd {
		return list
	}
	for _, dir := range r.Writable() {
		if !slices.Contains(list, dir) {
			list = append(list, dir)
		}
	}
	return list
}

// defaultPath is what Debian's login sets for an ordinary user, less the games;
// engines set none of their own for a process that the image starts.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// environment is env as NAME=value lines, sorted, with a PATH.
func environment(env map[string]string) []string {
	all := map[string]string{"PATH": defaultPath}
	maps.Copy(all, env)
	var lines []string
	for _, k := range slices.Sorted(maps.Keys(all)) {
		lines = append(lines, k+"="+all[k])
	}
	return lines
}

// duration reads what the recipe's checks have found readable; empty is zero.
func duration(s string) time.Duration {
	d, _ := time.ParseDuration(s)
	return d
}

// labels are the standard annotations and the recipe's own labels: engines show
// the one and registries the other, so that an image bears both.
func labels(r *recipe.Recipe, epoch kiln.Epoch) map[string]string {
	all := annotations(r, epoch)
	maps.Copy(all, r.Container.Labels)
	return all
}

// annotations are the standard ones of the OCI image specification that a recipe answers.
func annotations(r *recipe.Recipe, epoch kiln.Epoch) map[string]string {
	a := map[string]string{
		"org.opencontainers.image.title":   r.Name,
		"org.opencontainers.image.created": epoch.Time().Format(time.RFC3339),
	}
	if r.Version != "" {
		a["org.opencontainers.image.version"] = r.Version
	}
	if r.Summary != "" {
		a["org.opencontainers.image.description"] = r.Summary
	}
	return a
}
