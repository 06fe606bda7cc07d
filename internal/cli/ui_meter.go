package cli

import "time"

// meter tells the pace of something that is counted, over the last few seconds.
type meter struct {
	samples []sample // oldest first
}

type sample struct {
	at time.Time
	n  int64
}

const (
	meterGrain  = 250 * time.Millisecond // least time between two samples
	meterWindow = 8 * time.Second        // how far back the pace is looked for
	meterLeast  = time.Second            // a pace over less says nothing
	meterSteady = 3 * time.Second        // nor does one over less tell the future
	meterSpread = 1.6                    // how much the two halves of the window may differ
)

// take notes that n was reached.
func (m *meter) take(now time.Time, n int64) {
	if last := len(m.samples) - 1; last >= 0 && now.Sub(m.samples[last].at) < meterGrain {
		if last > 0 { // the first one is where counting began
			m.samples[last].n = n
		}
		return
	}
	m.samples = append(m.samples, sample{now, n})
	old := 0
	for old+2 < len(m.samples) && now.Sub(m.samples[old+1].at) >= meterWindow {
		old++
	}
	m.samples = append(m.samples[:0], m.samples[old:]...)
}

// rate is the pace as of now in counts per second, 0 where it is not known, and
// whether it was about the same all the time.
func (m *meter) rate(now time.Time) (perSecond float64, steady bool) {
	if len(m.samples) < 2 {
		return 0, false
	}
	first, last := m.samples[0], m.samples[len(m.samples)-1]
	over := now.Sub(first.at)
	if over < meterLeast {
		return 0, false
	}
	perSecond = float64(last.n-first.n) / over.Seconds()
	middle := first
	for _, s := range m.samples {
		if s.at.Sub(first.at) > over/2 {
			break
		}
		middle = s
	}
	before, after := middle.at.Sub(first.at).Seconds(), now.Sub(middle.at).Seconds()
	if over < meterSteady || before <= 0 || after <= 0 {
		return perSecond, false
	}
	a, b := float64(middle.n-first.n)/before, float64(last.n-middle.n)/after
	return perSecond, a > 0 && b > 0 && a/b < meterSpread && b/a < meterSpread
}
