package yamledit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-gitops/sluice/internal/core"
)

// File is a parsed YAML text: the bytes and the documents in them. It is
// immutable and safe for concurrent use.
type File struct {
	src     []byte
	lines   []int        // see lineStarts
	docs    []*yaml.Node // the documents; each has its root as its only child
	aliased map[*yaml.Node]bool
	origin  position // what to add to a place, if the text lies inside another one
}

// Parse reads all documents of a text, which the caller must not change
// afterwards. Aliases are not expanded and keys may be repeated: both matter
// only where a lookup or an edit meets them. The error is of kind core.Invalid
// if the text is not YAML or exceeds a limit.
func Parse(src []byte) (*File, error) { return parse(src, position{}) }

func parse(src []byte, origin position) (*File, error) {
	if docs, ok := readUsual(src); ok {
		return newFile(src, origin, docs)
	}
	return parseAny(src, origin)
}

// parseAny leaves all texts to the parser.
func parseAny(src []byte, origin position) (*File, error) {
	f := &File{src: src, origin: origin}
	if err := f.checkBytes(); err != nil {
		return nil, err
	}
	docs, err := f.decode()
	if err != nil {
		return nil, err
	}
	return newFile(src, origin, docs)
}

func newFile(src []byte, origin position, docs []*yaml.Node) (*File, error) {
	f := &File{src: src, lines: lineStarts(src), docs: docs, aliased: map[*yaml.Node]bool{}, origin: origin}
	// The parser has no limits of its own but a depth of 10,000, so these come
	// after it; maxIndicators has bounded what it could allocate until here.
	left := maxNodes
	for _, doc := range f.docs {
		if err := f.survey(doc, maxDepth, &left); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// Len is the number of documents. A text of nothing but comments has none.
func (f *File) Len() int { return len(f.docs) }

// Doc is the root of the i-th document, from 0; false if there is none. The
// root of an empty document is a null scalar.
func (f *File) Doc(i int) (Node, bool) {
	if i < 0 || i >= len(f.docs) {
		return Node{}, false
	}
	return Node{f: f, y: f.docs[i].Content[0]}, true
}

// At follows a path from the root of a document; see Node.At for the errors.
func (f *File) At(doc int, path Path) (Node, error) {
	root, ok := f.Doc(doc)
	if !ok {
		return Node{}, core.Errorf(core.NotFound, "document %d does not exist: the text has %d, counted from 0", doc, f.Len())
	}
	return root.At(path)
}

// checkBytes refuses what the parser would report without a place, or accept
// in an encoding whose offsets are not ours.
func (f *File) checkBytes() error {
	if len(f.src) > MaxSize {
		return core.Errorf(core.Invalid, "text of %d bytes is larger than a manifest may be (%d)", len(f.src), MaxSize)
	}
	if n := countIndicators(f.src); n > maxIndicators {
		return core.Errorf(core.Invalid, "text has too many YAML indicators (%d, at most %d)", n, maxIndicators)
	}
	for i := 0; i < len(f.src); {
		r, n := utf8.DecodeRune(f.src[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			return f.shift(positionOf(f.src, i)).errorf(core.Invalid, "byte %#02x is not UTF-8", f.src[i])
		case !isAllowed(r):
			return f.shift(positionOf(f.src, i)).errorf(core.Invalid, "character %U is not allowed in YAML", r)
		}
		i += n
	}
	return nil
}

// isAllowed tells whether YAML allows a character at all.
func isAllowed(r rune) bool {
	switch r {
	case '\t', '\n', '\r', '\u0085':
		return true
	default:
		return !unicode.IsControl(r) && r != 0xFFFE && r != 0xFFFF
	}
}

// countIndicators counts the characters without which there is no second node.
func countIndicators(src []byte) int {
	total := 0
	for _, c := range []byte{',', ':', '-', '?', '[', '{'} {
		total += bytes.Count(src, []byte{c})
	}
	return total
}

// decode runs the parser. The parser is known to panic on some broken texts;
// such a text is as invalid as one that it rejects.
func (f *File) decode() (docs []*yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			docs, err = nil, core.Errorf(core.Invalid, "text is not YAML: the parser gave up: %s", clip(fmt.Sprint(r)))
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(f.src))
	for {
		var doc yaml.Node
		switch err := dec.Decode(&doc); {
		case errors.Is(err, io.EOF):
			return docs, nil
		case err != nil:
			return nil, f.explain(err)
		case doc.Kind != yaml.DocumentNode || len(doc.Content) != 1:
			return nil, core.Errorf(core.Invalid, "document %d has no single root", len(docs))
		}
		docs = append(docs, &doc)
	}
}

// survey enforces the limits below n and notes which nodes aliases share.
func (f *File) survey(n *yaml.Node, depth int, left *int) error {
	*left--
	switch {
	case *left < 0:
		return f.place(n).errorf(core.Invalid, "text has more than %d nodes", maxNodes)
	case depth == 0:
		return f.place(n).errorf(core.Invalid, "nested deeper than %d levels", maxDepth)
	case n.Kind == yaml.AliasNode:
		f.aliased[n.Alias] = true
	}
	for _, c := range n.Content {
		if err := f.survey(c, depth-1, left); err != nil {
			return err
		}
	}
	return nil
}

// place is where a node begins, its anchor and tag included.
func (f *File) place(n *yaml.Node) position {
	return f.shift(position{line: n.Line, column: n.Column})
}

func (f *File) shift(p position) position {
	return position{line: p.line + f.origin.line, column: p.column + f.origin.column}
}
