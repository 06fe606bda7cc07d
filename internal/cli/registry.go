package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/image"
	"kiln/internal/oci"
	"kiln/internal/pack"
	"kiln/internal/recipe"
	"kiln/internal/registry"
	"kiln/internal/store"
)

// registryFlags are the flags of every command that speaks to a registry. They are
// defined here alone, and app.remote is where they are read.
type registryFlags struct {
	ca       string
	plain    bool
	authFile string
	chunk    string
}

func (f *registryFlags) register(cmd *cobra.Command) {
	f.registerAuthFile(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.ca, "tls-ca", "", "trust the authorities in `FILE` (PEM) as well")
	flags.BoolVar(&f.plain, "plain-http", false, "speak to the registries that are named without TLS (on this machine that is found out)")
	complete(cmd, "tls-ca", completeAny)
}

// registerAuthFile is register for a command that knows logins and no registry.
func (f *registryFlags) registerAuthFile(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.authFile, "authfile", "", "keep logins in `FILE` and nowhere else (default $REGISTRY_AUTH_FILE, else where podman and docker do)")
	complete(cmd, "authfile", completeAny)
}

// registerChunk adds the flag of commands that write to a registry.
func (f *registryFlags) registerChunk(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.chunk, "chunk-size", "", "send at most `SIZE` of a blob in one request, such as 32M (default: all of it)")
	complete(cmd, "chunk-size", words("16M", "32M", "64M", "256M"))
}

// filterFlags are the flags that say what of an image is meant.
type filterFlags struct {
	platform string
	without  []string
}

func (f *filterFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.platform, "platform", "", "take only the image for `PLATFORM`, such as linux/arm64")
	flags.StringArrayVar(&f.without, "without", nil, "leave out what stands beside the image with the artifact type `TYPE`, such as "+pack.Type+"; may be repeated")
	complete(cmd, "platform", words(platformNames()...))
	complete(cmd, "without", words(pack.Type, oci.TypeBuild))
}

func (f *filterFlags) filter() (registry.Filter, error) {
	only := registry.Filter{Without: f.without}
	if f.platform != "" {
		var err error
		if only.Platform, err = kiln.ParsePlatform(f.platform); err != nil {
			return only, &kiln.Error{Code: kiln.Usage, Text: err.Error()}
		}
	}
	return only, nil
}

// certificateFolders are where docker and podman keep certificates, below the user's home and for all.
func certificateFolders(getenv func(string) string) []string {
	folders := []string{"/etc/containers/certs.d", "/etc/docker/certs.d"}
	if home := getenv("HOME"); home != "" {
		folders = append([]string{filepath.Join(home, ".config", "containers", "certs.d")}, folders...)
	}
	return folders
}

// authFiles are where docker and podman keep credentials, in podman's order
// (containers-auth.json(5)); or the one that was named.
func authFiles(named string, getenv func(string) string) []string {
	for _, f := range []string{named, getenv("REGISTRY_AUTH_FILE")} {
		if f != "" {
			return []string{f}
		}
	}
	var files []string
	if dir := getenv("XDG_RUNTIME_DIR"); dir != "" {
		files = append(files, filepath.Join(dir, "containers", "auth.json"))
	} else {
		// Where root runs podman, its folder is closed to others, who then have nothing there.
		file := filepath.Join("/run/containers", strconv.Itoa(os.Getuid()), "auth.json")
		if _, err := os.Stat(file); !errors.Is(err, fs.ErrPermission) {
			files = append(files, file)
		}
	}
	home := getenv("HOME")
	switch dir := getenv("XDG_CONFIG_HOME"); {
	case dir != "":
		files = append(files, filepath.Join(dir, "containers", "auth.json"))
	case home != "":
		files = append(files, filepath.Join(home, ".config", "containers", "auth.json"))
	}
	switch dir := getenv("DOCKER_CONFIG"); {
	case dir != "":
		files = append(files, filepath.Join(dir, "config.json"))
	case home != "":
		files = append(files, filepath.Join(home, ".docker", "config.json"))
	}
	return files
}

// registryClient is a client for the registries of these references, over st.
func (a *app) registryClient(st *store.Store, refs ...registry.Reference) (*registry.Client, error) {
	f := a.remote
	if f.authFile != "" {
		if _, err := os.Stat(f.authFile); err != nil {
			return nil, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot read the logins of --authfile: %v", err), Err: err,
				Hints: []string{"kiln login REGISTRY --authfile " + f.authFile}}
		}
	}
	c, err := a.connection(refs...)
	if err != nil {
		return nil, err
	}
	c.Store, c.Credential = st, registry.AuthFiles(authFiles(f.authFile, a.world.Getenv))
	return c, nil
}

// connection is registryClient without a store and without logins.
func (a *app) connection(refs ...registry.Reference) (*registry.Client, error) {
	f := a.remote
	conf, err := loadConfig(configPath(a.world.Getenv))
	if err != nil {
		return nil, err
	}
	patient, err := patienceOf(a.world.Getenv)
	if err != nil {
		return nil, err
	}
	chunk, err := parseSize(f.chunk)
	if err != nil {
		return nil, err
	}
	c := &registry.Client{
		TLS:     registry.Certificates(f.ca, certificateFolders(a.world.Getenv)),
		Mirrors: map[string][]string{},
		Retry:   registry.Retry{Policy: patient},
		Now:     a.world.Now,
		Sink:    a.ui.sink,
		Chunk:   chunk,
	}
	for host, r := range conf.Registries { // in any order
		for _, m := range r.Mirrors {
			if strings.Contains(m, "://") {
				return nil, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot use the mirror %q of the registry %s: it begins with a scheme", m, host),
					Hints: []string{"leave the scheme out: HOST or HOST/PREFIX; for one without TLS, an entry of its own with plain-http: true"}}
			}
		}
		c.Mirrors[host] = r.Mirrors
		if r.PlainHTTP {
			c.Plain = append(c.Plain, host)
		}
	}
	for _, ref := range refs {
		if f.plain {
			c.Plain = append(c.Plain, ref.Host)
		}
	}
	return c, nil
}

// parseSize reads a number of bytes with one of the suffixes K, M and G; 0 of an empty text.
func parseSize(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	digits, unit := strings.TrimRight(s, "KMG"), int64(1)
	switch strings.TrimPrefix(s, digits) {
	case "K":
		unit = 1 << 10
	case "M":
		unit = 1 << 20
	case "G":
		unit = 1 << 30
	}
	n, err := strconv.ParseInt(digits, 10, 32)
	if err != nil || n <= 0 || len(s)-len(digits) > 1 {
		return 0, &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("cannot read the size %q: want a number above zero, with K, M or G", s), Hints: []string{"--chunk-size 32M"}}
	}
	return n * unit, nil
}

// parseImageEnd reads an image that is there: of a registry, or in a layout.
func parseImageEnd(arg string) (registry.End, error) {
	if isRegistryReference(arg) {
		ref, err := registry.ParseReference(arg)
		return registry.End{Reference: &ref}, err
	}
	ref := image.ParseReference(arg)
	if slices.Contains([]image.Kind{image.Tar, image.Folder}, ref.Kind) {
		return registry.End{}, &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("cannot push %q: a root file system is no image", arg), Hints: []string{"kiln build RECIPE -o oci:FOLDER"}}
	}
	if info, err := os.Stat(filepath.Join(ref.Path, recipe.FileName)); err == nil && info.Mode().IsRegular() {
		return registry.End{}, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot push %q: it is a recipe, and no image", arg),
			Hints: []string{fmt.Sprintf("build it first, and push what that writes: kiln build %s -o oci:IMAGE.oci && kiln push oci:IMAGE.oci REGISTRY/NAME", arg)}}
	}
	return registry.End{Path: ref.Path, Name: ref.Name, Archive: ref.Kind == image.LayoutArchive}, nil
}

// isRegistryReference tells whether an argument names an image of a registry: a path that is there counts more.
func isRegistryReference(arg string) bool {
	if _, err := os.Lstat(arg); err == nil {
		return false
	}
	kind, _, ok := strings.Cut(arg, ":")
	return registry.LooksLike(arg) && !(ok && slices.Contains(image.Kinds(), image.Kind(kind)))
}

// parseTarget reads where in a registry something is to go.
func parseTarget(arg string) (registry.Reference, error) {
	if isRegistryReference(arg) || !strings.HasPrefix(arg, ".") && strings.Contains(arg, "/") {
		return registry.ParseReference(arg)
	}
	return registry.Reference{}, &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("%q names no repository of a registry", arg),
		Hints: []string{"REGISTRY/NAME:TAG, such as registry.example.org/team/web:1.4"}}
}

// parseLayoutTarget reads where on this machine an image is to go.
func parseLayoutTarget(arg string) (registry.End, error) {
	kind, path, ok := strings.Cut(arg, ":")
	switch {
	case ok && path != "" && kind == string(image.Layout):
		return registry.End{Path: path}, nil
	case ok && path != "" && kind == string(image.LayoutArchive):
		return registry.End{Path: path, Archive: true}, nil
	}
	return registry.End{}, &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("cannot write %q: want oci:FOLDER or oci-archive:FILE", arg), Hints: []string{"oci:web.oci", "oci-archive:web.oci.tar"}}
}

// copied tells what was moved on standard error, and prints the reference by digest.
func (a *app) copied(res *registry.Copied) error {
	var parts []string
	if m := res.Moved; m != nil {
		parts = append(parts, fmt.Sprintf("%s sent (%s)", count(m.Sent, "blob"), size(m.Bytes)))
		if m.There > 0 {
			parts = append(parts, fmt.Sprintf("%d there already", m.There))
		}
		if m.Mounted > 0 {
			parts = append(parts, fmt.Sprintf("%d taken from another repository", m.Mounted))
		}
	} else {
		parts = append(parts, count(res.Blobs, "blob"))
	}
	parts = append(parts, count(res.Manifests, "manifest"), fmt.Sprintf("%s beside it", count(len(res.Referrers), "artifact")))
	a.ui.sink(kiln.Event{State: kiln.Note, Text: fmt.Sprintf("%s -> %s: %s", res.From, res.To, strings.Join(parts, ", "))})
	return a.ui.result(res, printReference(res))
}
