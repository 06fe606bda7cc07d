package rootfs

import (
	"kiln/internal/maint"
	"kiln/internal/maint/command"
)

// report is what became known of maintainer scripts on the way.
type report struct {
	runs     []maint.Run
	accounts []maint.Account
	notes    []command.Note
}

// add takes what one layer gave.
func (r *report) add(res *maint.Result) {
	r.runs = append(r.runs, res.Runs...)
	r.accounts = append(r.accounts, res.Accounts...)
	r.notes = append(r.notes, res.Notes...)
}
