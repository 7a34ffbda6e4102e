package overlay

import (
	"path"

	"github.com/sluice-gitops/sluice/internal/core"
)

// lookup finds entries of one tree by path and remembers the directories it
// has listed: the overlays of a cluster share most of their parents.
type lookup struct {
	Tree
	listed map[string]map[string]Entry
}

func newLookup(t Tree) *lookup { return &lookup{Tree: t, listed: map[string]map[string]Entry{}} }

// entry returns what stands at a path. A path that does not exist is no error.
func (l *lookup) entry(p string) (Entry, bool, error) {
	dir, name := path.Split(p)
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
