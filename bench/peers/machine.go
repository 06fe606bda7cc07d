package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// machine is where and when it was measured, and what.
type machine struct {
	Date     string   `json:"date"` // UTC
	CPU      string   `json:"cpu"`
	Cores    int      `json:"cores"`
	MemoryMB int64    `json:"memory_mb"`
	Kernel   string   `json:"kernel"`
	Go       string   `json:"go"`
	Kiln     string   `json:"kiln"`  // commit
	Load     string   `json:"load"`  // load averages as the measurement began
	Peers    []string `json:"peers"` // name and version
	Absent   []string `json:"absent,omitempty"`
}

func (b *bench) machine(ctx context.Context) machine {
	m := machine{
		Date: time.Now().UTC().Format("2006-01-02 15:04"), CPU: cpuModel(), Cores: runtime.NumCPU(), MemoryMB: memoryMB(),
		Kernel: firstLine(ctx, "uname", "-srm"), Go: runtime.Version(), Kiln: b.commit(ctx),
	}
	if data, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load = strings.Join(strings.Fields(string(data))[:3], " ")
	}
	for _, tool := range [][]string{
		{"mmdebstrap", "--version"}, {"debootstrap", "--version"}, {"umoci", "--version"},
		{"dpkg", "--version"}, {"gzip", "--version"}, {"pigz", "--version"},
	} {
		if !has(tool[0]) {
			m.Absent = append(m.Absent, tool[0])
			continue
		}
		line := firstLine(ctx, tool...)
		if !strings.Contains(line, tool[0]) {
			line = tool[0] + " " + line
		}
		m.Peers = append(m.Peers, line)
	}
	return m
}

// commit is the checkout's commit, marked where files differ from it; of a binary
// that was handed in, what it says of itself.
func (b *bench) commit(ctx context.Context) string {
	if b.options.kiln != "" {
		return firstLine(ctx, b.kiln, "version")
	}
	c := firstLine(ctx, "git", "-C", b.checkout, "log", "-1", "--format=%h %cs")
	if firstLine(ctx, "git", "-C", b.checkout, "status", "--porcelain", "--", "*.go", "go.mod", "go.sum") != "" {
		c += ", changed"
	}
	return c
}

func (m machine) text() string {
	lines := []string{
		fmt.Sprintf("%s UTC, kiln %s, %s", m.Date, m.Kiln, m.Go),
		fmt.Sprintf("%s, %d cores, %.0f GB memory, %s, load at the beginning %s", m.CPU, m.Cores, float64(m.MemoryMB)/1024, m.Kernel, m.Load),
		strings.Join(m.Peers, "; "),
	}
	if len(m.Absent) > 0 {
		lines = append(lines, "not on this machine: "+strings.Join(m.Absent, ", "))
	}
	return strings.Join(lines, "\n")
}

func cpuModel() string {
	data, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	for line := range strings.Lines(string(data)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
			return strings.TrimSpace(v)
		}
	}
	return runtime.GOARCH
}

func memoryMB() int64 {
	var kb int64
	data, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	if _, err := fmt.Sscanf(string(data), "MemTotal: %d kB", &kb); err != nil {
		return 0
	}
	return kb >> 10
}

func has(tool string) bool {
	_, err := exec.LookPath(tool)
	return err == nil
}

// firstLine runs a command that tells a version; what it cannot tell is empty.
func firstLine(ctx context.Context, argv ...string) string {
	out, _ := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(line)
}
