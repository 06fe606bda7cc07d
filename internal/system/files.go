package system

import (
	"fmt"
	"strings"

	"kiln/internal/disk"
	"kiln/internal/recipe"
)

// Files are what is written for systemd and modprobe.
func Files(r *recipe.Recipe) []recipe.File {
	w := &writer{recipe: r}
	w.presets()
	w.files = append(w.files, recipe.File{Path: "/efi", Directory: true, Why: "the EFI system partition is mounted there when something looks", Place: "system.disk"})
	w.denied()
	w.variable()
	w.updates()
	for i, m := range r.System.Mutable {
		w.mutable(fmt.Sprintf("system.mutable[%d]", i), m)
	}
	w.seeds()
	return w.files
}

// writer collects the files.
type writer struct {
	recipe *recipe.Recipe
	files  []recipe.File
	rules  []string // of tmpfiles.d(5), for what is seeded
}

func (w *writer) file(place, path, why string, lines ...string) {
	text := strings.Join(lines, "\n") + "\n"
	w.files = append(w.files, recipe.File{Path: path, Content: &text, Why: why, Place: place})
}

func (w *writer) link(place, path, target, why string) {
	w.files = append(w.files, recipe.File{Path: path, Link: target, Why: why, Place: place})
}

// wanted is a unit that a target starts.
func (w *writer) wanted(place, target, unit, why string) {
	w.link(place, units+target+".wants/"+unit, "../"+unit, why)
}

// presets has systemd agree with the recipe, should it ever be asked (systemctl preset).
func (w *writer) presets() {
	lines := []string{"# Units are enabled by the recipe alone."}
	for _, u := range w.recipe.System.Services.Enable {
		lines = append(lines, "enable "+u.Unit)
	}
	lines = append(lines, "disable *")
	w.file("system.services", "/usr/lib/systemd/system-preset/00-kiln.preset", "units that the recipe does not name stay off", lines...)
}

// denied has modprobe refuse modules, each in a file of its own.
func (w *writer) denied() {
	for i, m := range w.recipe.System.Modules.Deny {
		name := recipe.Underscored(m.Module)
		w.file(fmt.Sprintf("system.modules.deny[%d]", i), "/usr/lib/modprobe.d/kiln-deny-"+name+".conf", m.Why,
			"# "+strings.Join(strings.Fields(m.Why), " "),
			"blacklist "+name,
			"install "+name+" /bin/false")
	}
}

// variable gives the system a /var that can be written to.
func (w *writer) variable() {
	const place = "system.disk.state"
	state := w.recipe.System.Disk.State
	if state == nil {
		w.file("system.disk", units+"var.mount", "nothing outlives a boot where the disk has no state",
			"[Unit]", "Description=/var in memory", "DefaultDependencies=no", "Conflicts=umount.target", "Before=local-fs.target umount.target", "After=swap.target", "",
			"[Mount]", "What=tmpfs", "Where=/var", "Type=tmpfs", "Options=mode=0755,nosuid,nodev,size=50%")
		w.wanted("system.disk", "local-fs.target", "var.mount", "/var is there before anything writes to it")
		return
	}
	partition := "/dev/disk/by-partlabel/" + StateLabel
	lines := []string{"[Partition]", "Type=linux-generic", "Label=" + StateLabel, "Format=ext4", "SizeMinBytes=" + state.Minimum, "FactoryReset=yes"}
	if state.Encrypt == recipe.EncryptTPM2 {
		lines = append(lines, "Encrypt=tpm2")
		w.file(place, "/etc/crypttab", "the state is unlocked by this machine's TPM alone", StateLabel+" "+partition+" - tpm2-device=auto,discard")
		partition = "/dev/mapper/" + StateLabel
	}
	w.file(place, "/usr/lib/repart.d/50-state.conf", "the state is made at the first boot, and grows with the disk", lines...)
	w.file(place, units+escape("/dev/disk/by-partlabel/"+StateLabel)+".device.d/50-kiln.conf", "making a file system on a slow disk takes longer than systemd waits by default",
		"[Unit]", "JobRunningTimeoutSec=10min")
	w.file(place, units+"var.mount", "what outlives a boot is on the state partition",
		"[Unit]", "Description=/var on the state partition", "DefaultDependencies=no", "Conflicts=umount.target", "Before=local-fs.target umount.target",
		"Wants=systemd-growfs@var.service", "After=systemd-repart.service "+"blockdev@"+escape(partition)+".target", "",
		"[Mount]", "What="+partition, "Where=/var", "Type=ext4", "Options=nosuid,nodev")
	w.files = append(w.files, recipe.File{Path: units + "local-fs.target.requires/var.mount", Link: "../var.mount", Place: place,
		Why: "a machine without its state does not start as if it were new"})
}

// updates tells systemd-sysupdate where the next version comes from, and who may sign it.
func (w *writer) updates() {
	d := &w.recipe.System.Disk
	if d.Update == nil {
		return
	}
	const place = "system.disk.update"
	for _, f := range disk.Transfers(disk.TransferOptions{Name: w.recipe.Name, URL: d.Update.URL, Signed: d.SecureBoot.Certificate != ""}) {
		text := string(f.Content)
		w.files = append(w.files, recipe.File{Path: f.Path, Content: &text, Why: f.Why, Place: place})
	}
	w.files = append(w.files, recipe.File{Path: disk.Keyring, From: d.Update.Keyring, Why: "who may sign updates: " + d.Update.Why, Place: place})
}

// mutable carries out the class of a path: what changes is elsewhere, and mounted there.
func (w *writer) mutable(place string, m recipe.Mutable) {
	var at string
	switch m.Class {
	case recipe.Immutable:
		return
	case recipe.Volatile:
		at = passing + m.Path
		w.rules = append(w.rules, "C "+at+" - - - - "+m.Path)
	case recipe.Seeded:
		at = kept + "/seeded" + m.Path
		if strings.HasPrefix(m.Path, "/var/") {
			return // the seed of all of /var does it
		}
		w.rules = append(w.rules, "C "+at+" - - - - "+m.Path)
	case recipe.Managed:
		at = kept + "/managed" + m.Path
		if strings.HasPrefix(m.Path, "/var/") {
			w.rules = append(w.rules, "d "+m.Path+" 0755 root root -")
			return
		}
		w.rules = append(w.rules, "d "+at+" 0755 root root -")
		w.files = append(w.files, recipe.File{Path: m.Path, Directory: true, Why: m.Why, Place: place})
	}
	unit := escape(m.Path) + ".mount"
	w.file(place, units+unit, m.Why,
		"[Unit]", fmt.Sprintf("Description=%s (%s)", m.Path, m.Class), "DefaultDependencies=no", "Conflicts=umount.target", "Before=local-fs.target umount.target",
		"Requires="+seedUnit, "After="+seedUnit, "",
		"[Mount]", "What="+at, "Where="+m.Path, "Type=none", "Options=bind")
	w.wanted(place, "local-fs.target", unit, m.Why)
}

// seeds fills what is empty at the first boot, or at each.
func (w *writer) seeds() {
	const place = "system.disk"
	lines := append([]string{"# What the image has in /var is there from the first boot on; files that are there stay.", "C+ /var - - - - /" + Factory}, w.rules...)
	w.file(place, seedRules, "what the image has in /var, and what the recipe lets change, is put where it can be written to", lines...)
	w.file(place, units+seedUnit, "before anything looks for what is seeded",
		"[Unit]", "Description=Seeds of /var and of what changes", "DefaultDependencies=no", "RequiresMountsFor=/var", "Conflicts=shutdown.target",
		// what starts before basic.target with PrivateTmp= wants /var/tmp
		"Before=local-fs.target systemd-journal-flush.service systemd-tmpfiles-setup.service systemd-resolved.service systemd-timesyncd.service shutdown.target", "",
		"[Service]", "Type=oneshot", "RemainAfterExit=yes", "ExecStart=systemd-tmpfiles --create "+seedRules)
	w.wanted(place, "local-fs.target", seedUnit, "before anything looks for what is seeded")
}

// escape is a path as systemd.unit(5) has it in the name of a unit.
func escape(path string) string {
	var b strings.Builder
	for i, c := range []byte(strings.Trim(path, "/")) {
		switch {
		case c == '/':
			b.WriteByte('-')
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == ':', c == '_', c == '.' && i > 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, `\x%02x`, c)
		}
	}
	return b.String()
}
