// Package yamledit changes scalars in YAML texts byte for byte. It finds a
// scalar with a YAML parser, replaces the bytes of its token, parses the result
// again, and requires that the old tree with exactly those scalars changed is
// the new tree. Comments, quotes, indentation, line ends and everything else
// that the edit does not name stay as they are.
//
// It refuses rather than guesses. Scalars that several places share (anchors
// with aliases, merge keys), keys that occur twice, scalars that span lines,
// block scalars and tags of unknown meaning are errors of kind core.Invalid
// which say where and why; a scalar that holds something else than expected is
// a core.Conflict. It adds entries at the end of collections. It
// does not remove, move or format anything, and it does not know what the texts
// mean.
//
// A new text is always written so that every YAML reader in use takes it for a
// string: version fields of Kubernetes objects are strings, and a tag such as
// 1.10 must not lose its zero. Setting `tag: 1.2` to 1.3 therefore gives
// `tag: "1.3"`, and a plain scalar stays plain only where neither YAML 1.1 nor
// 1.2 would read its new text as a number, boolean, date or null. An edit that
// keeps a scalar's type is the one exception.
package yamledit
