package scaffold

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay/memtree"
)

// Files are the contents of a monorepo's files by their paths from its root.
// They are never changed once handed over.
type Files map[string][]byte

// Change is a file that is new or becomes another.
type Change struct {
	Path string
	Old  []byte // nil if there was none
	New  []byte
}

// Note is something that a person should look at.
type Note struct {
	File string
	Line int // 0 if the whole file is meant
	Text string
	// Lines is how many lines from there it speaks of, if they are more than one.
	Lines int
}

// String is the note with its place in front.
func (n Note) String() string {
	switch {
	case n.File == "":
		return n.Text
	case n.Line == 0:
		return n.File + ": " + n.Text
	}
	return fmt.Sprintf("%s:%d: %s", n.File, n.Line, n.Text)
}

// Draft is a monorepo as it would become.
type Draft struct {
	old   Files
	now   Files // what is new or another
	Notes []Note
	// Touched are the directories with a kustomization that the draft makes or
	// changes, sorted: what must build.
	Touched []string
	// Dir is the directory of the new cluster, "" if it has none of its own.
	Dir string
	// Said tells in sentences what was decided and why.
	Said      []string
	conflicts []string
}

func newDraft(old Files) *Draft { return &Draft{old: old, now: Files{}} }

// Read is the file as it would become; false if there would be none.
func (d *Draft) Read(path string) ([]byte, bool) {
	if content, ok := d.now[path]; ok {
		return content, true
	}
	content, ok := d.old[path]
	return content, ok
}

// All are all files as they would become.
func (d *Draft) All() Files {
	all := maps.Clone(d.old)
	maps.Copy(all, d.now)
	return all
}

// Tree is the monorepo as it would become.
func (d *Draft) Tree() *memtree.Tree { return memtree.New(d.All()) }

// Changes are ordered by path.
func (d *Draft) Changes() []Change {
	var out []Change
	for _, path := range slices.Sorted(maps.Keys(d.now)) {
		if old, ok := d.old[path]; !ok || !bytes.Equal(old, d.now[path]) {
			out = append(out, Change{path, old, d.now[path]})
		}
	}
	return out
}

// create makes a file, or finds it there as it would be made.
func (d *Draft) create(path string, content []byte) {
	old, ok := d.Read(path)
	switch {
	case !ok:
		d.now[path] = content
	case !bytes.Equal(old, content):
		d.conflicts = append(d.conflicts, path)
	}
}

// extend has a file become what a function that only adds makes of it.
func (d *Draft) extend(path string, made func(old []byte) ([]byte, error)) error {
	old, _ := d.Read(path)
	fresh, err := made(old)
	if err != nil {
		return core.Errorf(core.KindOf(err), "%s:%w", path, err)
	}
	if !bytes.Equal(old, fresh) {
		d.now[path] = fresh
	}
	return nil
}

func (d *Draft) note(file string, line int, format string, args ...any) {
	n := Note{File: file, Line: line, Text: fmt.Sprintf(format, args...)}
	if !slices.Contains(d.Notes, n) {
		d.Notes = append(d.Notes, n)
	}
}

func (d *Draft) say(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(d.Said, text) {
		d.Said = append(d.Said, text)
	}
}

// settle refuses to replace what is there, and finds out what is touched.
func (d *Draft) settle() error {
	if len(d.conflicts) > 0 {
		slices.Sort(d.conflicts)
		return core.Errorf(core.Conflict, "there already, and not as it would be written, so nothing is: %s; remove what may be made anew, or go on by hand",
			strings.Join(slices.Compact(d.conflicts), ", "))
	}
	for _, c := range d.Changes() {
		if dir, ok := d.builder(c.Path); ok {
			d.Touched = append(d.Touched, dir)
		}
	}
	slices.Sort(d.Touched)
	d.Touched = slices.Compact(d.Touched)
	return nil
}

// Tidy orders notes by place and leaves of those about one line the first.
func Tidy(notes []Note) []Note {
	var out []Note
	for _, n := range notes {
		same := func(o Note) bool { return o == n || n.Line > 0 && n.Lines < 2 && o.File == n.File && o.Line == n.Line }
		if !slices.ContainsFunc(out, same) {
			out = append(out, n)
		}
	}
	slices.SortStableFunc(out, func(a, b Note) int { return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line) })
	return out
}
