package archtest

import "slices"

// Layer says what the packages of one part of the module may import. The
// packages of one unit may always import each other; what a unit is follows
// from the pattern: "services/*/..." is one per directory below services.
type Layer struct {
	Packages string   // a pattern
	May      []string // patterns of this module's packages
	Std      []string // of the standard library; nil means all of it
	Modules  []string // prefixes of other modules' packages; nil means any
	Why      string
}

// ImportBan forbids imports that the layers alone would allow.
type ImportBan struct {
	In     []string // patterns
	Except []string // patterns
	Banned []string // import paths; what lies below them is banned as well
	Why    string
}

// UseBan forbids the use of single names of the standard library.
type UseBan struct {
	In     []string // patterns
	Except []string // patterns
	Names  []string // such as "time.Now", or "net/http.ListenAndServe"
	Why    string
}

// Closure forbids packages among everything that the roots link, directly or not.
type Closure struct {
	Roots  []string // patterns
	Banned []string // import paths; what lies below them is banned as well
	Why    string
}

// Rules are everything that [Check] needs to know about a module.
type Rules struct {
	Layers   []Layer // the first that fits a package counts
	Imports  []ImportBan
	Uses     []UseBan
	Closures []Closure
	// Pending are patterns that the rules name although no such package exists
	// yet. Each is struck out when its first package arrives.
	Pending []string
	// Ignored are patterns of packages that are no part of the product.
	Ignored []string
}

// Sluice returns the rules of this module.
//
// A pattern is a package's path below the module's; "*" stands for one
// segment, and "/..." at its end for the package itself and all below it. The
// module's root is ".".
func Sluice() Rules {
	return Rules{
		Layers:   layers(),
		Imports:  importBans(),
		Uses:     useBans(),
		Closures: closures(),
		Pending:  []string{"internal/sim/..."},
		Ignored:  nil,
	}
}

// pureStd is what of the standard library computes and does nothing else.
func pureStd(more ...string) []string {
	return slices.Concat(more, []string{
		"bufio", "bytes", "cmp", "container/heap", "container/list", "crypto/hmac", "crypto/sha1", "crypto/sha256",
		"crypto/sha512", "crypto/subtle", "embed", "encoding", "encoding/base32", "encoding/base64", "encoding/binary",
		"encoding/hex", "encoding/json", "errors", "fmt", "hash", "hash/crc32", "hash/fnv", "html", "io", "iter", "maps",
		"math", "math/big", "math/bits", "net/url", "path", "regexp", "regexp/syntax", "slices", "sort", "strconv",
		"strings", "text/tabwriter", "text/template", "time", "time/tzdata", "unicode", "unicode/utf16", "unicode/utf8",
	})
}

func layers() []Layer {
	none := []string{}
	product := []string{"internal/adapter/...", "internal/core/...", "pkg/events"}
	programs := slices.Concat(product, []string{"cmd/internal/...", "services/..."})
	stage := []string{".", "internal/fakegitlab/...", "internal/fakeflux/...", "internal/seed/...", "internal/sim/..."}
	return []Layer{{
		Packages: ".", May: none, Std: []string{"embed", "io/fs"}, Modules: none,
		Why: "the module's root carries the reference monorepo as files and no code",
	}, {
		Packages: "internal/core", May: none, Std: pureStd("context", "log/slog"), Modules: none,
		Why: "the nouns stand below everything else; context and slog are there for the kinds of error and for Secret alone",
	}, {
		Packages: "internal/core/expression", May: []string{"internal/core/..."}, Std: pureStd("reflect"),
		Modules: []string{"github.com/google/cel-go"},
		Why:     "one package knows what an expression may name and what it may cost, and all others ask it; reflect stands in CEL's interfaces",
	}, {
		Packages: "internal/core/schema", May: []string{"internal/core/..."}, Std: pureStd("archive/zip"),
		Modules: []string{"go.yaml.in/yaml/v3"},
		Why:     "its bundle is an archive in the program itself, from which it reads what it is asked for",
	}, {
		Packages: "internal/core/...", May: []string{"internal/core/..."}, Std: pureStd(),
		Modules: []string{"go.yaml.in/yaml/v3", "github.com/Masterminds/semver/v3"},
		Why:     "core takes values and returns values, so that tables and golden files can test all of it: no I/O, no clock, no environment, no randomness, no logging, no locks",
	}, {
		Packages: "pkg/events", May: []string{"internal/core"}, Modules: none,
		Why: "the wire contract is shared by both services and must bring nothing with it",
	}, {
		Packages: "internal/adapter/*/...", May: []string{"internal/core/...", "pkg/events"},
		Why: "an adapter knows one technology; the services bring adapters together",
	}, {
		Packages: "services/*/...", May: product,
		Why: "the services share pkg/events and nothing else, so that each can be run, scaled and replaced alone",
	}, {
		Packages: "internal/fakegitlab/...", May: []string{"internal/core/..."},
		Why: "a stand-in that shares code with the adapter it tests would hide that adapter's mistakes",
	}, {
		Packages: "internal/fakeflux/...", May: []string{"internal/core/..."},
		Why: "a stand-in that shares code with the adapter it tests would hide that adapter's mistakes",
	}, {
		Packages: "internal/seed/...", May: []string{".", "internal/core/..."}, Modules: []string{"go.yaml.in/yaml/v3"},
		Why: "test data comes from files and values, not from the parts that it tests",
	}, {
		Packages: "internal/sim/...", May: slices.Concat(product, stage, []string{"services/..."}),
		Why: "the simulated world runs the services without a program around them",
	}, {
		Packages: "internal/bench", May: none, Std: none, Modules: none,
		Why: "what is measured, and what it is measured against, is linked by tests only",
	}, {
		Packages: "internal/archtest", May: none, Modules: none,
		Why: "the checker depends on nothing that it checks",
	}, {
		Packages: "cmd/internal/...", May: slices.Concat(product, []string{"services/..."}),
		Why: "what the programs share must not bring the demo into all of them",
	}, {
		Packages: "cmd/sluice/...", May: slices.Concat(programs, stage),
		Why: "the tool for people holds the demo, so it alone may link the stand-ins",
	}, {
		Packages: "cmd/receiver", May: programs,
		Why: "a main is thin, and stand-ins have no place in a program that serves",
	}, {
		Packages: "cmd/promoter", May: programs,
		Why: "a main is thin, and stand-ins have no place in a program that serves",
	}}
}

func importBans() []ImportBan {
	return []ImportBan{{
		In:     []string{"internal/core/...", "services/...", "pkg/events"},
		Banned: []string{"github.com/go-git", "gitlab.com/gitlab-org", "github.com/nats-io", "k8s.io", "sigs.k8s.io"},
		Why:    "the types of an SDK stop at the adapter's edge, so that its next major version touches one package",
	}, {
		In:     []string{"..."},
		Except: []string{"internal/adapter/render"},
		Banned: []string{"sigs.k8s.io"},
		Why:    "kustomize can ask the network, start programs and read any file: the one package that calls it is the one that keeps it from that",
	}, {
		In:     []string{"..."},
		Except: []string{"cmd/..."},
		Banned: []string{"github.com/spf13"},
		Why:    "flags are a matter of the programs; everybody else is handed a value",
	}, {
		In:     []string{"..."},
		Banned: []string{"testing", "github.com/google/go-cmp", "golang.org/x/tools/txtar", "github.com/rogpeppe/go-internal/testscript"},
		Why:    "what tests need is linked by tests, and by packages whose name ends in \"test\", only",
	}, {
		In:     []string{"..."},
		Banned: []string{"github.com/stretchr/testify", "github.com/onsi", "gotest.tools"},
		Why:    "tests are plain Go: an assertion library is a second language to read them in",
	}}
}

func useBans() []UseBan {
	return []UseBan{{
		In: []string{"internal/core/..."},
		Names: []string{
			"time.Now", "time.Since", "time.Until", "time.Sleep", "time.After", "time.AfterFunc",
			"time.Tick", "time.NewTimer", "time.NewTicker", "time.Local",
		},
		Why: "in core the time is an argument: the same state must give the same plan in a test, in explain and in a year",
	}, {
		In:     []string{"..."},
		Except: []string{"internal/core/policy"},
		Names:  []string{"time.LoadLocation"},
		Why:    "a time zone is read with the policy that names it, once, and is a value from then on; the policy's package links the zones",
	}, {
		In:     []string{"..."},
		Except: []string{"cmd/..."},
		Names: []string{
			"os.Getenv", "os.LookupEnv", "os.Environ", "os.ExpandEnv", "os.Setenv", "os.Unsetenv", "os.Clearenv", "syscall.Getenv",
		},
		Why: "the environment is read in cmd only, so that one place tells what configures a program",
	}, {
		In:     []string{"..."},
		Except: []string{"cmd/..."},
		Names:  []string{"os.Exit", "log.Fatal", "log.Fatalf", "log.Fatalln", "log.Panic", "log.Panicf", "log.Panicln"},
		Why:    "only a program may end itself; everybody else returns an error",
	}, {
		In:     []string{"..."},
		Except: []string{"cmd/..."},
		Names:  []string{"fmt.Print", "fmt.Printf", "fmt.Println", "os.Stdout", "os.Stderr", "os.Stdin"},
		Why:    "standard output belongs to the programs, which hand a writer on",
	}}
}

func closures() []Closure {
	return []Closure{{
		Roots:  []string{"services/receiver/...", "cmd/receiver"},
		Banned: []string{"k8s.io", "sigs.k8s.io", "github.com/fluxcd", "github.com/nats-io/nats-server"},
		Why:    "the receiver faces the outside and must stay small: no Kubernetes, no Flux modules, no NATS server",
	}}
}
