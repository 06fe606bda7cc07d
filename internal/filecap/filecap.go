// Package filecap is the capabilities of a file (capabilities(7)): the value of the
// extended attribute security.capability, and the text that setcap(8) takes and
// getcap(8) prints.
package filecap

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Attribute is the name of the extended attribute.
const Attribute = "security.capability"

// Set is struct vfs_cap_data of linux/capability.h: bits by number.
type Set struct {
	Permitted, Inheritable uint64
	Effective              bool   // whether what is permitted is in effect from the start
	Root                   uint32 // of revision 3: the user id that is root where they count
}

const (
	revisionMask = 0xff000000
	revision1    = 0x01000000 // 32 capabilities
	revision2    = 0x02000000 // 64
	revision3    = 0x03000000 // 64, and a user id
	effective    = 1
)

// names lists them by number, from 0 (Linux 6.12).
func names() []string {
	return strings.Fields(`chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service
		net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin sys_boot
		sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog
		wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore`)
}

// Decode reads the attribute's value; ok is false where it is no such value.
func Decode(value string) (s Set, ok bool) {
	b := []byte(value)
	if len(b) < 4 {
		return Set{}, false
	}
	magic := binary.LittleEndian.Uint32(b)
	word := func(i int) uint64 { return uint64(binary.LittleEndian.Uint32(b[4+4*i:])) }
	s.Effective = magic&effective != 0
	switch revision := magic & revisionMask; {
	case revision == revision1 && len(b) == 12:
		s.Permitted, s.Inheritable = word(0), word(1)
	case revision == revision2 && len(b) == 20, revision == revision3 && len(b) == 24:
		s.Permitted, s.Inheritable = word(0)|word(2)<<32, word(1)|word(3)<<32
		if len(b) == 24 {
			s.Root = uint32(word(4))
		}
	default:
		return Set{}, false
	}
	return s, true
}

// Encode gives the attribute's value in revision 2, which is what the kernel writes
// outside of user namespaces; Root is not in it.
func (s Set) Encode() string {
	magic := uint32(revision2)
	if s.Effective {
		magic |= effective
	}
	b := binary.LittleEndian.AppendUint32(nil, magic)
	for _, word := range []uint64{s.Permitted, s.Inheritable, s.Permitted >> 32, s.Inheritable >> 32} {
		b = binary.LittleEndian.AppendUint32(b, uint32(word))
	}
	return string(b)
}

// String is the text form (cap_text_formats(7)) as cap_to_text(3) writes it, without
// what no capability has: "cap_net_bind_service=ep".
func (s Set) String() string {
	groups := map[string][]string{}
	var order []string
	for i := range 64 {
		flags := s.flags(i)
		if flags == "" {
			continue
		}
		if groups[flags] == nil {
			order = append(order, flags)
		}
		groups[flags] = append(groups[flags], name(i))
	}
	var parts []string
	for _, flags := range order {
		parts = append(parts, strings.Join(groups[flags], ",")+"="+flags)
	}
	text := strings.Join(parts, " ")
	if text == "" {
		text = "="
	}
	if s.Root != 0 {
		text += fmt.Sprintf(" [rootid=%d]", s.Root)
	}
	return text
}

// flags are the letters of the sets that capability i is in.
func (s Set) flags(i int) (letters string) {
	if s.Effective && (s.Permitted|s.Inheritable)>>i&1 == 1 {
		letters = "e"
	}
	if s.Inheritable>>i&1 == 1 {
		letters += "i"
	}
	if s.Permitted>>i&1 == 1 {
		letters += "p"
	}
	return letters
}

// name is cap_to_name(3): of one without a name, its number.
func name(i int) string {
	if all := names(); i < len(all) {
		return "cap_" + all[i]
	}
	return fmt.Sprint(i)
}
