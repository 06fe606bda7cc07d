package disk

import (
	"fmt"
	"strings"
)

// TransferFolder is where systemd-sysupdate looks for what Transfers returns, inside the image.
const TransferFolder = "/usr/lib/sysupdate.d"

// Keyring is where systemd looks for the keys that may sign updates, inside the image.
const Keyring = "/usr/lib/systemd/import-pubring.gpg"

// TransferOptions say where a system takes its updates from.
type TransferOptions struct {
	Name   string // of the image
	URL    string // of the folder that WriteUpdate wrote
	Signed bool   // the disk has signature partitions
	Single bool   // the disk has one slot: there is nothing to transfer to
}

// File is a file of an image.
type File struct {
	Path    string // absolute
	Content []byte
	Why     string
}

// Transfers returns the files that tell systemd-sysupdate how to take the next version: each part to the partition
// of its type whose label is "_empty", or whose version is the oldest and does not run; and the unified kernel image last, so that nothing starts what
// is not there as a whole. (sysupdate.d(5), of systemd 257.)
func Transfers(o TransferOptions) []File {
	if o.Single {
		return nil
	}
	type transfer struct{ file, suffix, label, kind, why string }
	all := []transfer{
		{"50-verity", veritySuffix, "_verity", "root-verity", "the hash tree of the next version"},
		{"60-root", rootSuffix, "", "root", "the root file system of the next version"},
	}
	if o.Signed {
		all = append(all, transfer{"55-signature", signatureSuffix, "_sig", "root-verity-sig", "the signature of the next version's root hash"})
	}
	var files []File
	put := func(file, why, text string) {
		files = append(files, File{Path: TransferFolder + "/" + file + ".transfer", Content: []byte(text), Why: why})
	}
	head := "[Transfer]\nProtectVersion=%A\n\n[Source]\nType=url-file\nPath=" + strings.ReplaceAll(o.URL, "%", "%%") + "\n"
	for _, t := range all {
		put(t.file, t.why, head+fmt.Sprintf(`MatchPattern=%[1]s_@v_@u%[2]s

[Target]
Type=partition
Path=auto
MatchPattern=%[1]s_@v%[3]s
MatchPartitionType=%[4]s
PartitionNoAuto=no
ReadOnly=yes
`, o.Name, t.suffix, t.label, t.kind))
	}
	put("70-kernel", "the kernel of the next version, which names its root", head+fmt.Sprintf(`MatchPattern=%[1]s_@v%[2]s

[Target]
Type=regular-file
Path=/EFI/Linux
PathRelativeTo=boot
MatchPattern=%[1]s_@v+@l-@d.efi %[1]s_@v+@l.efi %[1]s_@v.efi
Mode=0444
TriesLeft=%[3]d
TriesDone=0
InstancesMax=2
`, o.Name, ukiSuffix, triesLeft))
	return files
}
