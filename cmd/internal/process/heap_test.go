package process

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// TestHoldCollector has the collector back after its first run.
func TestHoldCollector(t *testing.T) {
	percent, limit := debug.SetGCPercent(100), debug.SetMemoryLimit(-1)
	defer func() { debug.SetGCPercent(percent); debug.SetMemoryLimit(limit) }()

	HoldCollector([]string{"GOGC=50"})
	if got := debug.SetGCPercent(100); got != 100 {
		t.Errorf("a person's own setting is replaced: GOGC is %d", got)
	}
	HoldCollector(nil)
	if got := debug.SetMemoryLimit(-1); got != firstCollection {
		t.Errorf("the first collection is due at %d bytes, want %d", got, firstCollection)
	}
	for debug.SetMemoryLimit(-1) == firstCollection {
		runtime.GC() // the cleanup follows it in a goroutine of the runtime's own
	}
	if got := debug.SetGCPercent(100); got != 100 {
		t.Errorf("GOGC is %d after the first collection, want 100", got)
	}
}
