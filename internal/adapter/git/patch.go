package git

import (
	"bytes"
	"strings"
	"unicode"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/diff"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// Diff writes the patch that turns existing files of a commit into these, for
// git apply: unified, with three lines of context, in the order of the files.
// Files that are already so are left out. The error is of kind core.NotFound if
// the commit lacks a file, and core.Invalid if a path cannot stand in a patch.
func (l *Local) Diff(at core.SHA, files []plan.File) ([]byte, error) {
	tree, err := l.tree(at)
	if err != nil {
		return nil, err
	}
	p := patch{}
	for _, f := range files {
		change, err := tree.change(f)
		if err != nil {
			return nil, core.Errorf(core.KindOf(err), "compare %q: %w", f.Path, err)
		}
		if change != nil {
			p = append(p, change)
		}
	}
	return p.text()
}

// FileChange is a file before and after.
type FileChange struct {
	Path string
	Old  []byte // nil if there is none
	New  []byte
}

// Patch writes the patch that makes these changes, as Local.Diff does, of files
// that need not be in any commit. The error is of kind core.Invalid if a path
// cannot stand in a patch.
func Patch(changes []FileChange) ([]byte, error) {
	p := patch{}
	for _, c := range changes {
		if strings.ContainsFunc(c.Path, unicode.IsControl) {
			return nil, core.Errorf(core.Invalid, "compare %q: its name holds a control character, which cannot be written into a patch", c.Path)
		}
		f := &fileChange{to: side{c.Path, filemode.Regular, plumbing.ComputeHash(plumbing.BlobObject, c.New)}, chunks: chunks(string(c.Old), string(c.New))}
		if c.Old != nil {
			f.from = side{c.Path, filemode.Regular, plumbing.ComputeHash(plumbing.BlobObject, c.Old)}
		}
		p = append(p, f)
	}
	return p.text()
}

func (p patch) text() ([]byte, error) {
	var out bytes.Buffer
	if err := diff.NewUnifiedEncoder(&out, diff.DefaultContextLines).Encode(p); err != nil {
		return nil, core.Errorf(core.Internal, "write the patch: %v", err)
	}
	return out.Bytes(), nil
}

// change compares one file with the tree's; nil if they are equal. go-git
// writes paths as they are, and what ends a line would end the name as well.
func (t commitTree) change(f plan.File) (diff.FilePatch, error) {
	if strings.ContainsFunc(f.Path, unicode.IsControl) {
		return nil, core.Errorf(core.Invalid, "its name holds a control character, which cannot be written into a patch")
	}
	was, err := t.read(f.Path)
	if err != nil {
		return nil, err
	}
	if bytes.Equal(was, f.Content) {
		return nil, nil
	}
	parent, name := split(f.Path)
	d, err := t.walk(parent)
	if err != nil {
		return nil, err
	}
	i, ok := d.find(name)
	if !ok {
		return nil, core.Errorf(core.Internal, "it is gone from a tree that has just held it")
	}
	e := d.entries[i]
	return &fileChange{
		from:   side{f.Path, e.Mode, e.Hash},
		to:     side{f.Path, e.Mode, plumbing.ComputeHash(plumbing.BlobObject, f.Content)},
		chunks: chunks(string(was), string(f.Content)),
	}, nil
}

// chunks compares two texts line by line: first what they begin and end with
// alike, then the lines between in pairs. An edit of scalars keeps the number of
// lines; where lines are added as well, the patch is longer than it need be and still right.
func chunks(before, after string) []diff.Chunk {
	old, now := lines(before), lines(after)
	head := 0
	for head < min(len(old), len(now)) && old[head] == now[head] {
		head++
	}
	tail := 0
	for tail < min(len(old), len(now))-head && old[len(old)-1-tail] == now[len(now)-1-tail] {
		tail++
	}
	var out []diff.Chunk
	if head > 0 {
		out = append(out, chunk{diff.Equal, strings.Join(old[:head], "")})
	}
	out = append(out, paired(old[head:len(old)-tail], now[head:len(now)-tail])...)
	if tail > 0 {
		out = append(out, chunk{diff.Equal, strings.Join(old[len(old)-tail:], "")})
	}
	return out
}

func paired(old, now []string) []diff.Chunk {
	var out []diff.Chunk
	same := min(len(old), len(now))
	for i := 0; i < same; {
		start, equal := i, old[i] == now[i]
		for i < same && (old[i] == now[i]) == equal {
			i++
		}
		if equal {
			out = append(out, chunk{diff.Equal, strings.Join(old[start:i], "")})
			continue
		}
		out = append(out, chunk{diff.Delete, strings.Join(old[start:i], "")}, chunk{diff.Add, strings.Join(now[start:i], "")})
	}
	if len(old) > same {
		out = append(out, chunk{diff.Delete, strings.Join(old[same:], "")})
	}
	if len(now) > same {
		out = append(out, chunk{diff.Add, strings.Join(now[same:], "")})
	}
	return out
}

func lines(text string) []string {
	all := strings.SplitAfter(text, "\n")
	if all[len(all)-1] == "" {
		all = all[:len(all)-1]
	}
	return all
}

// patch implements diff.Patch.
type patch []diff.FilePatch

// FilePatches implements diff.Patch.
func (p patch) FilePatches() []diff.FilePatch { return p }

// Message implements diff.Patch.
func (patch) Message() string { return "" }

// fileChange implements diff.FilePatch.
type fileChange struct {
	from, to side
	chunks   []diff.Chunk
}

// IsBinary implements diff.FilePatch: what was parsed as YAML is text.
func (*fileChange) IsBinary() bool { return false }

// Files implements diff.FilePatch; from is nil for a new file.
func (c *fileChange) Files() (from, to diff.File) {
	if c.from == (side{}) {
		return nil, c.to
	}
	return c.from, c.to
}

// Chunks implements diff.FilePatch.
func (c *fileChange) Chunks() []diff.Chunk { return c.chunks }

// side is a file before or after; it implements diff.File.
type side struct {
	path string
	mode filemode.FileMode
	hash plumbing.Hash
}

// Hash implements diff.File.
func (s side) Hash() plumbing.Hash { return s.hash }

// Mode implements diff.File.
func (s side) Mode() filemode.FileMode { return s.mode }

// Path implements diff.File.
func (s side) Path() string { return s.path }

// chunk implements diff.Chunk.
type chunk struct {
	op   diff.Operation
	text string
}

// Content implements diff.Chunk.
func (c chunk) Content() string { return c.text }

// Type implements diff.Chunk.
func (c chunk) Type() diff.Operation { return c.op }
