package filetool

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"kiln/internal/maint/command"
)

const capabilityName = "security.capability"

// capabilities lists the names by number, from 0 (capabilities(7), Linux 6.12).
func capabilities() []string {
	return strings.Fields(`chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service
		net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin sys_boot
		sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog
		wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore`)
}

// Setcap is setcap(8): capabilities go into the extended attribute as revision 2,
// which is what the kernel writes outside of user namespaces.
func Setcap(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseLeading("q v n= r")
	if err != nil {
		return 0, err
	}
	if o.Has("v") || o.Has("n") {
		return 0, c.Unhonoured("the options -v and -n are not known")
	}
	args := o.Rest
	if o.Has("r") {
		if len(args) != 1 {
			return 0, c.Unhonoured("-r takes one file")
		}
		if err := c.FS.Removexattr(c.Path(args[0]), capabilityName); err != nil {
			return c.Failed(1, args[0], err)
		}
		return 0, nil
	}
	if len(args) == 0 || len(args)%2 != 0 {
		return c.Complain(1, "usage: setcap <capabilities> <file>")
	}
	for ; len(args) > 0; args = args[2:] {
		value, err := parseCapabilities(args[0])
		if err != nil {
			return c.Complain(1, "%v", err)
		}
		info, err := c.FS.Lstat(c.Path(args[1]))
		if err != nil || !info.Mode().IsRegular() {
			return c.Complain(1, "Failed to set capabilities on file '%s'", args[1])
		}
		if err := c.FS.Setxattr(c.Path(args[1]), capabilityName, value); err != nil {
			return c.Failed(1, args[1], err)
		}
	}
	return 0, nil
}

// capabilitySets are the three sets of a file, as bits by number.
type capabilitySets struct{ effective, permitted, inheritable uint64 }

// parseCapabilities reads the text form of cap_from_text(3): clauses such as
// "cap_net_raw,cap_net_admin+ep".
func parseCapabilities(text string) (string, error) {
	var s capabilitySets
	for clause := range strings.FieldsSeq(text) {
		at := strings.IndexAny(clause, "+-=")
		if at < 0 {
			return "", fmt.Errorf("fatal error: Invalid argument: %s", clause)
		}
		mask, err := capabilityMask(clause[:at])
		if err != nil {
			return "", err
		}
		if err := s.apply(mask, clause[at:]); err != nil {
			return "", err
		}
	}
	return s.encode(), nil
}

func capabilityMask(list string) (uint64, error) {
	if list == "" || list == "all" {
		return 1<<len(capabilities()) - 1, nil
	}
	var mask uint64
	for name := range strings.SplitSeq(strings.ToLower(list), ",") {
		short, ok := strings.CutPrefix(name, "cap_")
		i := slices.Index(capabilities(), short)
		if !ok || i < 0 {
			return 0, fmt.Errorf("fatal error: Invalid argument: %s", name)
		}
		mask |= 1 << i
	}
	return mask, nil
}

func (s *capabilitySets) apply(mask uint64, actions string) error {
	for actions != "" {
		op := actions[0]
		end := strings.IndexAny(actions[1:], "+-=") + 1
		if end == 0 {
			end = len(actions)
		}
		for _, set := range []*uint64{&s.effective, &s.permitted, &s.inheritable} {
			if op == '=' {
				*set &^= mask
			}
		}
		for _, flag := range actions[1:end] {
			set := map[rune]*uint64{'e': &s.effective, 'p': &s.permitted, 'i': &s.inheritable}[flag]
			if set == nil {
				return fmt.Errorf("fatal error: Invalid argument: %s", actions)
			}
			if op == '-' {
				*set &^= mask
			} else {
				*set |= mask
			}
		}
		actions = actions[end:]
	}
	return nil
}

// encode writes struct vfs_cap_data, revision 2 (linux/capability.h): a file has
// one effective bit only.
func (s capabilitySets) encode() string {
	const revision2, effectiveFlag = 0x02000000, 1
	magic := uint32(revision2)
	if s.effective != 0 {
		magic |= effectiveFlag
	}
	b := binary.LittleEndian.AppendUint32(nil, magic)
	for _, word := range []uint64{s.permitted, s.inheritable, s.permitted >> 32, s.inheritable >> 32} {
		b = binary.LittleEndian.AppendUint32(b, uint32(word))
	}
	return string(b)
}

// Getcap is getcap(8) for files named.
func Getcap(_ context.Context, c *command.Call) (int, error) {
	o, err := c.ParseOptions("v n")
	if err != nil {
		return 0, err
	}
	var out command.Output
	for _, name := range o.Rest {
		attributes, err := c.FS.Xattrs(c.Path(name))
		if err != nil {
			return c.Failed(1, name, err)
		}
		if value := attributes[capabilityName]; len(value) == 20 {
			out.Line(name + " " + capabilityText(value))
		} else if o.Has("v") {
			out.Line(name)
		}
	}
	return out.Flush(c, 0)
}

// capabilityText is cap_to_text(3) for sets that are the same in what they hold.
func capabilityText(value string) string {
	word := func(at int) uint64 { return uint64(binary.LittleEndian.Uint32([]byte(value[at:]))) }
	permitted, inheritable := word(4)|word(12)<<32, word(8)|word(16)<<32
	var names []string
	for i, name := range capabilities() {
		if (permitted|inheritable)>>i&1 == 1 {
			names = append(names, "cap_"+name)
		}
	}
	flags := ""
	if word(0)&1 == 1 {
		flags += "e"
	}
	if inheritable != 0 {
		flags += "i"
	}
	if permitted != 0 {
		flags += "p"
	}
	return strings.Join(names, ",") + "=" + flags
}
