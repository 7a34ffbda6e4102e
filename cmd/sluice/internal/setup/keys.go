package setup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/sluice-gitops/sluice/internal/adapter/gitlab"
	"github.com/sluice-gitops/sluice/internal/core"
)

// publicKey is a cluster's key as it lies in a file.
type publicKey struct {
	text  string
	print string // its fingerprint
}

// titlePrefix begins the titles of the keys that are added here.
const titlePrefix = "Flux "

// deployKeys ensures that each cluster's key can read the project, and that
// none of them can write.
func (w *work) deployKeys(ctx context.Context) {
	if w.keys == "" {
		w.say("deploy keys", told, "not looked at, for there is no --deploy-keys", "")
		return
	}
	files, err := w.readKeys()
	if err != nil {
		w.say("deploy keys", failed, err.Error(), "")
		return
	}
	var there []gitlab.DeployKey
	err = w.patiently(ctx, func() (err error) {
		there, err = w.place.DeployKeys(ctx)
		return err
	})
	if err != nil {
		w.trouble("deploy keys", err, maintainer)
		return
	}
	w.named(files)
	for _, cluster := range slices.Sorted(maps.Keys(files)) {
		w.deployKey(ctx, cluster, files[cluster], there)
	}
	w.others(files, there)
}

// deployKey is found by its fingerprint: titles are for people.
func (w *work) deployKey(ctx context.Context, cluster core.Cluster, k publicKey, there []gitlab.DeployKey) {
	i := slices.IndexFunc(there, func(d gitlab.DeployKey) bool { return fingerprint(d.Key) == k.print })
	if i < 0 {
		w.write(ctx, "deploy keys", fmt.Sprintf("added the key of %s, to read", cluster), fmt.Sprintf("add the key of %s, to read", cluster), maintainer,
			func() error { return w.place.AddDeployKey(ctx, titlePrefix+string(cluster), k.text) })
		return
	}
	d := there[i]
	switch {
	case !d.Expires.IsZero() && !d.Expires.After(w.clock()):
		w.say("deploy keys", failed, fmt.Sprintf("the key of %s (%q) expired on %s: the cluster cannot read the monorepo", cluster, d.Title, d.Expires.Format("2006-01-02")), "make a new one, and run this again")
	case !d.CanPush:
		w.say("deploy keys", fine, fmt.Sprintf("the key of %s can read and not write", cluster), "")
	case w.apply:
		w.write(ctx, "deploy keys", fmt.Sprintf("the key of %s (%q) can only read from now on", cluster, d.Title), fmt.Sprintf("take pushing from the key of %s (%q)", cluster, d.Title), maintainer,
			func() error { return w.place.ForbidPush(ctx, d.ID) })
	default:
		w.say("deploy keys", failed, fmt.Sprintf("the key of %s (%q) can push: whoever takes over the cluster can change what all clusters run", cluster, d.Title), "run with --apply; Flux needs to write only for image automation and for bootstrap, which has a person's token")
	}
}

// named compares the files' names with the policy's clusters.
func (w *work) named(files map[core.Cluster]publicKey) {
	if w.policy == nil {
		return
	}
	for _, cluster := range slices.Sorted(maps.Keys(files)) {
		if _, ok := w.policy.EnvironmentOf(cluster); !ok {
			w.say("deploy keys", doubt, fmt.Sprintf("%s.pub is of no cluster that the policy names", cluster), "is its name right?")
		}
	}
	for _, env := range w.policy.Environments {
		for _, cluster := range env.Clusters {
			if _, ok := files[cluster]; !ok {
				w.say("deploy keys", doubt, fmt.Sprintf("there is no %s.pub", cluster), fmt.Sprintf("ssh-keygen -t ed25519 -N '' -C %s -f %s", quoted(string(cluster)), quoted(filepath.Join(w.keys, string(cluster)))))
			}
		}
	}
}

// others tells of keys that are none of the clusters': those that can write,
// and those that were once added here.
func (w *work) others(files map[core.Cluster]publicKey, there []gitlab.DeployKey) {
	ours := map[string]bool{}
	for _, k := range files {
		ours[k.print] = true
	}
	for _, d := range there {
		switch {
		case ours[fingerprint(d.Key)]:
		case d.CanPush:
			w.say("deploy keys", doubt, fmt.Sprintf("%q can push, and is no cluster's: whoever holds it can bring any version past Sluice where the branch allows it", d.Title), "remove it, or take pushing from it, if nothing needs it")
		case strings.HasPrefix(d.Title, titlePrefix):
			w.say("deploy keys", doubt, fmt.Sprintf("%q is none of the keys in %s", d.Title, w.keys), "remove it once no cluster uses it")
		}
	}
}

// readKeys reads CLUSTER.pub of each cluster.
func (w *work) readKeys() (map[core.Cluster]publicKey, error) {
	names, err := filepath.Glob(filepath.Join(w.keys, "*.pub"))
	if err != nil || len(names) == 0 {
		return nil, core.Errorf(core.Invalid, "--deploy-keys: there is no file CLUSTER.pub in %s", w.keys)
	}
	out := map[core.Cluster]publicKey{}
	by := map[string]string{}
	for _, name := range names {
		k, err := readKey(name)
		if err != nil {
			return nil, core.Errorf(core.Invalid, "--deploy-keys: %s: %w", name, err)
		}
		if other := by[k.print]; other != "" {
			return nil, core.Errorf(core.Invalid, "--deploy-keys: %s holds the same key as %s; give each cluster its own, so that one can be taken away alone", name, other)
		}
		by[k.print] = name
		out[core.Cluster(strings.TrimSuffix(filepath.Base(name), ".pub"))] = k
	}
	return out, nil
}

// readKey never repeats what it found: it could be the private key.
func readKey(name string) (publicKey, error) {
	f, err := os.Open(name)
	if err != nil {
		return publicKey{}, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	src, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return publicKey{}, err
	}
	if bytes.Contains(src, []byte("PRIVATE KEY")) {
		return publicKey{}, errors.New("this is a private key; give the public one, which ssh-keygen writes beside it")
	}
	key, _, _, rest, err := ssh.ParseAuthorizedKey(src)
	switch {
	case err != nil:
		return publicKey{}, errors.New("this is no public SSH key; it should be one line that begins like ssh-ed25519 AAAA")
	case len(bytes.TrimSpace(rest)) > 0:
		return publicKey{}, errors.New("found more than one key; write one line")
	}
	// Without its comment, as flux bootstrap would register it: GitLab gives back a key that it has in just this text,
	// and refuses it in any other.
	text := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
	return publicKey{text: text, print: ssh.FingerprintSHA256(key)}, nil
}

// fingerprint is "" for what is no key.
func fingerprint(text string) string {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(text))
	if err != nil {
		return ""
	}
	return ssh.FingerprintSHA256(key)
}
