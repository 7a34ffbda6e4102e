package scaffold

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// look lists what of a file that was made from another cluster's nobody but a
// person can know.
func (n naming) look(d *Draft, file string, content []byte) {
	switch {
	case strings.HasPrefix(path.Base(file), "gotk-"):
		return // flux bootstrap writes these
	case !isText(content):
		d.note(file, 0, "is no text, and was copied as it is")
		return
	case encrypted(content):
		d.note(file, 0, "is encrypted, and was copied as it is, with the other cluster's secrets and names: encrypt this cluster's own")
		return
	}
	all := scalars(content)
	if base := path.Base(file); all == nil || !isKustomization(base) && path.Ext(base) != ".yaml" && path.Ext(base) != ".yml" {
		n.lookAtLines(d, file, string(content))
		return
	}
	sealed := map[int]bool{}
	for _, s := range all {
		if s.below("encryptedData") {
			if !sealed[s.doc] {
				d.note(file, s.node.Line(), "is sealed for %s, and no other cluster can open it: seal this cluster's own", n.oldCluster)
			}
			sealed[s.doc] = true
			continue
		}
		if why := n.doubt(s); why != "" {
			d.note(file, s.node.Line(), "%s", why)
		}
	}
}

// lookAtLines is for files that are no YAML.
func (n naming) lookAtLines(d *Draft, file, text string) {
	for i, line := range strings.Split(text, "\n") {
		if n.tellsEnv(line) {
			d.note(file, i+1, "names %s: %s", n.oldEnv, shown(line))
		}
	}
}

// doubt says why a person should look at a scalar, or "".
func (n naming) doubt(s scalar) string {
	text := s.node.Text()
	what := kindOf(s, text)
	switch {
	case what != "" && strings.Contains(text, n.newCluster):
		return fmt.Sprintf("%s %s: was rewritten; see that there is one of that name", what, shown(text))
	case what != "":
		return fmt.Sprintf("%s %s: that of %s; write this cluster's own", what, shown(text), n.oldCluster)
	case n.tellsEnv(text) && s.word() != "kind":
		return fmt.Sprintf("%s names %s: %s", s.key(), n.oldEnv, shown(text))
	case !slices.Contains(envWords(), s.word()) && n.otherSpelling(text):
		return fmt.Sprintf("still names %s: %s", n.oldCluster, shown(text))
	}
	return ""
}

// tellsEnv tells whether a text has the name of the environment that was left.
func (n naming) tellsEnv(text string) bool {
	if n.oldEnv == n.newEnv {
		return false
	}
	text = strings.ReplaceAll(text, n.newCluster, "") // its owner chose it
	for i := range text {
		if isWord(strings.ToLower(text), i, strings.ToLower(n.oldEnv)) {
			return true
		}
	}
	return false
}

// otherSpelling finds the old name in other letters, as it stands in names that
// may hold no hyphens or no small letters, and where it was left for doubt.
func (n naming) otherSpelling(text string) bool {
	plain := func(s string) string {
		return regexp.MustCompile(`[^a-z0-9]`).ReplaceAllString(strings.ToLower(s), "")
	}
	for _, other := range append(n.others, n.newCluster) {
		text = strings.ReplaceAll(text, other, " ")
	}
	name := plain(n.oldCluster)
	if len(name) < 4 || n.shy {
		return strings.Contains(text, n.oldCluster) && n.shy && slices.ContainsFunc(indexes(text), func(i int) bool { return isWord(text, i, n.oldCluster) })
	}
	return strings.Contains(plain(text), name)
}

func indexes(text string) []int {
	out := make([]int, len(text))
	for i := range out {
		out[i] = i
	}
	return out
}

// kindOf says what a scalar is that belongs to one cluster's surroundings, or "".
func kindOf(s scalar, text string) string {
	key, word := s.key(), s.word()
	versions := word == "version" || strings.HasSuffix(word, "tag")
	switch {
	case text == "" || versions:
		return ""
	case strings.Contains(key, "vault") && !strings.HasPrefix(text, "/") || strings.Contains(text, ".vault.azure.net"):
		return "key vault"
	case regexp.MustCompile(`(?i)\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b`).MatchString(text):
		return "identity"
	case slices.Contains([]string{"subscriptionid", "tenantid", "clientid", "resourcegroup", "noderesourcegroup", "storageaccount"}, word):
		return "resource"
	case isAddress(text):
		return "address"
	case isHostKey(s) && regexp.MustCompile(`^[^\s/]+\.[^\s/]+$`).MatchString(text) && !regexp.MustCompile(`\.svc(\.|$)`).MatchString(text):
		return "host name"
	}
	return ""
}

func isHostKey(s scalar) bool {
	return slices.Contains([]string{"host", "hosts", "hostname", "hostnames", "dnsnames", "commonname", "domain", "domains", "domainfilters"}, s.word())
}

// isAddress finds IP addresses and networks that are not the same everywhere.
func isAddress(text string) bool {
	const number = `(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])`
	for _, word := range regexp.MustCompile(`[0-9]+(\.[0-9]+)+`).FindAllString(text, -1) {
		if regexp.MustCompile(`^`+number+`(\.`+number+`){3}$`).MatchString(word) && !slices.Contains([]string{"127.0.0.1", "0.0.0.0", "255.255.255.255"}, word) {
			return true
		}
	}
	return false
}

// shown is a text on one line, not too long for a terminal.
func shown(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > 80 {
		text = string(r[:80]) + "…"
	}
	return fmt.Sprintf("%q", text)
}

// swapped rewrites the paths that lead into the directories of the environment
// that was left, as far as the other one has the same.
func (n naming) swapped(d *Draft, file string, content []byte) []byte {
	if n.oldEnv == n.newEnv {
		return content
	}
	f, err := yamledit.Parse(content)
	if err != nil {
		return content
	}
	var edits []yamledit.Edit
	for _, s := range scalars(content) {
		from, ok := pathOf(f, file, s)
		if !ok {
			continue
		}
		parts := strings.Split(s.node.Text(), "/")
		for i, part := range parts {
			if name, ext, _ := strings.Cut(part, "."); name == n.oldEnv && (ext == "" || ext == "yaml" || ext == "yml") {
				parts[i] = n.newEnv + strings.TrimPrefix(part, name)
			}
		}
		if fresh := strings.Join(parts, "/"); fresh != s.node.Text() && d.exists(path.Join(from, fresh)) {
			edits = append(edits, yamledit.Edit{Doc: s.doc, Path: s.path, Old: s.node.Text(), New: fresh})
		}
	}
	if out, err := f.Set(edits...); err == nil {
		return out
	}
	return content
}

// pathOf tells whether a scalar is a path, and from which directory it leads.
func pathOf(f *yamledit.File, file string, s scalar) (from string, ok bool) {
	root, _ := f.Doc(s.doc)
	if isFlux(root) {
		return "", s.path.String() == "spec.path"
	}
	return path.Dir(file), isKustomization(path.Base(file)) && (s.below("resources") || s.below("components") || s.below("bases") || s.key() == "path" || s.below("files"))
}

// isFlux tells Kustomizations of Flux from those of kustomize.
func isFlux(root yamledit.Node) bool {
	api, _ := root.Get("apiVersion")
	kind, _ := root.Get("kind")
	return kind.Text() == "Kustomization" && strings.HasPrefix(api.Text(), "kustomize.toolkit.fluxcd.io/")
}

// exists tells whether there is a file or a directory of that name.
func (d *Draft) exists(name string) bool {
	if _, ok := d.Read(name); ok {
		return true
	}
	for _, files := range []Files{d.now, d.old} {
		for file := range files {
			if strings.HasPrefix(file, name+"/") {
				return true
			}
		}
	}
	return false
}
