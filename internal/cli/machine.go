package cli

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"kiln"
	"kiln/internal/machine"
)

// machineFlags are the flags that kiln boot and kiln test share, as typed.
type machineFlags struct {
	memory      string
	disk        string
	uki         string
	secureBoot  bool
	variables   string
	accelerator string
	platform    string
	credentials []string
}

func (f *machineFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.memory, "memory", "512M", "give the machine memory of `SIZE`, such as 2G")
	flags.StringVar(&f.disk, "disk-size", "4G", "give it a disk of `SIZE`, where the image is smaller")
	flags.StringVar(&f.uki, "uki", "", "start the unified kernel image in `FILE` instead of what the disk would")
	flags.BoolVar(&f.secureBoot, "secure-boot", false, "use firmware with Secure Boot on")
	flags.StringVar(&f.variables, "variables", "", "start with a copy of the firmware variables in `FILE`, which say what keys Secure Boot accepts")
	flags.StringVar(&f.accelerator, "accelerator", "", "`METHOD`: kvm, or tcg, which emulates; default what works")
	flags.StringVar(&f.platform, "platform", "", "the image is for `PLATFORM`, such as linux/arm64, where it does not say itself")
	flags.StringArrayVar(&f.credentials, "credential", nil, "hand systemd the credential `NAME=TEXT`; may be repeated")
	complete(cmd, "memory", words("512M", "1G", "2G", "4G"))
	complete(cmd, "disk-size", words("4G", "8G", "16G"))
	complete(cmd, "accelerator", words("kvm", "tcg"))
	complete(cmd, "platform", words(platformNames()...))
	complete(cmd, "credential", words())
}

// options reads the flags. path is the image.
func (f *machineFlags) options(path string) (machine.Options, error) {
	o := machine.Options{UKI: f.uki, SecureBoot: f.secureBoot, Variables: f.variables, Accelerator: f.accelerator}
	var err error
	if o.Memory, err = sizeFlag("memory", f.memory); err != nil {
		return o, err
	}
	if o.DiskSize, err = sizeFlag("disk-size", f.disk); err != nil {
		return o, err
	}
	if f.accelerator != "" && f.accelerator != "kvm" && f.accelerator != "tcg" {
		return o, &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("there is no accelerator %q", f.accelerator), Hints: []string{"--accelerator kvm", "--accelerator tcg"}}
	}
	for _, s := range f.credentials {
		c, err := machine.ParseCredential(s)
		if err != nil {
			return o, &kiln.Error{Code: kiln.Usage, Text: err.Error(), Hints: []string{"--credential passwd.plaintext-password.root=secret"}}
		}
		o.Credentials = append(o.Credentials, c)
	}
	if o.Image, err = machine.OpenImage(path); err != nil {
		return o, err
	}
	if f.uki != "" {
		if _, err := os.Stat(f.uki); err != nil {
			return o, &kiln.Error{Code: kiln.User, Text: fmt.Sprintf("cannot open the unified kernel image: %v", err), Err: err}
		}
	}
	if f.platform == "" {
		return o, nil
	}
	p, err := kiln.ParsePlatform(f.platform)
	if err != nil {
		return o, &kiln.Error{Code: kiln.Usage, Text: err.Error()}
	}
	if o.Image.Arch != "" && o.Image.Arch != p.Architecture {
		return o, &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("%q is for %s, and not for %s", path, o.Image.Arch, p.Architecture)}
	}
	o.Image.Arch = p.Architecture
	return o, nil
}

// host is this computer, as machines use it.
func (a *app) host() machine.Host {
	return machine.Host{Look: exec.LookPath, Firmware: machine.FirmwareFolders(), Temp: a.spool(), Arch: nativePlatform().Architecture, Stdin: a.world.Stdin, Stdout: a.world.Stdout}
}

// sizeFlag reads 512M: a number and K, M, G or T, which are powers of 1024.
func sizeFlag(flag, s string) (int64, error) {
	if n := len(s) - 1; n > 0 {
		shift := strings.IndexByte("KMGT", s[n])
		if v, err := strconv.ParseInt(s[:n], 10, 64); err == nil && shift >= 0 && v > 0 && v < 1<<20 {
			return v << (10 * (shift + 1)), nil
		}
	}
	return 0, &kiln.Error{Code: kiln.Usage, Text: fmt.Sprintf("cannot read the size %q of --%s", s, flag), Hints: []string{"--" + flag + " 2G"}}
}
