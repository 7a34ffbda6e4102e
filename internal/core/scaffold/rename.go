package scaffold

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// naming says how what names one cluster comes to name another.
type naming struct {
	oldCluster, newCluster string
	oldEnv, newEnv         string
	roots                  map[string]string // directories and files of the old cluster, and those of the new
	others                 []string          // clusters that are neither
	// shy is set if the old cluster is called like an environment: then its name
	// alone says nothing, and is changed only where it must mean the cluster.
	shy bool
}

// isText tells whether a file can be looked through.
func isText(content []byte) bool {
	return utf8.Valid(content) && !bytes.ContainsRune(content, 0)
}

// encrypted tells whether a file's secrets are written for somebody: SOPS signs
// the whole file, so that nothing in it may be changed.
func encrypted(content []byte) bool {
	return regexp.MustCompile(`(?m)^sops:\s*$`).Match(content)
}

// text rewrites paths and names in one pass, so that nothing is rewritten twice.
func (n naming) text(old string) string {
	var out strings.Builder
	var roots []string
	for root := range n.roots {
		roots = append(roots, root)
	}
	slices.SortFunc(roots, func(a, b string) int { return len(b) - len(a) }) // the longest path counts
	for i := 0; i < len(old); {
		from, to := n.at(old, i, roots)
		if from == "" {
			out.WriteByte(old[i])
			i++
			continue
		}
		out.WriteString(to)
		i += len(from)
	}
	return out.String()
}

// at is what is rewritten at one place of a text; from is "" if nothing is.
func (n naming) at(text string, i int, roots []string) (from, to string) {
	for _, root := range roots {
		if isWhole(text, i, root) && !n.taken(text, i+strings.LastIndex(root, n.oldCluster)) {
			return root, n.roots[root]
		}
	}
	if n.means(text, i) {
		return n.oldCluster, n.newCluster
	}
	return "", ""
}

// means tells whether the old cluster's name stands at a place and means it.
func (n naming) means(text string, i int) bool {
	if !isWord(text, i, n.oldCluster) || n.taken(text, i) {
		return false
	}
	return !n.shy || strings.HasSuffix(text[:i], "/hooks/flux/")
}

// taken tells whether a longer name, that of another cluster, stands around a place.
func (n naming) taken(text string, i int) bool {
	for _, other := range n.others {
		for from := 0; ; {
			k := strings.Index(other[from:], n.oldCluster)
			if k < 0 {
				break
			}
			if start := i - from - k; start >= 0 && strings.HasPrefix(text[start:], other) && len(other) > len(n.oldCluster) {
				return true
			}
			from += k + 1
		}
	}
	return false
}

// isWord tells whether a word stands at a place with no letter or digit before
// and behind it: a name's parts are joined by what is neither.
func isWord(text string, i int, word string) bool {
	if word == "" || i < 0 || !strings.HasPrefix(text[i:], word) {
		return false
	}
	end := i + len(word)
	return (i == 0 || !isAlnum(text[i-1])) && (end == len(text) || !isAlnum(text[end]))
}

// isWhole tells whether a path stands at a place, and not a part of a longer name.
func isWhole(text string, i int, root string) bool {
	end := i + len(root)
	return isWord(text, i, root) && (i == 0 || !strings.ContainsRune("-_", rune(text[i-1]))) && (end == len(text) || !strings.ContainsRune("-_", rune(text[end])))
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// scalar is one scalar of a YAML text with the way to it.
type scalar struct {
	doc  int
	path yamledit.Path
	node yamledit.Node
}

// key is the nearest key above, in small letters.
func (s scalar) key() string {
	for i := len(s.path) - 1; i >= 0; i-- {
		if !s.path[i].IsIndex {
			return strings.ToLower(s.path[i].Key)
		}
	}
	return ""
}

// word is the last word of the key: that of app.kubernetes.io/environment is environment.
func (s scalar) word() string {
	key := s.key()
	return key[strings.LastIndexAny(key, "./_-")+1:]
}

func (s scalar) below(key string) bool {
	return slices.ContainsFunc(s.path, func(step yamledit.Step) bool { return step.Key == key })
}

// scalars are all scalars of a text, in order; none if it is no YAML.
func scalars(content []byte) []scalar {
	f, err := yamledit.Parse(content)
	if err != nil {
		return nil
	}
	var out []scalar
	for i := range f.Len() {
		root, _ := f.Doc(i)
		out = walk(out, scalar{i, nil, root}, 0)
	}
	return out
}

// maxDepth bounds how deep manifests are looked into.
const maxDepth = 100

func walk(out []scalar, at scalar, depth int) []scalar {
	if depth > maxDepth {
		return out
	}
	step := func(s yamledit.Step, n yamledit.Node) {
		out = walk(out, scalar{at.doc, append(slices.Clone(at.path), s), n}, depth+1)
	}
	switch at.node.Kind() {
	case yamledit.Scalar:
		return append(out, at)
	case yamledit.Mapping:
		for p := range at.node.Pairs() {
			step(yamledit.Key(p.Key), p.Value)
		}
	case yamledit.Sequence:
		for i, item := range at.node.Items() {
			step(yamledit.Index(i), item)
		}
	}
	return out
}

// relabelled rewrites what tells the environment and, where its name alone says
// nothing, the cluster. Where that cannot be done without touching more, it
// stays, and is found by those who look through the result.
func (n naming) relabelled(content []byte) []byte {
	f, err := yamledit.Parse(content)
	if err != nil {
		return content
	}
	for _, s := range scalars(content) {
		fresh, ok := n.label(s)
		if !ok {
			continue
		}
		out, err := f.Set(yamledit.Edit{Doc: s.doc, Path: s.path, Old: s.node.Text(), New: fresh})
		if err != nil {
			continue
		}
		if again, err := yamledit.Parse(out); err == nil {
			content, f = out, again
		}
	}
	return content
}

func (n naming) label(s scalar) (fresh string, ok bool) {
	text := s.node.Text()
	switch word := s.word(); {
	case n.oldEnv != n.newEnv && text == n.oldEnv && (slices.Contains(envWords(), word) || s.below("eventMetadata") && word != "cluster"):
		return n.newEnv, true
	case n.shy && text == n.oldCluster && word == "cluster":
		return n.newCluster, true
	}
	return "", false
}

// envWords are the last words of keys that tell an environment.
func envWords() []string { return []string{"env", "environment", "stage"} }
