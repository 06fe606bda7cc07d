package machine

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// parts are the files and descriptors that a command line is made of, besides the options.
type parts struct {
	typ         Type
	accelerator string
	firmware    Firmware
	variables   string   // the machine's own copy
	uuid        string   // of the machine
	disk        string   // overlay, or the image itself; empty for none
	diskFormat  string   // of disk
	uki         string   // started in place of what the disk has
	strings     []string // files, each with one SMBIOS string of type 11
	console     int      // file descriptors in qemu: of sockets; 0 where the console is on the terminal
	report      int
}

// args is the command line of qemu, without the program.
func args(o Options, p parts) []string {
	a := []string{"-nodefaults", "-no-user-config", "-display", "none", "-name", "kiln", "-msg", "timestamp=off"}
	a = append(a, board(o, p)...)
	a = append(a, "-uuid", p.uuid, "-m", strconv.FormatInt(o.Memory>>20, 10)+"M")
	a = append(a, "-blockdev", node("code", "raw", p.firmware.Code, true), "-blockdev", node("variables", "raw", p.variables, false))
	a = append(a, "-device", "virtio-rng-pci,addr=0x5")
	if p.disk != "" {
		a = append(a, "-blockdev", node("disk", p.diskFormat, p.disk, false))
		for _, d := range p.typ.disk {
			a = append(a, "-device", d)
		}
	}
	if p.uki != "" {
		a = append(a, "-kernel", p.uki)
	}
	if !o.Reboot {
		a = append(a, "-no-reboot")
	}
	a = append(a, network(o, p)...)
	a = append(a, serial(o, p)...)
	for _, file := range p.strings {
		a = append(a, "-smbios", "type=11,path="+comma(file))
	}
	return a
}

// uuidOf is a machine's UUID (RFC 9562, version 8): the same whenever the same file is
// started, as systems expect that take their own id from it.
func uuidOf(image string) string {
	if full, err := filepath.Abs(image); err == nil {
		image = full
	}
	sum := sha256.Sum256([]byte("kiln machine " + image))
	b := sum[:16]
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func board(o Options, p parts) []string {
	m := p.typ.board + ",pflash0=code,pflash1=variables"
	accel, cpu := p.accelerator, "max"
	var more []string
	switch {
	case accel == "kvm":
		cpu, more = "host", []string{"-smp", strconv.Itoa(processors)}
	case o.Interactive:
		accel, more = "tcg,thread=multi", []string{"-smp", strconv.Itoa(processors)}
	default:
		// The guest's clock counts its instructions, at 2 ns each: its timeouts do not run out because this host is slow or busy. That takes
		// one thread for all processors, so there is one.
		accel, more = "tcg,thread=single", []string{"-icount", "shift=1", "-smp", "1"}
	}
	switch {
	case p.typ.board == "q35" && p.firmware.SMM:
		m += ",smm=on"
		more = append(more, "-global", "driver=cfi.pflash01,property=secure,value=on", "-global", "ICH9-LPC.disable_s3=1")
	case p.typ.board == "q35" || p.typ.board == "pc":
		m += ",smm=off"
	case p.typ.board == "virt" && p.accelerator != "kvm":
		cpu = "cortex-a72" // "max" takes several times as long: its pointer authentication is computed
	}
	return append([]string{"-machine", m, "-accel", accel, "-cpu", cpu}, more...)
}

// network is one interface. Without leave to reach anything, the guest is still given an address.
func network(o Options, p parts) []string {
	n := "user,id=network"
	if !o.Network {
		n += ",restrict=on"
	}
	for _, f := range o.Forward {
		n += fmt.Sprintf(",hostfwd=tcp:127.0.0.1:%d-:%d", f.Host, f.Guest)
	}
	return []string{"-netdev", n, "-device", p.typ.network + ",netdev=network,romfile=,addr=" + networkSlot}
}

// serial is the console, and behind it the port that reports come from.
func serial(o Options, p parts) []string {
	if o.Interactive {
		return []string{"-chardev", "stdio,id=console,mux=on,signal=off", "-serial", "chardev:console", "-mon", "chardev=console,mode=readline"}
	}
	a := []string{"-chardev", "socket,id=console,fd=" + strconv.Itoa(p.console), "-serial", "chardev:console",
		"-chardev", "socket,id=report,fd=" + strconv.Itoa(p.report)}
	if p.typ.Arch == "arm64" { // the board has one serial port
		return append(a, "-device", "virtio-serial-pci,addr=0x1", "-device", "virtserialport,chardev=report,name=kiln.report")
	}
	return append(a, "-serial", "chardev:report")
}

// reportPort is where the guest finds the port for reports.
func (t Type) reportPort() string {
	if t.Arch == "arm64" {
		return "/dev/vport0p1" // of the first virtio device on the bus, the first port that is no console
	}
	return "/dev/ttyS1"
}

// node describes a file to qemu; as JSON, in which no character of a path means anything else.
func node(name, format, file string, readOnly bool) string {
	text, err := json.Marshal(map[string]any{
		"driver": format, "node-name": name, "read-only": readOnly,
		"file": map[string]any{"driver": "file", "filename": file},
	})
	if err != nil {
		panic("bug: a map of texts is no JSON: " + err.Error())
	}
	return string(text)
}

// comma escapes a value of an option that others follow.
func comma(s string) string { return strings.ReplaceAll(s, ",", ",,") }

// smbios is the string of a credential, as of systemd.system-credentials(7).
func (c Credential) smbios() string {
	return "io.systemd.credential.binary:" + c.Name + "=" + base64.StdEncoding.EncodeToString(c.Data)
}
