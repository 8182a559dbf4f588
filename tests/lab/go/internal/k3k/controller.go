// Package k3k stands in for the k3k controller v1.2.0-rc4 in mode virtual: it
// reads and writes the same objects with the same names, labels, messages and
// timing of steps. tests/lab/k3k/README.md says what it follows and leaves out.
package k3k

import (
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	appslisters "k8s.io/client-go/listers/apps/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	networklisters "k8s.io/client-go/listers/networking/v1"
	rbaclisters "k8s.io/client-go/listers/rbac/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"

	"aitenancy/lab/internal/k3s"
)

// workers per queue. A reconcile waits for a dozen answers of the API server one
// after the other, so on a busy machine throughput is workers over latency.
const workers = 24

// Options of the controller.
type Options struct {
	// ListenAddress is the address that load balancers hand out.
	ListenAddress string
	// BackoffScale shortens the real controller's waits after failures (5 ms doubling up to 1000 s).
	BackoffScale float64
	// HostVersion is the Kubernetes version of the host cluster.
	HostVersion string
}

// Controller reconciles Clusters and VirtualClusterPolicies.
type Controller struct {
	options     Options
	hostVersion string
	host        kubernetes.Interface
	dynamic     dynamic.Interface
	servers     *k3s.Servers
	recorder    record.EventRecorder

	clusters, policies  cache.Indexer
	namespaces          corelisters.NamespaceLister
	namespaceIndex      cache.Indexer
	nodes               corelisters.NodeLister
	secrets             corelisters.SecretLister
	services            corelisters.ServiceLister
	quotas              corelisters.ResourceQuotaLister
	limitRanges         corelisters.LimitRangeLister
	statefulSets        appslisters.StatefulSetLister
	deployments         appslisters.DeploymentLister
	networkPolicies     networklisters.NetworkPolicyLister
	ingresses           networklisters.IngressLister
	clusterRoleBindings rbaclisters.ClusterRoleBindingLister

	clusterQueue workqueue.TypedRateLimitingInterface[types.NamespacedName]
	policyQueue  workqueue.TypedRateLimitingInterface[string]
	applied      *applied
	memory       *memory
	// bindingWriters by the name of the ClusterRoleBinding; read-only.
	bindingWriters map[string]*bindingWriter
}

// Run reconciles until the context ends.
func Run(ctx context.Context, host kubernetes.Interface, dynamicClient dynamic.Interface, options Options, played k3s.Options) error {
	c := &Controller{
		options: options, hostVersion: options.HostVersion, host: host, dynamic: dynamicClient,
		applied: newApplied(), memory: newMemory(),
		clusterQueue: newQueue[types.NamespacedName](options.BackoffScale),
		policyQueue:  newQueue[string](options.BackoffScale),

		bindingWriters: map[string]*bindingWriter{},
	}
	for _, name := range bindings {
		c.bindingWriters[name] = &bindingWriter{}
	}
	broadcaster := record.NewBroadcaster(record.WithContext(ctx))
	broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: host.CoreV1().Events("")})
	defer broadcaster.Shutdown()
	c.recorder = broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "k3k-cluster-controller"})

	informers := newInformers(host, dynamicClient)
	if err := c.watch(informers, played); err != nil {
		return err
	}
	if err := informers.start(ctx); err != nil {
		return err
	}
	klog.InfoS("k3k stand-in runs", "hostVersion", c.hostVersion, "clusters", len(c.clusters.ListKeys()))

	var group sync.WaitGroup
	for range workers {
		group.Add(2)
		go func() {
			defer group.Done()
			for work(ctx, c.clusterQueue, "cluster", c.reconcileCluster) {
			}
		}()
		go func() {
			defer group.Done()
			for work(ctx, c.policyQueue, "policy", func(ctx context.Context, name string) (time.Duration, error) {
				return 0, c.reconcilePolicy(ctx, name)
			}) {
			}
		}()
	}
	err := c.servers.Run(ctx, workers/2)
	c.clusterQueue.ShutDown()
	c.policyQueue.ShutDown()
	group.Wait()
	return err
}

// newQueue waits after failures as controller-runtime does, scaled.
func newQueue[T comparable](scale float64) workqueue.TypedRateLimitingInterface[T] {
	base := time.Duration(float64(5*time.Millisecond) * scale)
	longest := time.Duration(float64(1000*time.Second) * scale)
	return workqueue.NewTypedRateLimitingQueue(workqueue.NewTypedItemExponentialFailureRateLimiter[T](base, longest))
}

// work takes one item from the queue; false when the queue is shut down.
func work[T comparable](ctx context.Context, queue workqueue.TypedRateLimitingInterface[T], what string,
	reconcile func(context.Context, T) (time.Duration, error)) bool {
	item, quit := queue.Get()
	if quit {
		return false
	}
	defer queue.Done(item)
	again, err := reconcile(ctx, item)
	switch {
	case err != nil:
		klog.ErrorS(err, "reconcile failed", what, item)
		queue.AddRateLimited(item)
	case again > 0:
		queue.Forget(item)
		queue.AddAfter(item, again)
	default:
		queue.Forget(item)
	}
	return true
}

func (c *Controller) enqueueCluster(namespace, name string) {
	c.clusterQueue.Add(types.NamespacedName{Namespace: namespace, Name: name})
}

// clustersIn are the Clusters of a namespace.
func (c *Controller) clustersIn(namespace string) []*unstructured.Unstructured {
	return indexed[*unstructured.Unstructured](c.clusters, cache.NamespaceIndex, namespace)
}

// clustersUnder are the Clusters whose status names the policy as applied.
func (c *Controller) clustersUnder(policy string) []*unstructured.Unstructured {
	return indexed[*unstructured.Unstructured](c.clusters, byPolicy, policy)
}

// boundNamespaces are the namespaces that carry the policy's label.
func (c *Controller) boundNamespaces(policy string) []*corev1.Namespace {
	return indexed[*corev1.Namespace](c.namespaceIndex, byPolicy, policy)
}

func indexed[T any](indexer cache.Indexer, index, key string) []T {
	found, err := indexer.ByIndex(index, key)
	if err != nil {
		panic(err) // the index is added before the informer starts
	}
	items := make([]T, 0, len(found))
	for _, object := range found {
		items = append(items, object.(T))
	}
	return items
}

// owned is an object that a policy made.
type owned struct {
	namespace string
	remove    func(context.Context) error
}

// ownedBy lists the objects that carry the policy's labels, in whatever namespace.
func (c *Controller) ownedBy(policy string) []owned {
	selector := policyObjects(policy)
	var result []owned
	if quotas, err := c.quotas.List(selector); err == nil {
		for _, q := range quotas {
			result = append(result, owned{q.Namespace, func(ctx context.Context) error {
				return c.host.CoreV1().ResourceQuotas(q.Namespace).Delete(ctx, q.Name, metav1.DeleteOptions{})
			}})
		}
	}
	if limits, err := c.limitRanges.List(selector); err == nil {
		for _, l := range limits {
			result = append(result, owned{l.Namespace, func(ctx context.Context) error {
				return c.host.CoreV1().LimitRanges(l.Namespace).Delete(ctx, l.Name, metav1.DeleteOptions{})
			}})
		}
	}
	if policies, err := c.networkPolicies.List(selector); err == nil {
		for _, p := range policies {
			result = append(result, owned{p.Namespace, func(ctx context.Context) error {
				return c.host.NetworkingV1().NetworkPolicies(p.Namespace).Delete(ctx, p.Name, metav1.DeleteOptions{})
			}})
		}
	}
	return result
}
