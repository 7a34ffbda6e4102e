package yamledit

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// usual reads texts as most manifests are written: block mappings and sequences
// of scalars on one line, with comments behind values only. It is about ten
// times faster than the parser, and a monorepo has thousands of such files. It
// declines whatever else it meets, so it never says that a text is wrong: that,
// and everything that it declines, is for the parser. What it makes is what the
// parser makes, to the last field of each node; edits are verified by the
// parser alone.
type usual struct {
	text  string
	at    int          // the offset of the next line that is not blank
	line  int          // its number, from 1
	end   int          // the offset of its end
	nodes []yaml.Node  // room for more
	count int          // of nodes that were made
	open  []*yaml.Node // the children of the collections that are being read
	odd   bool         // there was something else
}

// maxUsualLine bounds a line, and with it the depth: each level is indented.
// The parser takes no key that is longer than 1,024.
const maxUsualLine = 1000

// readUsual gives the documents of a text; false if the parser has to read it.
func readUsual(src []byte) ([]*yaml.Node, bool) {
	if len(src) > MaxSize || countIndicators(src) > maxIndicators {
		return nil, false // with the parser's reason
	}
	for _, c := range src {
		if (c < ' ' || c > '~') && c != '\n' {
			return nil, false
		}
	}
	u := &usual{text: string(src), end: -1}
	u.nodes = make([]yaml.Node, 0, 2*strings.Count(u.text, "\n")+4) // mostly two for each line, and one for each collection
	u.next()
	var docs []*yaml.Node
	for !u.odd && u.at < len(u.text) {
		docs = append(docs, u.document())
	}
	return docs, !u.odd && len(docs) > 0
}

// next goes on to the next line that is not blank.
func (u *usual) next() {
	for {
		u.at, u.line = u.end+1, u.line+1
		if u.at >= len(u.text) {
			return
		}
		n := strings.IndexByte(u.text[u.at:], '\n')
		if n < 0 {
			n = len(u.text) - u.at
		}
		if u.end = u.at + n; n > 0 {
			u.odd = u.odd || n > maxUsualLine || u.text[u.end-1] == ' '
			return
		}
	}
}

// column is where the line's content begins, from 0; -1 behind the last line
// and at the end of a document.
func (u *usual) column() int {
	if u.odd || u.at >= len(u.text) || u.text[u.at:u.end] == separatesDocs {
		return -1
	}
	return len(u.text[u.at:u.end]) - len(strings.TrimLeft(u.text[u.at:u.end], " "))
}

const separatesDocs = "---"

func (u *usual) document() *yaml.Node {
	n := u.node(yaml.DocumentNode, "", u.column())
	if n.Column == 0 { // of the line that separates it from the one before
		n.Column = 1
		u.next()
	}
	if u.column() != 0 {
		u.odd = true
		return n
	}
	n.Content = []*yaml.Node{u.block(0)}
	u.odd = u.odd || u.column() >= 0
	return n
}

// node makes one that begins on the current line.
func (u *usual) node(kind yaml.Kind, tag string, column int) *yaml.Node {
	if len(u.nodes) == cap(u.nodes) {
		u.nodes = make([]yaml.Node, 0, 16)
	}
	u.count++
	u.odd = u.odd || u.count > maxNodes
	u.nodes = append(u.nodes, yaml.Node{Kind: kind, Tag: tag, Line: u.line, Column: column + 1})
	return &u.nodes[len(u.nodes)-1]
}

// block reads the collection whose entries begin at a column.
func (u *usual) block(column int) *yaml.Node {
	if u.isItem(column) {
		return u.sequence(column)
	}
	return u.mapping(column)
}

func (u *usual) isItem(column int) bool { return strings.HasPrefix(u.text[u.at+column:u.end], "- ") }

func (u *usual) sequence(column int) *yaml.Node {
	n, first := u.node(yaml.SequenceNode, "!!seq", column), len(u.open)
	for u.column() == column && u.isItem(column) {
		item := (*yaml.Node)(nil)
		if _, ok := u.key(column + 2); ok {
			item = u.mapping(column + 2)
		} else {
			item = u.scalar(column + 2)
		}
		u.open = append(u.open, item)
	}
	u.close(n, first, column)
	return n
}

// mapping may begin behind the dash of an item, where its first entry stands.
func (u *usual) mapping(column int) *yaml.Node {
	n, first := u.node(yaml.MappingNode, "!!map", column), len(u.open)
	for begun := false; !begun || u.column() == column; begun = true {
		key, ok := u.key(column)
		if !ok {
			u.odd = true
			return n
		}
		k := u.node(yaml.ScalarNode, tagOf(key), column)
		k.Value = key
		v := u.value(column, column+len(key)+1)
		u.open = append(u.open, k, v)
	}
	u.close(n, first, column)
	return n
}

// close gives a collection the children that were read since. A line that is
// indented further goes on with what the last one began.
func (u *usual) close(n *yaml.Node, first, column int) {
	n.Content = slices.Clone(u.open[first:])
	u.open = u.open[:first]
	u.odd = u.odd || u.column() > column
}

// key is the one that begins at a column of the line.
func (u *usual) key(column int) (string, bool) {
	rest := u.text[u.at+column : u.end]
	n := 0
	for n < len(rest) && isUsualKey(rest[n], n == 0) {
		n++
	}
	ok := n > 0 && n < len(rest) && rest[n] == ':' && (n+1 == len(rest) || rest[n+1] == ' ')
	return rest[:n], ok
}

func isUsualKey(c byte, first bool) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_':
		return true
	default:
		return !first && ('0' <= c && c <= '9' || c == '.' || c == '/' || c == '-')
	}
}

// value reads what stands behind the colon of a key, or below it.
func (u *usual) value(parent, column int) *yaml.Node {
	if u.at+column < u.end {
		return u.scalar(column + 1)
	}
	u.next()
	switch column := u.column(); {
	case column > parent:
		return u.block(column)
	case column == parent && u.isItem(column):
		return u.sequence(column)
	}
	u.odd = true // there is no value
	return nil
}

// scalar reads the rest of a line, and goes on to the next one.
func (u *usual) scalar(column int) *yaml.Node {
	n := u.node(yaml.ScalarNode, tagString, column)
	rest := u.text[u.at+column : u.end]
	switch token := rest[:tokenLen(rest)]; {
	case token == "":
		u.odd = true
	case token[0] == '"':
		n.Style, n.Value = yaml.DoubleQuotedStyle, token[1:len(token)-1]
	case token[0] == '\'':
		n.Style, n.Value = yaml.SingleQuotedStyle, token[1:len(token)-1]
	default:
		n.Value, n.Tag = token, tagOf(token)
	}
	n.LineComment = strings.TrimLeft(rest[len(n.Value)+quotes(n):], " ")
	u.odd = u.odd || n.LineComment != "" && n.LineComment[0] != '#'
	u.next()
	return n
}

func quotes(n *yaml.Node) int {
	if n.Style != 0 {
		return 2
	}
	return 0
}

// tokenLen is the length of the scalar that a text begins with; 0 if it is not
// a usual one.
func tokenLen(s string) int {
	if s == "" {
		return 0
	}
	switch c := s[0]; {
	case c == '"' || c == '\'':
		n := 1 + strings.IndexByte(s[1:], c)
		if n == 0 || c == '"' && strings.IndexByte(s[:n], '\\') >= 0 {
			return 0
		}
		if n++; n < len(s) && s[n] != ' ' {
			return 0
		}
		return n
	case !isUsualKey(c, false) && c != '$' || c == '-':
		return 0
	}
	if n := strings.Index(s, " #"); n >= 0 {
		s = strings.TrimRight(s[:n], " ")
	}
	if strings.Contains(s, ": ") || s[len(s)-1] == ':' {
		return 0
	}
	return len(s)
}

// tagOf is the tag that the parser gives to a plain scalar.
func tagOf(text string) string {
	if c := text[0]; c != '.' && !('0' <= c && c <= '9') && !strings.ContainsRune("yYnNtTfFoO", rune(c)) {
		return tagString // the parser's own short cut
	}
	return (&yaml.Node{Kind: yaml.ScalarNode, Value: text}).ShortTag()
}
