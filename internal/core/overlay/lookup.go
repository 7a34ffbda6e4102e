package overlay

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
)

// lookup finds entries of one tree by path and remembers the directories it
// has listed: the overlays of a cluster share most of their parents.
type lookup struct {
	Tree
	listed map[string][]Entry
	flat   map[string]fileList
}

// fileList is the manifests that stand directly in a directory.
type fileList struct {
	files []Entry
	sha   core.SHA // changes with any of them, and with nothing else; "" if there are none
}

func newLookup(t Tree) *lookup {
	return &lookup{Tree: t, listed: map[string][]Entry{}, flat: map[string]fileList{}}
}

// entry returns what stands at a path. A path that does not exist is no error.
// A path that ends in a slash means the manifests directly in a directory.
func (l *lookup) entry(p string) (Entry, bool, error) {
	dir, name := path.Split(p)
	if name == "" {
		list, err := l.manifests(strings.TrimSuffix(dir, "/"))
		return Entry{SHA: list.sha}, list.sha != "", err
	}
	entries, err := l.list(path.Clean("/" + dir)[1:])
	if missing(err) {
		return Entry{}, false, nil
	}
	e, ok := named(entries, name)
	return e, ok, err
}

// named returns the entry of a name from a list in Git's order, in which a
// directory's name counts as if it ended in a slash.
func named(entries []Entry, name string) (Entry, bool) {
	for _, key := range []string{name, name + "/"} {
		i, ok := slices.BinarySearchFunc(entries, key, func(e Entry, key string) int { return -compareNames(key, e) })
		if ok {
			return entries[i], true
		}
	}
	return Entry{}, false
}

// compareNames orders a name, which for a directory ends in a slash, against
// an entry.
func compareNames(key string, e Entry) int {
	n := len(e.Name)
	if e.Type != Directory || len(key) < n {
		return strings.Compare(key, e.Name)
	}
	return cmp.Or(strings.Compare(key[:n], e.Name), strings.Compare(key[n:], "/"))
}

// directory lists a directory and tells the name of its tree object.
func (l *lookup) directory(p string) (core.SHA, []Entry, error) {
	entries, err := l.list(p)
	if err != nil {
		return "", nil, err
	}
	e, _, err := l.entry(p)
	return e.SHA, entries, err
}

// manifests lists the YAML files directly in a directory, without kustomizations
// and what "flux bootstrap" writes. One that does not exist has none.
func (l *lookup) manifests(dir string) (fileList, error) {
	if list, ok := l.flat[dir]; ok {
		return list, nil
	}
	entries, err := l.list(dir)
	if err != nil && !missing(err) {
		return fileList{}, err
	}
	var list fileList
	h := sha256.New()
	for _, e := range entries {
		if e.Type == Regular && isYAML(e.Name) && !isKustomizationFile(e.Name) && !strings.HasPrefix(e.Name, "gotk-") {
			list.files = append(list.files, e)
			fmt.Fprintf(h, "%q %s\n", e.Name, e.SHA)
		}
	}
	if len(list.files) > 0 {
		list.sha = core.SHA(hex.EncodeToString(h.Sum(nil)))
	}
	l.flat[dir] = list
	return list, nil
}

func (l *lookup) list(dir string) ([]Entry, error) {
	if entries, ok := l.listed[dir]; ok {
		return entries, nil
	}
	entries, err := l.List(dir)
	if err == nil {
		l.listed[dir] = entries
	}
	return entries, err
}
