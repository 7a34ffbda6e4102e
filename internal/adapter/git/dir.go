package git

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
)

// dir is a decoded tree object, in Git's order.
type dir struct {
	entries []object.TreeEntry
	listed  []overlay.Entry // the same for the rest of Sluice
}

// dirCost is how many bytes a decoded tree takes for each byte of the object.
const dirCost = 5

// hashSize is the length of a name within a tree object.
const hashSize = len(plumbing.Hash{})

// decodeDir reads a tree object. go-git can do so as well, at ten allocations an
// entry; a monorepo has directories of 10,000 entries, and one is read anew for
// every commit that touches anything below it.
func decodeDir(raw []byte) (*dir, error) {
	text := string(raw)
	d := &dir{entries: make([]object.TreeEntry, 0, len(raw)/(hashSize+16)+1)}
	for len(text) > 0 {
		space, zero := strings.IndexByte(text, ' '), strings.IndexByte(text, 0)
		if space < 0 || zero < space || len(text) < zero+1+hashSize {
			return nil, errors.New("the tree object ends in the middle of an entry")
		}
		mode, err := strconv.ParseUint(text[:space], 8, 32)
		if err != nil {
			return nil, errors.New("the tree object has an entry whose mode is no number")
		}
		e := object.TreeEntry{Name: text[space+1 : zero], Mode: filemode.FileMode(mode)}
		copy(e.Hash[:], text[zero+1:])
		d.entries = append(d.entries, e)
		text = text[zero+1+hashSize:]
	}
	if !slices.IsSortedFunc(d.entries, inOrder) { // some old tool wrote it
		sort.Stable(object.TreeEntrySorter(d.entries))
	}
	d.list()
	return d, nil
}

// list fills listed. All names of objects are parts of one text.
func (d *dir) list() {
	var all bytes.Buffer
	all.Grow(len(d.entries) * 2 * hashSize)
	for _, e := range d.entries {
		all.Write(hex.AppendEncode(all.AvailableBuffer(), e.Hash[:]))
	}
	names := all.String()
	d.listed = make([]overlay.Entry, len(d.entries))
	for i, e := range d.entries {
		sha := core.SHA(names[i*2*hashSize : (i+1)*2*hashSize])
		d.listed[i] = overlay.Entry{Name: e.Name, Type: typeOf(e.Mode), SHA: sha}
	}
}

// find returns the position of a name.
func (d *dir) find(name string) (int, bool) {
	for _, mode := range []filemode.FileMode{filemode.Regular, filemode.Dir} {
		if i, ok := slices.BinarySearchFunc(d.entries, object.TreeEntry{Name: name, Mode: mode}, inOrder); ok {
			return i, true
		}
	}
	return 0, false
}

// inOrder compares entries as Git orders them: a directory's name counts as if
// it ended in a slash.
func inOrder(a, b object.TreeEntry) int {
	n := min(len(a.Name), len(b.Name))
	if order := strings.Compare(a.Name[:n], b.Name[:n]); order != 0 {
		return order
	}
	return int(after(a, n)) - int(after(b, n))
}

// after is what follows the first n bytes of an entry's name.
func after(e object.TreeEntry, n int) byte {
	switch {
	case n < len(e.Name):
		return e.Name[n]
	case e.Mode == filemode.Dir:
		return '/'
	default:
		return 0
	}
}

// warm decodes the directories in which a new head differs from the old one, so
// that whoever asks for the head next does not wait for it. What cannot be read
// is left to whoever needs it.
func (s *store) warm(old, now plumbing.Hash) {
	if old.IsZero() || old == now {
		return
	}
	was, err := s.commit(old)
	if err != nil {
		return
	}
	if is, err := s.commit(now); err == nil {
		room := maxWarm
		s.warmTree(was.TreeHash, is.TreeHash, &room)
	}
}

func (s *store) warmTree(old, now plumbing.Hash, room *int) {
	if old == now || *room == 0 {
		return
	}
	*room--
	was := &dir{}
	if !old.IsZero() {
		was, _ = s.dir(old)
	}
	is, err := s.dir(now)
	if err != nil || was == nil {
		return
	}
	for _, e := range is.entries {
		if e.Mode != filemode.Dir {
			continue
		}
		var before object.TreeEntry
		if i, ok := was.find(e.Name); ok && was.entries[i].Mode == filemode.Dir {
			before = was.entries[i]
		}
		s.warmTree(before.Hash, e.Hash, room)
	}
}
