package overlay

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
)

// lookup finds entries of one tree by path and remembers the directories it
// has listed: the overlays of a cluster share most of their parents.
type lookup struct {
	Tree
	listed map[string]map[string]Entry
	flat   map[string]fileList
}

// fileList is the manifests that stand directly in a directory.
type fileList struct {
	files []Entry
	sha   core.SHA // changes with any of them, and with nothing else; "" if there are none
}

func newLookup(t Tree) *lookup {
	return &lookup{Tree: t, listed: map[string]map[string]Entry{}, flat: map[string]fileList{}}
}

// entry returns what stands at a path. A path that does not exist is no error.
// A path that ends in a slash means the manifests directly in a directory.
func (l *lookup) entry(p string) (Entry, bool, error) {
	dir, name := path.Split(p)
	if name == "" {
		list, err := l.manifests(strings.TrimSuffix(dir, "/"))
		return Entry{SHA: list.sha}, list.sha != "", err
	}
	names, err := l.names(path.Clean("/" + dir)[1:])
	if missing(err) {
		return Entry{}, false, nil
	}
	e, ok := names[name]
	return e, ok, err
}

// directory lists a directory and tells the name of its tree object.
func (l *lookup) directory(p string) (core.SHA, []Entry, error) {
	entries, err := l.List(p)
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
	entries, err := l.List(dir)
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

func (l *lookup) names(dir string) (map[string]Entry, error) {
	if names, ok := l.listed[dir]; ok {
		return names, nil
	}
	entries, err := l.List(dir)
	if err != nil {
		return nil, err
	}
	names := make(map[string]Entry, len(entries))
	for _, e := range entries {
		names[e.Name] = e
	}
	l.listed[dir] = names
	return names, nil
}
