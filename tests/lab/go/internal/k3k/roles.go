package k3k

import (
	"context"
	"fmt"
	"slices"
	"sync"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"aitenancy/lab/internal/k3kapi"
)

// bindings are made by the chart without subjects and filled at run time.
var bindings = []string{"k3k-kubelet-node", "k3k-priorityclass"}

// subject is a ServiceAccount that does not exist in mode virtual.
func subject(cluster *k3kapi.Cluster) rbacv1.Subject {
	return rbacv1.Subject{
		Kind: rbacv1.ServiceAccountKind, Name: k3kapi.Name(cluster.Name, "kubelet"), Namespace: cluster.Namespace,
	}
}

// change adds a subject to a binding or takes it away.
type change struct {
	subject rbacv1.Subject
	remove  bool
	done    bool
	err     error
}

func (ch *change) apply(subjects []rbacv1.Subject) []rbacv1.Subject {
	if ch.remove {
		return slices.DeleteFunc(subjects, func(s rbacv1.Subject) bool { return s == ch.subject })
	}
	if slices.Contains(subjects, ch.subject) {
		return subjects
	}
	return append(subjects, ch.subject)
}

// bindingWriter writes one ClusterRoleBinding. All Clusters share it, so the
// worker that writes takes along what the others wait to write.
type bindingWriter struct {
	writing sync.Mutex
	listing sync.Mutex
	waiting []*change
}

func (c *Controller) bindClusterRoles(ctx context.Context, cluster *k3kapi.Cluster) error {
	return c.changeBindings(ctx, cluster, false)
}

func (c *Controller) unbindClusterRoles(ctx context.Context, cluster *k3kapi.Cluster) error {
	return c.changeBindings(ctx, cluster, true)
}

func (c *Controller) changeBindings(ctx context.Context, cluster *k3kapi.Cluster, remove bool) error {
	for _, name := range bindings {
		cached, err := c.clusterRoleBindings.Get(name)
		if err == nil && slices.Contains(cached.Subjects, subject(cluster)) != remove {
			continue
		}
		if err := c.changeBinding(ctx, name, &change{subject: subject(cluster), remove: remove}); err != nil {
			return err
		}
	}
	return nil
}

func (c *Controller) changeBinding(ctx context.Context, name string, wanted *change) error {
	writer := c.bindingWriters[name]
	writer.listing.Lock()
	writer.waiting = append(writer.waiting, wanted)
	writer.listing.Unlock()

	writer.writing.Lock()
	defer writer.writing.Unlock()
	if wanted.done {
		return wanted.err
	}
	writer.listing.Lock()
	batch := writer.waiting
	writer.waiting = nil
	writer.listing.Unlock()
	err := c.writeBinding(ctx, name, batch)
	for _, other := range batch {
		other.done, other.err = true, err
	}
	return err
}

func (c *Controller) writeBinding(ctx context.Context, name string, batch []*change) error {
	client := c.host.RbacV1().ClusterRoleBindings()
	live, err := client.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("failed to get or find %s ClusterRoleBinding: %w", name, err)
	}
	if err != nil {
		return err
	}
	subjects := slices.Clone(live.Subjects)
	for _, one := range batch {
		subjects = one.apply(subjects)
	}
	if slices.Equal(subjects, live.Subjects) {
		return nil
	}
	live.Subjects = subjects
	_, err = client.Update(ctx, live, metav1.UpdateOptions{})
	return err
}
