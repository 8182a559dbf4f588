package k3k

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"aitenancy/lab/internal/k3kapi"
)

// memory is what the controller knows of a Cluster beyond its objects; it is
// lost at a restart, as the real controller's caches and open connections are.
type memory struct {
	mu    sync.Mutex
	notes map[types.UID]*note
}

type note struct {
	// succeeded: one reconcile got to its end, so templates follow the policy.
	succeeded bool
	// connected: a connection to the servers is open and survives a change of the Service.
	connected bool
	// shrunk: servers went from several to one, server 0 is about to restart.
	shrunk bool
	// until is when a passing failure has been shown for long enough.
	until time.Time
}

func newMemory() *memory { return &memory{notes: map[types.UID]*note{}} }

// with lets do read or change the note of a Cluster.
func (m *memory) with(cluster *k3kapi.Cluster, do func(*note)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.notes[cluster.UID] == nil {
		m.notes[cluster.UID] = &note{}
	}
	do(m.notes[cluster.UID])
}

func (m *memory) forget(uid types.UID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.notes, uid)
}
