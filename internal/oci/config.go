package oci

import (
	"fmt"
	"slices"
	"time"

	"kiln"
)

// Config is how an image runs. Zero fields are left out of the image.
type Config struct {
	Platform     kiln.Platform
	Created      kiln.Epoch
	User         string // name or number, perhaps :group
	Entrypoint   []string
	Cmd          []string
	Env          []string // NAME=value, in any order
	WorkingDir   string
	ExposedPorts []string // "8080/tcp"
	Volumes      []string
	StopSignal   string // "SIGTERM"
	Labels       map[string]string
	Healthcheck  *Healthcheck
}

// Healthcheck is docker's, which podman shares; the specification has none.
type Healthcheck struct {
	Test        []string      // "CMD" or "CMD-SHELL", then the command
	Interval    time.Duration // zero for the engine's default, here and below
	Timeout     time.Duration
	StartPeriod time.Duration
	Retries     int
}

// The image configuration, as the specification's config.md says, in its order.
type imageConfig struct {
	Created string `json:"created"`
	platform
	Config  runConfig      `json:"config"`
	RootFS  rootFS         `json:"rootfs"`
	History []historyEntry `json:"history"`
}

type runConfig struct {
	User         string              `json:"User,omitempty"`
	ExposedPorts map[string]struct{} `json:"ExposedPorts,omitempty"`
	Env          []string            `json:"Env,omitempty"`
	Entrypoint   []string            `json:"Entrypoint,omitempty"`
	Cmd          []string            `json:"Cmd,omitempty"`
	Volumes      map[string]struct{} `json:"Volumes,omitempty"`
	WorkingDir   string              `json:"WorkingDir,omitempty"`
	Labels       map[string]string   `json:"Labels,omitempty"`
	StopSignal   string              `json:"StopSignal,omitempty"`
	Healthcheck  *healthConfig       `json:"Healthcheck,omitempty"`
}

// healthConfig has its durations in nanoseconds.
type healthConfig struct {
	Test        []string `json:"Test,omitempty"`
	Interval    int64    `json:"Interval,omitempty"`
	Timeout     int64    `json:"Timeout,omitempty"`
	StartPeriod int64    `json:"StartPeriod,omitempty"`
	Retries     int      `json:"Retries,omitempty"`
}

type rootFS struct {
	Type    string        `json:"type"`
	DiffIDs []kiln.Digest `json:"diff_ids"`
}

type historyEntry struct {
	Created   string `json:"created"`
	CreatedBy string `json:"created_by"`
	Comment   string `json:"comment,omitempty"`
}

func imageConfigOf(layers []Layer, cfg Config) imageConfig {
	c := imageConfig{
		Created:  timestamp(cfg.Created),
		platform: platformOf(cfg.Platform),
		Config: runConfig{
			User:         cfg.User,
			ExposedPorts: set(cfg.ExposedPorts),
			Env:          slices.Sorted(slices.Values(cfg.Env)),
			Entrypoint:   cfg.Entrypoint,
			Cmd:          cfg.Cmd,
			Volumes:      set(cfg.Volumes),
			WorkingDir:   cfg.WorkingDir,
			Labels:       cfg.Labels,
			StopSignal:   cfg.StopSignal,
			Healthcheck:  healthOf(cfg.Healthcheck),
		},
		// Both must be lists even where there is no layer.
		RootFS:  rootFS{Type: "layers", DiffIDs: []kiln.Digest{}},
		History: []historyEntry{},
	}
	for _, l := range layers {
		c.RootFS.DiffIDs = append(c.RootFS.DiffIDs, l.DiffID)
		c.History = append(c.History, historyEntry{
			Created:   timestamp(l.Epoch),
			CreatedBy: "kiln layer " + l.Name,
			Comment:   fmt.Sprintf("%d entries, %d bytes as tar", l.Entries, l.Uncompressed),
		})
	}
	return c
}

func healthOf(h *Healthcheck) *healthConfig {
	if h == nil {
		return nil
	}
	return &healthConfig{
		Test:        h.Test,
		Interval:    h.Interval.Nanoseconds(),
		Timeout:     h.Timeout.Nanoseconds(),
		StartPeriod: h.StartPeriod.Nanoseconds(),
		Retries:     h.Retries,
	}
}

func set(names []string) map[string]struct{} {
	m := make(map[string]struct{}, len(names))
	for _, n := range names {
		m[n] = struct{}{}
	}
	return m
}

// timestamp is RFC 3339, as the specification wants every time.
func timestamp(e kiln.Epoch) string { return e.Time().Format(time.RFC3339) }
