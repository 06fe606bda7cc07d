package image

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"kiln"
	"kiln/internal/oci"
)

// imageConfig is what is read of an image configuration, as the specification's
// config.md and docker's image specification v1.2 say.
type imageConfig struct {
	kilnPlatform
	Created string     `json:"created"`
	Config  *runConfig `json:"config"`
	RootFS  struct {
		DiffIDs []string `json:"diff_ids"`
	} `json:"rootfs"`
	History []struct {
		CreatedBy  string `json:"created_by"`
		EmptyLayer bool   `json:"empty_layer"`
	} `json:"history"`
}

type runConfig struct {
	User         string
	ExposedPorts map[string]struct{}
	Env          []string
	Entrypoint   []string
	Cmd          []string
	Volumes      map[string]struct{}
	WorkingDir   string
	Labels       map[string]string
	StopSignal   string
	Healthcheck  *struct {
		Test                           []string
		Interval, Timeout, StartPeriod int64 // nanoseconds
		Retries                        int
	}
}

// configured reads the configuration, which names the digests of the layers' tars,
// and applies the layers.
func (r *reader) configured(s source, text []byte, blobs []blob) error {
	var c imageConfig
	if err := json.Unmarshal(text, &c); err != nil {
		return refused("the configuration is no JSON: %v", err)
	}
	if len(c.RootFS.DiffIDs) != len(blobs) || len(blobs) > maxLayers {
		return refused("the manifest names %d layers, the configuration %d, and at most %d may be", len(blobs), len(c.RootFS.DiffIDs), maxLayers)
	}
	for i, d := range c.RootFS.DiffIDs {
		diffID, err := kiln.ParseDigest(d)
		if err != nil {
			return refused("%v", err)
		}
		blobs[i].diffID = diffID
	}
	i := 0
	for _, h := range c.History {
		if !h.EmptyLayer && i < len(blobs) {
			blobs[i].createdBy = h.CreatedBy
			i++
		}
	}
	r.img.Config = c.config()
	return r.apply(s, blobs)
}

func (c *imageConfig) config() *oci.Config {
	cfg := &oci.Config{Platform: c.platform()}
	if at, err := time.Parse(time.RFC3339, c.Created); err == nil {
		cfg.Created = kiln.Epoch(at.Unix())
	}
	run := c.Config
	if run == nil {
		return cfg
	}
	cfg.User, cfg.Entrypoint, cfg.Cmd, cfg.Env = run.User, run.Entrypoint, run.Cmd, run.Env
	cfg.WorkingDir, cfg.StopSignal, cfg.Labels = run.WorkingDir, run.StopSignal, run.Labels
	cfg.ExposedPorts = slices.Sorted(maps.Keys(run.ExposedPorts))
	cfg.Volumes = slices.Sorted(maps.Keys(run.Volumes))
	if h := run.Healthcheck; h != nil {
		cfg.Healthcheck = &oci.Healthcheck{
			Test: h.Test, Interval: time.Duration(h.Interval), Timeout: time.Duration(h.Timeout),
			StartPeriod: time.Duration(h.StartPeriod), Retries: h.Retries,
		}
	}
	return cfg
}
