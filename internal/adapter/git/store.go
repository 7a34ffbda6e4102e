package git

import (
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/go-git/go-billy/v5/osfs"
	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/sluice-gitops/sluice/internal/core"
)

// store is the mirror's object database. go-git's storage must not be read
// while a pack is being added, and its readers share file positions, so each
// access is made alone; what was decoded is kept and read without waiting.
type store struct {
	path, url string
	foreign   bool // somebody's own repository, opened to be read: nothing in it is ever mended

	mu      sync.Mutex // guards what follows and every call into disk
	disk    *filesystem.Storage
	damaged error // what proved the mirror to be damaged

	dirs  *lru[*dir]
	blobs *lru[[]byte]
}

// newStore describes a store; remake or check opens it.
func newStore(path, url string) *store {
	return &store{path: path, url: url, dirs: newLRU[*dir](contentCache / 4), blobs: newLRU[[]byte](contentCache * 3 / 4)}
}

// attach opens what is on disk. go-git reads nothing before it is asked to.
func (s *store) attach() {
	s.disk = filesystem.NewStorageWithOptions(osfs.New(s.path), cache.NewObjectLRU(deltaCache),
		filesystem.Options{MaxOpenDescriptors: maxOpenPacks, LargeObjectThreshold: maxBlob})
}

// remake replaces whatever is there by an empty mirror. The URL is written
// last: a mirror that lacks it was never finished.
func (s *store) remake() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.disk != nil {
		s.disk.Close()
	}
	if err := os.RemoveAll(s.path); err != nil {
		return fmt.Errorf("remove the old mirror: %w", err)
	}
	if err := os.MkdirAll(s.path, 0o700); err != nil {
		return fmt.Errorf("make the mirror's directory: %w", err)
	}
	s.attach()
	s.damaged = nil
	if _, err := gogit.Init(s.disk, nil); err != nil {
		return fmt.Errorf("make the mirror: %w", err)
	}
	cfg, err := s.disk.Config()
	if err != nil {
		return fmt.Errorf("read the new mirror's configuration: %w", err)
	}
	cfg.Remotes["origin"] = &config.RemoteConfig{Name: "origin", URLs: []string{s.url}}
	return s.disk.SetConfig(cfg)
}

// check tells why the mirror on disk cannot be used, or nil. It reads every
// tree of every head, so what it lets pass can be deployed from.
func (s *store) check(ctx context.Context) error {
	s.mu.Lock()
	s.attach()
	cfg, err := s.disk.Config()
	if err == nil {
		_, err = s.disk.Reference(plumbing.HEAD)
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	origin, ok := cfg.Remotes["origin"]
	if !ok || !cfg.Core.IsBare || len(origin.URLs) != 1 {
		return errors.New("it was never finished")
	}
	if origin.URLs[0] != s.url {
		return fmt.Errorf("it mirrors %s", origin.URLs[0])
	}
	if err := s.tidy(); err != nil {
		return err
	}
	return s.checkHeads(ctx)
}

// tidy removes what an interrupted download left.
func (s *store) tidy() error {
	left, err := filepath.Glob(filepath.Join(s.path, "objects", "pack", "tmp_*"))
	if err != nil {
		return err
	}
	for _, name := range left {
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	return nil
}

// checkHeads reads all packs' indexes and everything that the heads need but the
// contents of files, which are checked when they are read.
func (s *store) checkHeads(ctx context.Context) error {
	if _, err := s.has(plumbing.NewHash("01")); err != nil { // reads every pack's index
		return err
	}
	heads, err := s.heads()
	if err != nil {
		return err
	}
	seen := map[plumbing.Hash]bool{}
	for _, h := range heads {
		c, err := s.commit(h)
		if err != nil {
			return err
		}
		if err := s.checkTree(ctx, c.TreeHash, seen); err != nil {
			return err
		}
	}
	return nil
}

// checkTree reads a tree and the trees below it, each once.
func (s *store) checkTree(ctx context.Context, h plumbing.Hash, seen map[plumbing.Hash]bool) error {
	if err := ctx.Err(); err != nil || seen[h] {
		return err
	}
	seen[h] = true
	d, err := s.dir(h)
	if err != nil {
		return err
	}
	for _, e := range d.entries {
		if typeOf(e.Mode) == treeType {
			err = s.checkTree(ctx, e.Hash, seen)
		} else if typeOf(e.Mode) == fileType && !seen[e.Hash] {
			seen[e.Hash] = true
			err = s.need(e.Hash)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// worn tells why the mirror should be made anew before it is used further, or
// "" if it should not.
func (s *store) worn() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.damaged != nil {
		return s.damaged.Error()
	}
	packs, err := s.disk.ObjectPacks()
	if err != nil {
		return err.Error()
	}
	if len(packs) > maxPacks {
		return fmt.Sprintf("it holds %d packs", len(packs))
	}
	return ""
}

// lost records that an object which must be there cannot be read. The caller
// gets a Transient error: the next fetch mends the mirror. Nothing mends a
// repository that is only read.
func (s *store) lost(h plumbing.Hash, err error) error {
	if s.foreign {
		return core.Errorf(core.Internal, "object %s cannot be read (a partial clone lacks objects; otherwise git fsck may know more): %v", h, err)
	}
	err = core.Errorf(core.Transient, "the mirror is damaged (it is made anew at the next fetch): object %s: %v", h, err)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.damaged = err
	return err
}

// has tells whether an object is there. Packs appear as a whole, so a commit
// that is there has all that it needs, unless the mirror was damaged later.
func (s *store) has(h plumbing.Hash) (bool, error) {
	s.mu.Lock()
	err := s.disk.HasEncodedObject(h)
	s.mu.Unlock()
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return false, nil
	}
	if err != nil {
		return false, s.lost(h, err)
	}
	return true, nil
}

// need is has for an object without which the mirror is damaged.
func (s *store) need(h plumbing.Hash) error {
	ok, err := s.has(h)
	if err == nil && !ok {
		err = s.lost(h, plumbing.ErrObjectNotFound)
	}
	return err
}

// read returns an object's content, copied, because go-git's objects may not be
// used while the storage is. The error is plumbing.ErrObjectNotFound if there is
// no such object of that type. Content that does not match the object's name is
// an error: a bit that flipped on disk must not be deployed. So is, of kind
// core.Invalid, more content than maxBlob for a file, which is then not read.
func (s *store) read(t plumbing.ObjectType, h plumbing.Hash) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.disk == nil {
		return nil, plumbing.ErrObjectNotFound
	}
	from, err := s.disk.EncodedObject(t, h)
	if err != nil {
		return nil, err
	}
	if t == plumbing.BlobObject && from.Size() > maxBlob {
		return nil, core.Errorf(core.Invalid, "it has %d bytes, more than the %d a manifest may have", from.Size(), maxBlob)
	}
	r, err := from.Reader()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	content := make([]byte, from.Size())
	if _, err := io.ReadFull(r, content); err != nil {
		return nil, err
	}
	if nameOf(t, content) != h {
		return nil, errors.New("its content does not match its name")
	}
	return content, nil
}

// nameOf is the name of an object. It finds mistakes, not forgeries: whoever
// could forge an object could push it.
func nameOf(t plumbing.ObjectType, content []byte) plumbing.Hash {
	h := sha1.New()
	fmt.Fprintf(h, "%s %d\x00", t, len(content))
	h.Write(content)
	return plumbing.Hash(h.Sum(nil))
}

// commit reads a commit. The error is of kind core.NotFound if the mirror does
// not have it.
func (s *store) commit(h plumbing.Hash) (*object.Commit, error) {
	o, err := s.read(plumbing.CommitObject, h)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return nil, core.Errorf(core.NotFound, "commit %s is not in the mirror", h)
	}
	if err != nil {
		return nil, s.lost(h, err)
	}
	c := &object.Commit{}
	if err := c.Decode(memoryObject(plumbing.CommitObject, o)); err != nil {
		return nil, s.lost(h, err)
	}
	return c, nil
}

// dir reads a tree that must be there.
func (s *store) dir(h plumbing.Hash) (*dir, error) {
	if d, ok := s.dirs.get(h); ok {
		return d, nil
	}
	raw, err := s.read(plumbing.TreeObject, h)
	if err != nil {
		return nil, s.lost(h, err)
	}
	d, err := decodeDir(raw)
	if err != nil {
		return nil, s.lost(h, err)
	}
	s.dirs.put(h, d, int64(len(raw)+128)*dirCost)
	return d, nil
}

// blob reads a file that must be there, unless it is larger than maxBlob.
func (s *store) blob(h plumbing.Hash) ([]byte, error) {
	if b, ok := s.blobs.get(h); ok {
		return b, nil
	}
	b, err := s.read(plumbing.BlobObject, h)
	if err != nil && core.KindOf(err) == core.Invalid {
		return nil, err
	}
	if err != nil {
		return nil, s.lost(h, err)
	}
	s.blobs.put(h, b, int64(len(b))+128)
	return b, nil
}

// memoryObject is an object as go-git's decoders want it.
func memoryObject(t plumbing.ObjectType, content []byte) plumbing.EncodedObject {
	o := &plumbing.MemoryObject{}
	o.SetType(t)
	o.Write(content) //nolint:errcheck // memory takes everything
	return o
}

// heads lists the branches of the mirror by full ref name.
func (s *store) heads() (map[plumbing.ReferenceName]plumbing.Hash, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	refs, err := s.disk.IterReferences()
	if err != nil {
		return nil, err
	}
	heads := map[plumbing.ReferenceName]plumbing.Hash{}
	err = refs.ForEach(func(r *plumbing.Reference) error {
		if r.Type() == plumbing.HashReference {
			heads[r.Name()] = r.Hash()
		}
		return nil
	})
	return heads, err
}

// setHeads makes the mirror's branches exactly these. It is not atomic, which
// matters little: they serve as common ground with the server, and the next
// fetch sets them again.
func (s *store) setHeads(want map[plumbing.ReferenceName]plumbing.Hash) error {
	have, err := s.heads()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range have {
		if _, ok := want[name]; !ok {
			if err := s.disk.RemoveReference(name); err != nil {
				return err
			}
		}
	}
	for name, h := range want {
		if have[name] == h {
			continue
		}
		if err := s.disk.SetReference(plumbing.NewHashReference(name, h)); err != nil {
			return err
		}
	}
	return nil
}

// add stores a pack. The pack becomes visible as a whole or not at all; reading
// goes on while it arrives.
func (s *store) add(pack io.Reader) (err error) {
	s.mu.Lock()
	w, err := s.disk.PackfileWriter()
	s.mu.Unlock()
	if err != nil {
		return err
	}
	_, err = io.Copy(w, pack)
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(err, w.Close())
}

// close lets go of the open packs.
func (s *store) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.disk.Close()
}
