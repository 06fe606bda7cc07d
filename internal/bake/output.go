package bake

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"kiln"
	"kiln/internal/disk"
	"kiln/internal/lock"
	"kiln/internal/oci"
	"kiln/internal/recipe"
)

// OutputType is a format that an image can be written in.
type OutputType string

// The output types. OCI ones hold all platforms, the others one.
const (
	OCI           OutputType = "oci"            // image layout in a folder
	OCIArchive    OutputType = "oci-archive"    // the same as one tar
	DockerArchive OutputType = "docker-archive" // for docker load and podman load
	Tar           OutputType = "tar"            // the root file system
	Folder        OutputType = "folder"         // the root file system, unpacked
	EROFS         OutputType = "erofs"          // the root file system, as one that is read only and can be mounted
	Listing       OutputType = "listing"        // of the root file system: what kiln verify checks against
	SPDX          OutputType = "spdx"           // SBOM of one platform
	CycloneDX     OutputType = "cyclonedx"      // the same in the other format

	Raw     OutputType = "raw"    // a disk that boots, as it is
	QCOW2   OutputType = "qcow2"  // the same for QEMU
	VHD     OutputType = "vhd"    // for Azure
	VMDK    OutputType = "vmdk"   // for vSphere
	GCE     OutputType = "gce"    // for Google Compute Engine
	UKI     OutputType = "uki"    // its kernel image alone
	Initrd  OutputType = "initrd" // of that the initrd
	Parts   OutputType = "parts"  // all parts of the disk, in a folder
	Updates OutputType = "update" // what a running system is updated from, in a folder
)

// OutputTypes lists them in the order to show them.
func OutputTypes() []OutputType {
	return []OutputType{OCI, OCIArchive, DockerArchive, Tar, Folder, EROFS, Listing, SPDX, CycloneDX, Raw, QCOW2, VHD, VMDK, GCE, UKI, Initrd, Parts, Updates}
}

// Valid tells whether t is one of them.
func (t OutputType) Valid() bool { return slices.Contains(OutputTypes(), t) }

// single tells whether t holds one platform only.
func (t OutputType) single() bool { return t != OCI && t != OCIArchive }

// boots tells whether t is of an image that boots.
func (t OutputType) boots() bool {
	return slices.Contains([]OutputType{Raw, QCOW2, VHD, VMDK, GCE, UKI, Initrd, Parts, Updates}, t)
}

// Output is one thing to write.
type Output struct {
	Type OutputType `json:"type"`
	Path string     `json:"path"`
}

// built is what was made for one platform.
type built struct {
	image    Image
	manifest oci.Manifest
	evidence evidence
	root     *Root // nil where the image was recalled
}

// writeOutputs writes every output and completes res.
func writeOutputs(ctx context.Context, o Options, r *recipe.Recipe, l *lock.Lock, images []built, res *Result) error {
	ix, err := o.index(r, l, images)
	if err != nil {
		return err
	}
	res.Index = ix.Digest
	d := &disks{o: o, r: r, l: l, made: map[kiln.Platform]*madeDisk{}}
	for _, out := range o.Outputs {
		job := o.Sink.Start(kiln.StepWrite, string(out.Type)+":"+out.Path, 0)
		write := func() error { return writeOutput(ctx, o, r, l, out, ix, images, job) }
		if out.Type.boots() {
			write = func() error { return d.write(ctx, out, images, job) }
		}
		if err := job.End(write()); err != nil {
			return err
		}
		res.Outputs = append(res.Outputs, out)
	}
	if len(res.Outputs) > 0 {
		res.Output = res.Outputs[0].Path
	}
	return nil
}

func writeOutput(ctx context.Context, o Options, r *recipe.Recipe, l *lock.Lock, out Output, ix oci.Index, images []built, job *kiln.Job) error {
	var one built
	if out.Type.single() {
		i, err := pick(o.Platforms, o.Native, out)
		if err != nil {
			return err
		}
		one = images[i]
	}
	switch out.Type {
	case OCI:
		return oci.WriteLayout(ctx, o.Store, ix, out.Path, job)
	case OCIArchive:
		return oci.WriteLayoutTar(ctx, o.Store, ix, out.Path, job)
	case DockerArchive:
		alone, err := o.index(r, l, []built{one})
		if err != nil {
			return err
		}
		return oci.WriteDockerArchive(ctx, o.Store, alone, r.Name+":"+tag(r), out.Path, job)
	case Tar:
		return oci.WriteTar(ctx, o.Store, one.image.Tree, o.treeOf(r, l, one), out.Path, job)
	case EROFS:
		source := disk.Source{Name: r.Name + " " + one.image.Platform.String(), Digest: one.image.Tree, Epoch: one.manifest.Created, Compression: r.System.Disk.Compression, Root: o.treeOf(r, l, one)}
		return disk.WriteRoot(ctx, o.Store, source, out.Path, job)
	case Folder:
		root, err := o.rootOf(ctx, r, l, one)
		if err != nil {
			return err
		}
		return oci.WriteFolder(ctx, root.Tree, root.Contents, out.Path, oci.FolderOptions{Owners: o.Owners, Sink: o.Sink, Job: job})
	case Listing:
		return oci.WriteListing(o.Store, one.image.Tree, func() ([]byte, error) { return oci.ReadCompressedFile(o.Store, one.evidence.Tree) }, out.Path, job)
	case SPDX:
		return o.writeSBOM(one.evidence.SPDX, out, job)
	case CycloneDX:
		return o.writeSBOM(one.evidence.CycloneDX, out, job)
	}
	return fmt.Errorf("bug: unknown output type %q", out.Type)
}

// pick chooses the platform of a single-platform output: the only one there is,
// or the machine's own.
func pick(platforms []kiln.Platform, native kiln.Platform, out Output) (int, error) {
	if len(platforms) == 1 {
		return 0, nil
	}
	if i := slices.Index(platforms, native); i >= 0 {
		return i, nil
	}
	return 0, &kiln.Error{
		Code:  kiln.Usage,
		Text:  fmt.Sprintf("cannot write %s:%s: it holds one platform of %d, none of them this machine's", out.Type, out.Path, len(platforms)),
		Hints: []string{"name one: --platform " + platforms[0].String()},
	}
}

// tag is the name of an image within its repository: its version. Tags know no
// "+", so that it becomes "_", as is the custom among packagers of charts.
func tag(r *recipe.Recipe) string {
	if r.Version != "" {
		return strings.ReplaceAll(r.Version, "+", "_")
	}
	return "latest"
}
