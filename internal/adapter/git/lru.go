package git

import (
	"container/list"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
)

// lru keeps the most recently used values by object name, up to a sum of
// costs. Values are shared and must not be changed. It is safe for concurrent use.
type lru[V any] struct {
	mu    sync.Mutex
	limit int64
	used  int64
	order *list.List // of *kept[V], the most recent first
	byKey map[plumbing.Hash]*list.Element
}

// kept is a value in the cache.
type kept[V any] struct {
	key   plumbing.Hash
	value V
	cost  int64
}

// newLRU makes a cache whose values cost no more than limit together.
func newLRU[V any](limit int64) *lru[V] {
	return &lru[V]{limit: limit, order: list.New(), byKey: map[plumbing.Hash]*list.Element{}}
}

// get returns a value and marks it as used.
func (c *lru[V]) get(key plumbing.Hash) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.byKey[key]
	if !ok {
		var none V
		return none, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*kept[V]).value, true
}

// put keeps a value unless it alone would take more than a quarter of the limit.
func (c *lru[V]) put(key plumbing.Hash, value V, cost int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.byKey[key]; ok || cost > c.limit/4 {
		return
	}
	c.byKey[key] = c.order.PushFront(&kept[V]{key, value, cost})
	c.used += cost
	for c.used > c.limit {
		last := c.order.Remove(c.order.Back()).(*kept[V])
		delete(c.byKey, last.key)
		c.used -= last.cost
	}
}
