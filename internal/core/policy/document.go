package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// document finds the one YAML document of the file and refuses what a policy
// may not use at all. Without a document, a problem has been reported.
func (d *decoder) document(src []byte) (place, bool) {
	start := place{Node: &yaml.Node{Line: 1, Column: 1}}
	switch {
	case len(src) > maxFileBytes:
		d.report(start, "the file has %d bytes; a policy may have at most %d", len(src), maxFileBytes)
		return start, false
	case !utf8.Valid(src):
		d.reportEncoding(src)
		return start, false
	}
	dec := yaml.NewDecoder(bytes.NewReader(src))
	var doc, next yaml.Node
	if err := dec.Decode(&doc); err != nil {
		d.reportSyntax(src, err)
		return start, false
	}
	switch err := dec.Decode(&next); {
	case err == nil:
		d.report(place{Node: &next}, "found a second document; a policy is one document, remove the line ---")
	case !errors.Is(err, io.EOF):
		d.reportSyntax(src, err)
		return start, false
	}
	root := place{Node: doc.Content[0]}
	d.refuseIndirection(root, 0)
	return root, true
}

// reportEncoding points to the first byte that is wrong.
func (d *decoder) reportEncoding(src []byte) {
	valid := src
	for i := 0; i < len(src); {
		r, size := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && size <= 1 {
			valid = src[:i]
			break
		}
		i += size
	}
	line := 1 + bytes.Count(valid, []byte("\n"))
	column := 1 + utf8.RuneCount(valid[bytes.LastIndexByte(valid, '\n')+1:])
	d.report(place{Node: &yaml.Node{Line: line, Column: column}}, "found a byte that is not UTF-8; save the file as UTF-8")
}

// reportSyntax says what is no YAML, and where.
func (d *decoder) reportSyntax(src []byte, err error) {
	at, message := place{Node: &yaml.Node{Line: 1, Column: 1}}, err.Error()
	if errors.Is(err, io.EOF) {
		d.report(at, "the file is empty; write at least version, layout and environments")
		return
	}
	var found *yamledit.Error
	if _, err := yamledit.Parse(src); errors.As(err, &found) {
		at.Line, at.Column, message = found.Line, max(found.Column, 1), strings.TrimPrefix(found.Reason, "not YAML: ")
	}
	d.report(at, "the file is no YAML (%s); correct it near here; indent with spaces, and put texts with { or [ in quotes", message)
}

// refuseIndirection walks the whole document. Anchors, aliases and tags make a
// policy say something other than what a reviewer reads.
func (d *decoder) refuseIndirection(at place, depth int) {
	switch {
	case depth > maxDepth:
		d.report(at, "nested more than %d levels deep; no key of a policy is", maxDepth)
		return
	case at.Kind == yaml.AliasNode:
		d.report(at, "found the alias %s; write the value out", quote("*"+at.Value))
	case at.Anchor != "":
		d.report(at, "found the anchor %s; remove it and write the values out", quote("&"+at.Anchor))
	case at.Style&yaml.TaggedStyle != 0:
		d.report(at, "found the tag %s; remove it", quote(at.Tag))
	}
	for i, child := range at.Content {
		path := at.path
		switch at.Kind {
		case yaml.SequenceNode:
			path = fmt.Sprintf("%s[%d]", at.path, i)
		case yaml.MappingNode:
			path = at.key(plainKey(at.Content[i-i%2].Value))
		}
		d.refuseIndirection(place{child, path}, depth+1)
	}
}

// plainKey is a key as paths show it.
func plainKey(key string) string {
	if matches(`[A-Za-z0-9_-]{1,40}`, key) {
		return key
	}
	return quote(key)
}
