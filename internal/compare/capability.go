package compare

import (
	"fmt"

	"kiln/internal/filecap"
)

// Capabilities is the text form (cap_text_formats(7)) of the value of the extended
// attribute security.capability: "cap_net_bind_service=ep". What is no such value is
// shown in hexadecimal.
func Capabilities(value string) string {
	set, ok := filecap.Decode(value)
	if !ok {
		return fmt.Sprintf("unknown:%x", value)
	}
	return set.String()
}
