package fakegitlab

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
)

// Deploy keys are only kept and listed: there is no SSH here to use them with.

func renderDeployKey(k *deployKey) obj {
	sum := sha256.Sum256(blobOf(k.key))
	return obj{
		"id": k.id, "title": k.title, "key": k.key, "can_push": k.canPush, "created_at": stamp(k.createdAt), "expires_at": stampOr(k.expiresAt),
		"fingerprint": "", "fingerprint_sha256": "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:]),
	}
}

// blobOf is what of a key counts: neither its kind's name nor its comment.
func blobOf(key string) []byte {
	fields := strings.Fields(key)
	if len(fields) > 1 {
		if blob, err := base64.StdEncoding.DecodeString(fields[1]); err == nil {
			return blob
		}
	}
	return []byte(key)
}

func listDeployKeys(c *call) (reply, error) {
	return ok(render(page(c, c.project.deployKeys), renderDeployKey))
}

func (c *call) deployKey() (*deployKey, error) {
	id, err := c.id("key")
	if err != nil {
		return nil, err
	}
	k := find(c.project.deployKeys, func(k *deployKey) bool { return k.id == id })
	if k == nil {
		return nil, notFound("Deploy Key")
	}
	return k, nil
}

func getDeployKey(c *call) (reply, error) {
	k, err := c.deployKey()
	if err != nil {
		return reply{}, err
	}
	return ok(renderDeployKey(k))
}

// createDeployKey joins a key that the project has already, as GitLab does.
func createDeployKey(c *call) (reply, error) {
	if err := c.params.require("title", "key"); err != nil {
		return reply{}, err
	}
	text := strings.TrimSpace(c.params.text("key"))
	if fields := strings.Fields(text); len(fields) < 2 || !strings.Contains(fields[0], "-") {
		return reply{}, fail(http.StatusBadRequest, obj{"key": []string{"is invalid"}})
	}
	if k := find(c.project.deployKeys, func(k *deployKey) bool { return bytes.Equal(blobOf(k.key), blobOf(text)) }); k != nil {
		return created(renderDeployKey(k))
	}
	k := &deployKey{id: c.next(), title: c.params.text("title"), key: text, canPush: c.params.boolean("can_push", false), createdAt: c.now()}
	if t, given := c.params.moment("expires_at"); given {
		k.expiresAt = &t
	}
	c.project.deployKeys = append(c.project.deployKeys, k)
	return created(renderDeployKey(k))
}

func updateDeployKey(c *call) (reply, error) {
	k, err := c.deployKey()
	if err != nil {
		return reply{}, err
	}
	k.canPush = c.params.boolean("can_push", k.canPush)
	if t := c.params.text("title"); t != "" {
		k.title = t
	}
	return ok(renderDeployKey(k))
}

func deleteDeployKey(c *call) (reply, error) {
	k, err := c.deployKey()
	if err != nil {
		return reply{}, err
	}
	c.project.deployKeys = slices.DeleteFunc(c.project.deployKeys, func(x *deployKey) bool { return x == k })
	return noContent()
}

// enableDeployKey shares a key of another project that the user maintains.
func enableDeployKey(c *call) (reply, error) {
	id, err := c.id("key")
	if err != nil {
		return reply{}, err
	}
	for _, p := range c.projects {
		k := find(p.deployKeys, func(k *deployKey) bool { return k.id == id })
		if k == nil || c.level(p, c.user) < Maintainer {
			continue
		}
		if !slices.Contains(c.project.deployKeys, k) {
			c.project.deployKeys = append(c.project.deployKeys, k)
		}
		return created(renderDeployKey(k))
	}
	return reply{}, notFound("Deploy Key")
}
