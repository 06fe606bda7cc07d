package compare

import (
	"encoding/binary"
	"fmt"
	"strings"
)

const capabilityAttribute = "security.capability"

// capabilityNames lists them by number, from 0 (capabilities(7), Linux 6.12).
func capabilityNames() []string {
	return strings.Fields(`chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service
		net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin sys_boot
		sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog
		wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore`)
}

// fileCapabilities is struct vfs_cap_data of linux/capability.h: bits by number.
type fileCapabilities struct {
	permitted, inheritable uint64
	effective              bool
	root                   uint32 // of revision 3: the user id that is root where they count
	ok                     bool
}

func decodeCapabilities(value string) fileCapabilities {
	const revisionMask, effective = 0xff000000, 1
	b := []byte(value)
	if len(b) < 4 {
		return fileCapabilities{}
	}
	magic := binary.LittleEndian.Uint32(b)
	word := func(i int) uint64 { return uint64(binary.LittleEndian.Uint32(b[4+4*i:])) }
	c := fileCapabilities{effective: magic&effective != 0, ok: true}
	switch {
	case magic&revisionMask == 0x01000000 && len(b) == 12:
		c.permitted, c.inheritable = word(0), word(1)
	case magic&revisionMask == 0x02000000 && len(b) == 20, magic&revisionMask == 0x03000000 && len(b) == 24:
		c.permitted, c.inheritable = word(0)|word(2)<<32, word(1)|word(3)<<32
		if len(b) == 24 {
			c.root = uint32(word(4))
		}
	default:
		return fileCapabilities{}
	}
	return c
}

// Capabilities is the text form (cap_text_formats(7)) of the value of the extended
// attribute security.capability: "cap_net_bind_service=ep". What is no such value is
// shown in hexadecimal.
func Capabilities(value string) string {
	c := decodeCapabilities(value)
	if !c.ok {
		return fmt.Sprintf("unknown:%x", value)
	}
	groups := map[string][]string{}
	var order []string
	for i := range 64 {
		flags := ""
		if c.effective && (c.permitted|c.inheritable)>>i&1 == 1 {
			flags = "e"
		}
		if c.inheritable>>i&1 == 1 {
			flags += "i"
		}
		if c.permitted>>i&1 == 1 {
			flags += "p"
		}
		if flags == "" {
			continue
		}
		if groups[flags] == nil {
			order = append(order, flags)
		}
		groups[flags] = append(groups[flags], capabilityName(i))
	}
	var parts []string
	for _, flags := range order {
		parts = append(parts, strings.Join(groups[flags], ",")+"="+flags)
	}
	text := strings.Join(parts, " ")
	if text == "" {
		text = "="
	}
	if c.root != 0 {
		text += fmt.Sprintf(" [rootid=%d]", c.root)
	}
	return text
}

// capabilityName is cap_to_name(3): of one without a name, its number.
func capabilityName(i int) string {
	if names := capabilityNames(); i < len(names) {
		return "cap_" + names[i]
	}
	return fmt.Sprint(i)
}
