package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v4"

	"kiln"
)

// config is kiln's configuration file: facts of this machine, never of an image.
type config struct {
	Mirrors    map[string]string         `yaml:"mirrors"`    // known archive -> URL
	Registries map[string]registryConfig `yaml:"registries"` // by host, with the port that references name
}

// registryConfig is how a registry is spoken to.
type registryConfig struct {
	Mirrors   []string `yaml:"mirrors"`    // HOST or HOST/PREFIX, asked first when an image is read
	PlainHTTP bool     `yaml:"plain-http"` // no TLS
}

// configPath is $KILN_CONFIG, or kiln/config.yaml in the user's configuration folder.
func configPath(getenv func(string) string) string {
	if p := getenv("KILN_CONFIG"); p != "" {
		return p
	}
	if dir := getenv("XDG_CONFIG_HOME"); dir != "" {
		return filepath.Join(dir, "kiln", "config.yaml")
	}
	if home := getenv("HOME"); home != "" {
		return filepath.Join(home, ".config", "kiln", "config.yaml")
	}
	return ""
}

// loadConfig reads the configuration file; none is an empty one.
func loadConfig(path string) (config, error) {
	var c config
	if path == "" {
		return c, nil
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err == nil {
		dec := yaml.NewDecoder(bytes.NewReader(data))
		dec.KnownFields(true)
		if err = dec.Decode(&c); errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if err != nil {
		return c, &kiln.Error{
			Code: kiln.User,
			Text: fmt.Sprintf("cannot read the configuration %q: %v", path, err),
			Hints: []string{
				"it holds mirrors of archives, such as\n         mirrors:\n           debian: http://mirror.example.org/debian",
				"and of registries, such as\n         registries:\n           registry.example.org:\n             mirrors: [mirror.example.org/cache]",
			},
		}
	}
	return c, nil
}
