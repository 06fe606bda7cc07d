package filecap_test

import (
	"testing"

	"kiln/internal/filecap"
)

// What is written is read back as it was meant, whatever form the text had.
func TestTextAndValue(t *testing.T) {
	for text, want := range map[string]string{
		"cap_net_raw=ep":                 "cap_net_raw=ep",
		"CAP_NET_RAW+ep":                 "cap_net_raw=ep",
		"cap_net_raw,cap_kill=p":         "cap_kill,cap_net_raw=p",
		"cap_net_raw=ip cap_net_raw-i":   "cap_net_raw=p",
		"cap_chown=i cap_kill=p":         "cap_chown=i cap_kill=p",
		"cap_checkpoint_restore+eip":     "cap_checkpoint_restore=eip",
		"all=p cap_chown=":               "", // all but one
		"=":                              "=",
		"cap_net_raw+ep-e":               "cap_net_raw=p",
		"cap_net_bind_service=+ep":       "cap_net_bind_service=ep",
		"cap_setuid+ep cap_setgid+ep":    "cap_setgid,cap_setuid=ep",
		"cap_setuid=ep cap_setuid=p":     "cap_setuid=p",
		"cap_sys_admin=ep =":             "=",
		"cap_audit_write=i":              "cap_audit_write=i",
		"cap_setfcap=p cap_setfcap+i":    "cap_setfcap=ip",
		"cap_wake_alarm+p cap_syslog+p":  "cap_syslog,cap_wake_alarm=p",
		"cap_mac_admin,cap_bpf=ep":       "cap_mac_admin,cap_bpf=ep",
		"cap_block_suspend=ep":           "cap_block_suspend=ep",
		"cap_net_raw=p cap_net_admin=ep": "cap_net_admin,cap_net_raw=ep", // a file has one effective bit
	} {
		set, err := filecap.Parse(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		back, ok := filecap.Decode(set.Encode())
		if !ok || back != set {
			t.Errorf("%q: %+v was read back as %+v, %v", text, set, back, ok)
		}
		if got := back.String(); want != "" && got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func TestWhatIsNotUnderstood(t *testing.T) {
	for text, part := range map[string]string{"cap_net_raw": "cap_net_raw", "cap_nosuch=p": "cap_nosuch", "net_raw=p": "net_raw", "cap_kill+x": "+x"} {
		if _, err := filecap.Parse(text); err == nil || err.Error() != part {
			t.Errorf("%q: %v, want %q", text, err, part)
		}
	}
	for _, value := range []string{"", "x", "\x00\x00\x00\x02", "\x00\x00\x00\x04aaaabbbbccccdddd", "\x01\x00\x00\x02aaaabbbbccccdddde"} {
		if set, ok := filecap.Decode(value); ok {
			t.Errorf("%x is taken for %+v", value, set)
		}
	}
}
