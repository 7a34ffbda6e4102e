package bench

import (
	"math"
	"runtime"
	"runtime/debug"
	"syscall"
	"testing"
	"time"
)

// cost is what something took. On a machine that does other things as well, the
// clock says more of those; processor time is the process's own, with all of
// its threads and its garbage collector.
type cost struct{ Processor, Clock time.Duration }

// moment is the processor time that this process has had, and the time of day.
type moment struct {
	spent time.Duration
	clock time.Time
}

func now(t *testing.T) moment { return moment{spent(t), time.Now()} }

func (m moment) since(begin moment) cost {
	return cost{m.spent - begin.spent, m.clock.Sub(begin.clock)}
}

func (c cost) plus(o cost) cost { return cost{c.Processor + o.Processor, c.Clock + o.Clock} }

func (c cost) times(n int) cost {
	return cost{c.Processor * time.Duration(n), c.Clock * time.Duration(n)}
}

// spent is the time that this process has had of the processors: unlike the
// clock's, it does not depend on what else the machine does.
func spent(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// holdCollector is what the programs do when they start: see HoldCollector in
// cmd/internal/process.
func holdCollector() {
	usual := debug.SetGCPercent(-1)
	debug.SetMemoryLimit(256 << 20)
	runtime.AddCleanup(new([1 << 10]byte), func(percent int) {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(math.MaxInt64)
	}, usual)
}
