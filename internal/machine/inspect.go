package machine

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Silence is how long a machine may say nothing before it is given up, where no
// other time is asked for.
const Silence = 5 * time.Minute

// Result is what a machine said of itself, and what that means.
type Result struct {
	Machine     string    `json:"machine"`
	Accelerator string    `json:"accelerator"`
	OK          bool      `json:"ok"`
	Findings    []Finding `json:"findings"`
	Facts       *Facts    `json:"facts,omitempty"`   // absent where the machine did not come so far
	Console     []string  `json:"console,omitempty"` // the last lines, where something is wrong
}

// Inspection is what is asked of a machine.
type Inspection struct {
	Checks  []Check
	Silence time.Duration // the machine is given up when it said nothing for so long; default Silence
	Log     io.Writer     // gets all that the console says; may be nil
}

// Inspect starts a machine, waits for its report, and judges it. An error is of the host; what
// the machine does wrong is in the result.
func Inspect(ctx context.Context, h Host, o Options, in Inspection) (*Result, error) {
	typ, err := TypeOf(o.Type, firstOf(o.Image.Arch, h.Arch))
	if err != nil {
		return nil, err
	}
	if in.Silence == 0 {
		in.Silence = Silence
	}
	o.Interactive = false
	o.Credentials = append(credentials(typ.reportPort(), in.Checks, !o.Reboot), o.Credentials...)
	r, err := Start(ctx, h, o)
	if err != nil {
		return nil, err
	}
	w := watch(r, o, in)
	err = r.Wait(ctx)
	w.end() // what was said last is read after the machine's end
	r.closePorts()
	if err != nil {
		return nil, err
	}
	return w.result(r, o, in), nil
}

func firstOf(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

// watcher listens to a machine.
type watcher struct {
	readers sync.WaitGroup
	timer   *time.Timer
	silence time.Duration

	mu     sync.Mutex
	tail   []string // the console's last lines
	line   strings.Builder
	report strings.Builder
	gaveUp string // why the machine was stopped; empty where it was not
}

const (
	tailLines = 40
	maxLine   = 4 << 10 // bytes of a line of the console that are kept
	maxReport = 8 << 20 // bytes of a report that are kept
)

// watch reads console and report until the machine ends, and ends it when it is silent or lost.
func watch(r *Running, o Options, in Inspection) *watcher {
	w := &watcher{silence: in.Silence}
	w.timer = time.AfterFunc(in.Silence, func() { w.giveUp(r, fmt.Sprintf("it said nothing for %s", in.Silence)) })
	w.readers.Add(2)
	go w.read(r.Console, func(b []byte) {
		if in.Log != nil {
			_, _ = in.Log.Write(b) // a log that cannot be written does not change what is found
		}
		if lost := w.console(string(b)); lost != "" && !o.Reboot {
			w.giveUp(r, lost)
		}
	})
	go w.read(r.report, func(b []byte) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.report.Len() < maxReport {
			w.report.Write(b)
		}
	})
	return w
}

func (w *watcher) read(from io.Reader, take func([]byte)) {
	defer w.readers.Done()
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		if n > 0 {
			w.timer.Reset(w.silence)
			take(b[:n])
		}
		if err != nil {
			return
		}
	}
}

func (w *watcher) giveUp(r *Running, why string) {
	w.mu.Lock()
	if w.gaveUp == "" {
		w.gaveUp = why
	}
	w.mu.Unlock()
	r.Stop()
}

// lost are lines after which nothing comes any more.
func lost() []string {
	return []string{
		"Kernel panic - not syncing", "BdsDxe: No bootable option or device was found", "Shell> ",
		"Access Denied", "Access denied", "Security Violation", // the firmware's words, and systemd-boot's, who waits after it
		" block 0 is corrupted", // of dm-verity: no file system can be there, and systemd would wait for one
	}
}

// console takes what the console says. Where it is lost, it says so.
func (w *watcher) console(text string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		before, after, ended := strings.Cut(text, "\n")
		if w.line.Len() < maxLine {
			w.line.WriteString(before)
		}
		line := plain(w.line.String())
		for _, s := range lost() {
			if strings.Contains(line, s) && (ended || s == "Shell> ") {
				w.keep(line)
				return fmt.Sprintf("its console says %q", strings.TrimSpace(line))
			}
		}
		if !ended {
			return ""
		}
		w.keep(line)
		w.line.Reset()
		text = after
	}
}

// busy is systemd's sign of life.
var busy = regexp.MustCompile(`^M?\[[ *]{6}\] `)

func (w *watcher) keep(line string) {
	if strings.TrimSpace(line) == "" || busy.MatchString(line) {
		return
	}
	if len(w.tail) == tailLines {
		w.tail = w.tail[1:]
	}
	w.tail = append(w.tail, line)
}

// end waits for the last of what was said.
func (w *watcher) end() {
	w.readers.Wait()
	w.timer.Stop()
}

// result judges what was said.
func (w *watcher) result(r *Running, o Options, in Inspection) *Result {
	w.mu.Lock()
	defer w.mu.Unlock()
	res := &Result{Machine: r.Type.Name, Accelerator: r.Accelerator}
	parts, whole := sections(w.report.String())
	if !whole {
		res.Findings = []Finding{{Check: "the machine starts, and reports", Found: w.failure()}}
		res.Console = w.tail
		return res
	}
	f := factsOf(parts)
	res.Facts = &f
	res.Findings = append(f.judge(o), judgeAll(in.Checks, parts, f)...)
	res.OK = true
	for _, x := range res.Findings {
		res.OK = res.OK && x.OK
	}
	if res.OK {
		f.Journal = nil
	} else {
		res.Console = w.tail
	}
	return res
}

// failure is why there is no report.
func (w *watcher) failure() string {
	var said []string
	for _, line := range lines(w.report.String()) {
		if line = plain(line); line != "" && !strings.Contains(line, "BdsDxe") {
			said = append(said, line)
		}
	}
	switch {
	case w.gaveUp != "":
		return w.gaveUp
	case strings.Contains(w.report.String(), "systemd[1]"):
		return "it ended in emergency mode:\n" + strings.Join(said, "\n")
	}
	return "it ended before it had reported"
}

func judgeAll(checks []Check, parts map[string]string, f Facts) (list []Finding) {
	for i, c := range checks {
		list = append(list, c.judge(i, parts, f))
	}
	return list
}

// judge holds the facts against what is so of every image that kiln builds to boot.
func (f *Facts) judge(o Options) []Finding {
	list := []Finding{
		{Check: "multi-user.target is reached", OK: f.Target == "active", Found: f.Target},
		{Check: "no unit failed", OK: f.State == "running" && len(f.Failed) == 0, Found: strings.TrimSpace(f.State + " " + strings.Join(f.Failed, " "))},
		{Check: "the root is read-only and verified", OK: f.Root.ReadOnly && f.Verity, Found: fmt.Sprintf("%s on %s, read-only %t, verity %t", f.Root.Type, f.Root.Device, f.Root.ReadOnly, f.Verity)},
		{Check: "/var can be written to", OK: f.Var.Device != "" && !f.Var.ReadOnly, Found: firstOf(f.Var.Device, "a part of the root")},
		{Check: "one network interface", OK: len(f.Interfaces) == 1, Found: strings.Join(f.Interfaces, " ")},
	}
	if o.SecureBoot {
		list = append(list, Finding{Check: "Secure Boot is on", OK: f.SecureBoot, Found: "off"})
	}
	return list
}
