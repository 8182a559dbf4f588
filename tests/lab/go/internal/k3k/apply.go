package k3k

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// writer is what every typed client of client-go offers.
type writer[T any] interface {
	Create(context.Context, T, metav1.CreateOptions) (T, error)
	Update(context.Context, T, metav1.UpdateOptions) (T, error)
	Get(context.Context, string, metav1.GetOptions) (T, error)
}

// kind says how objects of one kind are kept.
type kind[T metav1.Object] struct {
	client writer[T]
	// cached returns the object from the informer's cache; false when it is not there.
	cached func(namespace, name string) (T, bool)
	// overlay writes the owned fields of desired into a copy of the live object.
	overlay func(live, desired T) T
	// owned is what is compared: the fields that overlay writes.
	owned func(T) any
}

// ensure creates the object or brings its owned fields back. It writes only when
// what is wanted, or what is there, differs from its last write: comparing with
// the live object alone would see the API server's defaults as differences.
func ensure[T metav1.Object](ctx context.Context, a *applied, k kind[T], desired T) (T, error) {
	live, found := k.cached(desired.GetNamespace(), desired.GetName())
	if !found {
		made, err := k.client.Create(ctx, desired, metav1.CreateOptions{})
		if err == nil {
			a.note(made.GetUID(), k.owned(desired), k.owned(made))
			return made, nil
		}
		if !apierrors.IsAlreadyExists(err) {
			return made, err
		}
		if live, err = k.client.Get(ctx, desired.GetName(), metav1.GetOptions{}); err != nil {
			return live, err
		}
	}
	if a.same(live.GetUID(), k.owned(desired), k.owned(live)) {
		return live, nil
	}
	update := k.overlay(live, desired)
	update.SetResourceVersion("")
	result, err := k.client.Update(ctx, update, metav1.UpdateOptions{})
	if err != nil {
		return live, err
	}
	a.note(result.GetUID(), k.owned(desired), k.owned(result))
	return result, nil
}

// applied remembers, per object, what was wanted and what was stored at the last write.
type applied struct {
	mu   sync.Mutex
	last map[types.UID][2]uint64
}

func newApplied() *applied { return &applied{last: map[types.UID][2]uint64{}} }

func (a *applied) same(uid types.UID, desired, live any) bool {
	now := [2]uint64{fingerprint(desired), fingerprint(live)}
	a.mu.Lock()
	defer a.mu.Unlock()
	last, known := a.last[uid]
	return known && last == now
}

func (a *applied) note(uid types.UID, desired, live any) {
	now := [2]uint64{fingerprint(desired), fingerprint(live)}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last[uid] = now
}

func fingerprint(value any) uint64 {
	raw, err := json.Marshal(value)
	if err != nil {
		panic(err) // API types always marshal
	}
	hash := fnv.New64a()
	_, _ = hash.Write(raw)
	return hash.Sum64()
}
