package plan

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/message"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// BranchPrefix is where Sluice's branches lie. It touches no others.
const BranchPrefix = "sluice/"

// BranchOf is the one branch of a target.
func BranchOf(t core.Target) string {
	return BranchPrefix + string(t.Env) + "/" + string(t.App)
}

// Trailers of a promotion's commit. They are for people and for recognising
// our own work; nothing is merged on their word alone.
const (
	trailerChange = "Sluice-Change" // the content by value: Candidate.ID
	trailerSeal   = "Sluice-Seal"   // the changed files and their blobs, as we wrote them
)

// edit applies the changes to the target's files as they are at Head.
func (c Candidate) edit(inv *overlay.Inventory) ([]File, error) {
	return Edit(func(name string) ([]byte, error) { return content(c.deployments(inv), name) }, c)
}

func content(target []*overlay.Deployment, name string) ([]byte, error) {
	for _, d := range target {
		if in, ok := d.Input(name); ok && in.Content != nil {
			return in.Content, nil
		}
	}
	return nil, core.Errorf(core.Internal, "no overlay of the target holds this file")
}

// Edit makes the candidates' changes in the files that they are about, which
// read gives, and returns those files, ordered by path. Candidates may share
// files. The error, of the kind that read or the edit gives it, begins with the
// file's name; then nothing is returned.
func Edit(read func(name string) ([]byte, error), candidates ...Candidate) ([]File, error) {
	edits, settings := map[string][]yamledit.Edit{}, map[string][]pin.Given{}
	touched := map[string]bool{}
	for _, c := range candidates {
		for _, ch := range c.Changes {
			scalars := ch.Pin.Set(ch.New)
			if o := ch.Pin.Override; o != nil {
				set := pin.Given{Override: o, Version: ch.New}
				touched[o.At.File] = true
				settings[o.At.File] = append(settings[o.At.File], set)
				scalars = set.Changes()
			}
			for _, s := range scalars {
				touched[s.At.File] = true
				edits[s.At.File] = append(edits[s.At.File], yamledit.Edit{Doc: s.At.Doc, Path: s.At.Path, Inner: s.At.Inner, Old: s.Old, New: s.New, Keep: s.Keep})
			}
		}
	}
	var files []File
	for _, name := range slices.Sorted(maps.Keys(touched)) {
		content, err := rewrite(read, name, edits[name], settings[name])
		if err != nil {
			return nil, core.Errorf(core.KindOf(err), "%s: %w", name, err)
		}
		files = append(files, File{Path: name, Content: content})
	}
	return files, nil
}

func rewrite(read func(string) ([]byte, error), name string, edits []yamledit.Edit, settings []pin.Given) ([]byte, error) {
	insertions, err := pin.Insertions(settings)
	if err != nil {
		return nil, err
	}
	src, err := read(name)
	if err != nil {
		return nil, err
	}
	f, err := yamledit.Parse(src)
	if err != nil {
		return nil, err
	}
	return f.Update(edits, insertions)
}

// blobs maps each file to the Git object that its content makes, in the hash
// that head uses.
func blobs(files []File, head core.SHA) map[string]core.SHA {
	out := make(map[string]core.SHA, len(files))
	for _, f := range files {
		out[f.Path] = blobSHA(f.Content, len(head) == 64)
	}
	return out
}

func blobSHA(content []byte, long bool) core.SHA {
	object := append(fmt.Appendf(nil, "blob %d\x00", len(content)), content...)
	if long {
		sum := sha256.Sum256(object)
		return core.SHA(hex.EncodeToString(sum[:]))
	}
	sum := sha1.Sum(object)
	return core.SHA(hex.EncodeToString(sum[:]))
}

// seal digests what a commit changed.
func seal(changed map[string]core.SHA) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(changed)) {
		fmt.Fprintf(h, "%q %s\n", name, changed[name])
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// ours tells whether a branch is one commit that Sluice made and nobody has
// changed since: a commit added on top, an amended one and a rebased one with
// other content all differ from the seal.
func (b Branch) ours() bool {
	return len(b.Parents) == 1 && b.Rooted && b.Changed != nil && trailer(b.Message, trailerSeal) == seal(b.Changed)
}

// trailer reads one trailer from a commit message's last paragraph.
func trailer(message, key string) string {
	message = strings.TrimSpace(message)
	last := message[strings.LastIndex(message, "\n\n")+1:]
	for line := range strings.Lines(last) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), key+": "); ok {
			return value
		}
	}
	return ""
}

// commitMessage names what is promoted and carries the trailers. The source
// commit is the one that brought the versions where they come from, or one that
// has them.
func (c Candidate) commitMessage(source core.SHA, changed map[string]core.SHA) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", c.subject(72))
	for _, ch := range c.Changes {
		fmt.Fprintf(&b, "- %s: %s from %s to %s%s\n", ch.Pin.Target().File, ch.what(), ch.Pin.Version, ch.New, ch.instead())
	}
	if c.asked != nil {
		fmt.Fprintf(&b, "\n%s.\n", message.Plain(c.asked.String(), 300))
	}
	from := c.versions(func(ch Change) string { return ch.Pin.Version })
	to := c.versions(func(ch Change) string { return ch.New })
	b.WriteString("\n")
	for _, app := range c.Apps() {
		fmt.Fprintf(&b, "Sluice-App: %s\n", app)
	}
	if len(c.Members) > 0 {
		fmt.Fprintf(&b, "Sluice-Group: %s\n", c.Target.App)
	}
	fmt.Fprintf(&b, "Sluice-Environment: %s\nSluice-Source: %s\nSluice-From: %s\nSluice-To: %s\nSluice-Source-Commit: %s\n%s: %s\n%s: %s\n",
		c.Target.Env, c.From, from, to, source, trailerChange, c.ID(), trailerSeal, seal(changed))
	if c.asked != nil {
		fmt.Fprintf(&b, "%s: %s\n", trailerRequest, c.asked.trailer())
	}
	return b.String()
}

// trailerLimit bounds a trailer with versions; the list above has them all.
const trailerLimit = 200

// versions lists one version of each change, each once, for a trailer.
func (c Candidate) versions(of func(Change) string) string {
	var out []string
	for _, ch := range c.Changes {
		if v := message.Plain(of(ch), trailerLimit); !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return message.Plain(strings.Join(out, ", "), trailerLimit)
}

// brief shows a move by the tags alone where they tell it, and else by the
// beginnings of the digests.
func brief(old, new string) string {
	oldTag, oldDigest, _ := strings.Cut(old, "@")
	newTag, newDigest, _ := strings.Cut(new, "@")
	if oldTag != newTag {
		return oldTag + " → " + newTag
	}
	short := func(digest string) string { return digest[:min(len(digest), len("sha256:")+8)] }
	if oldDigest+newDigest == "" {
		return old + " → " + new
	}
	return oldTag + "@" + short(oldDigest) + " → " + newTag + "@" + short(newDigest)
}

// what names the versioned thing, and in a group its app.
func (ch Change) what() string {
	if ch.App == "" {
		return ch.Pin.Key.String()
	}
	return string(ch.App) + ": " + ch.Pin.Key.String()
}

// instead says of a new entry what it takes the place of.
func (ch Change) instead() string {
	if ch.Pin.Override == nil {
		return ""
	}
	return ", as an entry of its own in place of " + ch.Pin.At.File
}

// subject names the promotion in at most so many characters, as exactly as
// they allow.
func (c Candidate) subject(limit int) string {
	base := c.bare()
	var moves []string
	for _, ch := range c.Changes {
		move := brief(ch.Pin.Version, ch.New)
		if !slices.Contains(moves, move) {
			moves = append(moves, move)
		}
	}
	if long := base + ": " + strings.Join(moves, ", "); len([]rune(long)) <= limit {
		return long
	}
	return shortened(base, limit)
}

// shortened is a text in at most so many characters.
func shortened(text string, limit int) string {
	if r := []rune(text); len(r) > limit {
		return string(r[:limit-1]) + "…"
	}
	return text
}

// bare is the subject without any versions.
func (c Candidate) bare() string { return fmt.Sprintf("Promote %s to %s", c.Target.App, c.Target.Env) }
