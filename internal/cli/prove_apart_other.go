//go:build !linux

package cli

import (
	"errors"
	"os/exec"
	"runtime"
)

// apart tells that only Linux has namespaces.
func apart() starter {
	return starter{start: func(*exec.Cmd) error { return &notApart{errors.New(runtime.GOOS + " has no namespaces")} }}
}

func setHostName(string) error {
	return errors.New("bug: a host name is to be set without a namespace")
}
