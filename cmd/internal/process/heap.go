package process

import (
	"math"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

// firstCollection is how much memory a program takes before it collects garbage
// for the first time: what reading a monorepo of 1,000 apps takes in all.
const firstCollection = 256 << 20

// HoldCollector puts the first garbage collection off until the process has
// taken firstCollection; from then on the runtime decides, as it does in any
// program. Reading a monorepo makes much that is kept, and the small heap of a
// process that has just started would be collected again and again meanwhile.
// A person who has set GOGC or GOMEMLIMIT is obeyed instead. It is for main
// alone: it changes the whole process.
func HoldCollector(environ []string) {
	if slices.ContainsFunc(environ, func(v string) bool { return strings.HasPrefix(v, "GOGC=") || strings.HasPrefix(v, "GOMEMLIMIT=") }) {
		return
	}
	usual := debug.SetGCPercent(-1)
	debug.SetMemoryLimit(firstCollection)
	// What nothing refers to is cleaned up after the first collection.
	runtime.AddCleanup(new([1 << 10]byte), func(percent int) {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(math.MaxInt64)
	}, usual)
}
