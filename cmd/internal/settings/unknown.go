package settings

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// unknown reports variables with our prefix that no setting has: most often a
// misspelling, whose silent loss would leave a default in force.
func unknown(t Table, env map[string]string) []error {
	known := map[string]bool{}
	for _, s := range slices.Concat(t.Settings, t.Beside) {
		known[s.Env()] = true
		known[s.EnvFile()] = true
	}
	delete(known, "")
	services := linkedServices(env)
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if known[name] || slices.ContainsFunc(services, func(p string) bool { return isServiceLink(name, p) }) {
			continue
		}
		problems = append(problems, fmt.Errorf("%s is no setting of %s%s", name, t.Program, suggestion(name, known)))
	}
	return problems
}

// suggestion names the nearest variable. Of several that are equally near the
// alphabet decides, so that the message is the same each time.
func suggestion(name string, known map[string]bool) string {
	best, distance := "", maxTypos+1
	for _, candidate := range slices.Sorted(maps.Keys(known)) {
		if d := edits(name, candidate); d < distance {
			best, distance = candidate, d
		}
	}
	if best == "" {
		return ": remove it or see the list of settings"
	}
	return ": did you mean " + best + "?"
}

// edits is the Levenshtein distance of two ASCII texts.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

// linkedServices finds the services, called sluice or sluice-something, for
// which Kubernetes has put its variables into the container. It always sets
// the host and the port together, so that one of them alone is not its doing.
func linkedServices(env map[string]string) []string {
	var prefixes []string
	for name := range env {
		prefix, ok := strings.CutSuffix(name, "_SERVICE_HOST")
		if ok && env[prefix+"_SERVICE_PORT"] != "" {
			prefixes = append(prefixes, prefix)
		}
	}
	return prefixes
}

// isServiceLink says whether Kubernetes sets the variable for the service. The
// names after _SERVICE_PORT_ are those of the service's ports, which we cannot
// know.
func isServiceLink(name, service string) bool {
	rest, ok := strings.CutPrefix(name, service)
	if !ok {
		return false
	}
	switch rest {
	case "_SERVICE_HOST", "_SERVICE_PORT", "_PORT":
		return true
	}
	return strings.HasPrefix(rest, "_SERVICE_PORT_") || isPortLink(rest)
}

// isPortLink accepts _PORT_8080_TCP and what Kubernetes appends to that.
func isPortLink(rest string) bool {
	parts := strings.Split(rest, "_")
	if len(parts) < 4 || len(parts) > 5 || parts[0] != "" || parts[1] != "PORT" {
		return false
	}
	number := parts[2] != "" && strings.Trim(parts[2], "0123456789") == ""
	protocol := slices.Contains([]string{"TCP", "UDP", "SCTP"}, parts[3])
	detail := len(parts) == 4 || slices.Contains([]string{"PROTO", "PORT", "ADDR"}, parts[4])
	return number && protocol && detail
}
