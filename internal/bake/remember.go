package bake

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"

	"kiln"
	"kiln/internal/lock"
	"kiln/internal/oci"
	"kiln/internal/recipe"
	"kiln/internal/tree"
)

// A whole image is an action, too: what came of recipe, lock and the host's files
// that the recipe names is kept in the store. So a build in which nothing has
// changed reads these, looks whether the blobs are there, and makes no tree.

// imageFormat is the version of the form in which it is kept. What turns the inputs
// into an image is Options.Build's to tell.
const imageFormat = 5

// remembered is what the store keeps of one platform's image.
type remembered struct {
	Image    Image        `json:"image"`
	Manifest oci.Manifest `json:"manifest"`
	Evidence evidence     `json:"evidence"`
}

// imageKey is the action key of one platform's image; empty where the image is not
// to be kept.
func (o Options) imageKey(r *recipe.Recipe, l *lock.Lock, p kiln.Platform) (kiln.Digest, error) {
	if o.Build == "" {
		return "", nil
	}
	unjudged := *r
	unjudged.Policy = nil // they make nothing, and are judged by themselves
	text, err := json.Marshal(&unjudged)
	if err != nil {
		return "", fmt.Errorf("bug: cannot encode the recipe: %w", err)
	}
	files, err := hostFiles(r, p)
	if err != nil {
		return "", err
	}
	fields := []string{"kiln image", strconv.Itoa(imageFormat), o.Build, p.String(), string(o.Compression), string(text), string(kiln.DigestOf(l.Marshal())), string(files)}
	return kiln.DigestOf(fmt.Appendf(nil, "%q", fields)), nil
}

// recall returns the image that an earlier build made of the same, if all its blobs
// are still there.
func (o Options) recall(key kiln.Digest) (built, bool) {
	if key == "" {
		return built{}, false
	}
	value, ok := o.Store.Result(key)
	var kept remembered
	if !ok || json.Unmarshal(value, &kept) != nil {
		return built{}, false
	}
	m := kept.Manifest
	blobs := append(kept.Evidence.blobs(), []oci.Member{{Digest: m.Digest, Size: m.Size}, {Digest: m.Config.Digest, Size: m.Config.Size}}...)
	for _, l := range m.Layers {
		blobs = append(blobs, l.Members...)
	}
	if !oci.HasMembers(o.Store, blobs) {
		return built{}, false
	}
	return built{image: kept.Image, manifest: m, evidence: kept.Evidence}, true
}

// keep saves an image for recall.
func (o Options) keep(key kiln.Digest, b built) error {
	if key == "" {
		return nil
	}
	value, err := json.Marshal(remembered{Image: b.image, Manifest: b.manifest, Evidence: b.evidence})
	if err != nil {
		return fmt.Errorf("bug: cannot encode the image: %w", err)
	}
	return o.Store.SetResult(key, value)
}

// hostFiles is the digest of all that the recipe takes from its folder for one
// platform: of each file its content and whether its owner may execute it, of
// folders all that is below them.
func hostFiles(r *recipe.Recipe, p kiln.Platform) (kiln.Digest, error) {
	sum := kiln.NewDigester()
	var root fs.FS
	for _, t := range r.TakenFiles([]kiln.Platform{p}) {
		if root == nil {
			folder, err := r.Root()
			if err != nil {
				return "", err
			}
			defer folder.Close()
			root = folder.FS()
		}
		if err := addHostFile(sum, root, path.Clean(t.Path)); err != nil {
			return "", fmt.Errorf("cannot read %q of the recipe's folder: %w", t.Path, err)
		}
	}
	return sum.Digest(), nil
}

func addHostFile(sum kiln.Digester, root fs.FS, name string) error {
	info, err := fs.Stat(root, name)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return addContent(sum, root, name, info)
	}
	return fs.WalkDir(root, name, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.Type() == fs.ModeSymlink:
			target, err := fs.ReadLink(root, name)
			fmt.Fprintf(sum, "link %q %q\n", name, target)
			return err
		case !d.Type().IsRegular():
			fmt.Fprintf(sum, "%s %q\n", d.Type(), name)
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return addContent(sum, root, name, info)
	})
}

func addContent(sum kiln.Digester, root fs.FS, name string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() { // a pipe would be waited for
		fmt.Fprintf(sum, "%s %q\n", info.Mode().Type(), name)
		return nil
	}
	f, err := root.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	content := kiln.NewDigester()
	if _, err := io.Copy(content, f); err != nil {
		return err
	}
	fmt.Fprintf(sum, "file %q %v %s\n", name, info.Mode()&0o100 != 0, content.Digest())
	return nil
}

// rootOf returns the root file system of an image, which is made now where the
// image was recalled.
func (o Options) rootOf(ctx context.Context, r *recipe.Recipe, l *lock.Lock, b built) (*Root, error) {
	if b.root != nil {
		return b.root, nil
	}
	if err := o.Lock.Family.Fetch(ctx, r, l, []kiln.Platform{b.image.Platform}); err != nil {
		return nil, err
	}
	made, err := o.Lock.stages(ctx, r, l, b.image.Platform)
	if err != nil {
		return nil, err
	}
	return o.Lock.Family.Assemble(ctx, r, l, b.image.Platform, made, nil)
}

// treeOf returns what makes the same when it is asked.
func (o Options) treeOf(r *recipe.Recipe, l *lock.Lock, b built) oci.Root {
	return func(ctx context.Context) (*tree.Tree, tree.Contents, error) {
		root, err := o.rootOf(ctx, r, l, b)
		if err != nil {
			return nil, nil, err
		}
		return root.Tree, root.Contents, nil
	}
}
