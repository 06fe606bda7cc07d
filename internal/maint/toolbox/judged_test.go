package toolbox_test

import (
	"testing"

	"kiln/internal/maint/toolbox/toolboxtest"
)

func TestAsTheRealTools(t *testing.T) { toolboxtest.Judged(t) }
