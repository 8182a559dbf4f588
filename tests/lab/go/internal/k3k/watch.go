package k3k

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"aitenancy/lab/internal/k3kapi"
	"aitenancy/lab/internal/k3s"
)

// byPolicy indexes namespaces by the policy they are bound to, and Clusters by
// the policy their status names.
const byPolicy = "policy"

// informerSet is every cache of the controller.
type informerSet struct {
	host    informers.SharedInformerFactory
	tenants informers.SharedInformerFactory
	k3k     dynamicinformer.DynamicSharedInformerFactory
}

func newInformers(host kubernetes.Interface, dynamicClient dynamic.Interface) *informerSet {
	slim := informers.WithTransform(withoutManagedFields)
	return &informerSet{
		host: informers.NewSharedInformerFactoryWithOptions(host, 0, slim),
		// Pods and claims of virtual clusters only: the label is on all of them.
		tenants: informers.NewSharedInformerFactoryWithOptions(host, 0, slim,
			informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.LabelSelector = "cluster" })),
		k3k: dynamicinformer.NewDynamicSharedInformerFactory(dynamicClient, 0),
	}
}

// withoutManagedFields saves the larger half of a cached object, which nobody reads.
func withoutManagedFields(object any) (any, error) {
	if meta, ok := object.(metav1.Object); ok {
		meta.SetManagedFields(nil)
	}
	return object, nil
}

func (s *informerSet) start(ctx context.Context) error {
	s.host.Start(ctx.Done())
	s.tenants.Start(ctx.Done())
	s.k3k.Start(ctx.Done())
	for kind, synced := range s.host.WaitForCacheSync(ctx.Done()) {
		if !synced {
			return fmt.Errorf("cannot list %s", kind)
		}
	}
	for kind, synced := range s.tenants.WaitForCacheSync(ctx.Done()) {
		if !synced {
			return fmt.Errorf("cannot list %s", kind)
		}
	}
	for resource, synced := range s.k3k.WaitForCacheSync(ctx.Done()) {
		if !synced {
			return fmt.Errorf("cannot list %s", resource)
		}
	}
	return nil
}

// watch connects the caches and the events that the real controller reacts to.
// Secrets, Deployments, Ingresses and pods are cached but trigger nothing.
func (c *Controller) watch(set *informerSet, played k3s.Options) error {
	core, apps, network := set.host.Core().V1(), set.host.Apps().V1(), set.host.Networking().V1()
	c.namespaces, c.namespaceIndex = core.Namespaces().Lister(), core.Namespaces().Informer().GetIndexer()
	c.nodes, c.secrets, c.services = core.Nodes().Lister(), core.Secrets().Lister(), core.Services().Lister()
	c.quotas, c.limitRanges = core.ResourceQuotas().Lister(), core.LimitRanges().Lister()
	c.statefulSets, c.deployments = apps.StatefulSets().Lister(), apps.Deployments().Lister()
	c.networkPolicies, c.ingresses = network.NetworkPolicies().Lister(), network.Ingresses().Lister()
	c.clusterRoleBindings = set.host.Rbac().V1().ClusterRoleBindings().Lister()
	clusters := set.k3k.ForResource(k3kapi.Clusters).Informer()
	policies := set.k3k.ForResource(k3kapi.Policies).Informer()
	c.clusters, c.policies = clusters.GetIndexer(), policies.GetIndexer()
	pods := set.tenants.Core().V1().Pods().Informer()

	indexes := []struct {
		informer cache.SharedIndexInformer
		name     string
		key      func(any) string
	}{
		{core.Namespaces().Informer(), byPolicy, func(o any) string { return o.(*corev1.Namespace).Labels[k3kapi.PolicyNameLabel] }},
		{clusters, byPolicy, appliedPolicyName},
		{pods, k3s.ByCluster, func(o any) string {
			pod := o.(*corev1.Pod)
			return pod.Namespace + "/" + pod.Labels["cluster"]
		}},
	}
	for _, index := range indexes {
		err := index.informer.AddIndexers(cache.Indexers{index.name: func(o any) ([]string, error) {
			if key := index.key(o); key != "" {
				return []string{key}, nil
			}
			return nil, nil
		}})
		if err != nil {
			return err
		}
	}
	var err error
	c.servers, err = k3s.New(played, pods.GetIndexer(), func(namespace, name string) *corev1.Service {
		service, err := c.services.Services(namespace).Get(name)
		if err != nil {
			return nil
		}
		return service
	})
	if err != nil {
		return err
	}
	c.servers.Changed = c.enqueueCluster

	handlers := []struct {
		informer cache.SharedIndexInformer
		changed  func(old, new metav1.Object)
	}{
		{clusters, c.clusterChanged},
		{policies, c.policyChanged},
		{core.Namespaces().Informer(), c.namespaceChanged},
		{apps.StatefulSets().Informer(), c.ownedChanged},
		{core.Services().Informer(), c.ownedChanged},
		{core.ResourceQuotas().Informer(), c.policyObjectChanged},
		{core.LimitRanges().Informer(), c.policyObjectChanged},
		{network.NetworkPolicies().Informer(), c.policyObjectChanged},
		{pods, c.playedChanged},
		{set.tenants.Core().V1().PersistentVolumeClaims().Informer(), c.playedChanged},
	}
	for _, handler := range handlers {
		if _, err := handler.informer.AddEventHandler(onChange(handler.changed)); err != nil {
			return err
		}
	}
	return nil
}

// onChange calls changed with nil for old after creation, nil for new after deletion.
func onChange(changed func(old, new metav1.Object)) cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { changed(nil, o.(metav1.Object)) },
		UpdateFunc: func(old, new any) { changed(old.(metav1.Object), new.(metav1.Object)) },
		DeleteFunc: func(o any) {
			if lost, ok := o.(cache.DeletedFinalStateUnknown); ok {
				o = lost.Obj
			}
			changed(o.(metav1.Object), nil)
		},
	}
}

func either(old, new metav1.Object) metav1.Object {
	if new == nil {
		return old
	}
	return new
}

func (c *Controller) clusterChanged(old, new metav1.Object) {
	object := either(old, new)
	c.enqueueCluster(object.GetNamespace(), object.GetName())
	c.servers.Observe(object.GetNamespace(), object.GetName())
	if new == nil || appliedPolicyName(new) != "" {
		return
	}
	if namespace, err := c.namespaces.Get(object.GetNamespace()); err == nil && namespace.Labels[k3kapi.PolicyNameLabel] != "" {
		c.policyQueue.Add(namespace.Labels[k3kapi.PolicyNameLabel])
	}
}

func (c *Controller) policyChanged(old, new metav1.Object) {
	name := either(old, new).GetName()
	c.policyQueue.Add(name)
	for _, namespace := range c.boundNamespaces(name) {
		for _, cluster := range c.clustersIn(namespace.Name) {
			c.enqueueCluster(cluster.GetNamespace(), cluster.GetName())
		}
	}
}

// namespaceChanged reacts to the binding only: a hand edit of the pod security
// labels stays until the policy is reconciled for another reason.
func (c *Controller) namespaceChanged(old, new metav1.Object) {
	var before, after string
	if old != nil {
		before = old.GetLabels()[k3kapi.PolicyNameLabel]
	}
	if new != nil {
		after = new.GetLabels()[k3kapi.PolicyNameLabel]
	}
	if before == after {
		return
	}
	for _, policy := range []string{before, after} {
		if policy != "" {
			c.policyQueue.Add(policy)
		}
	}
	for _, cluster := range c.clustersIn(either(old, new).GetName()) {
		c.enqueueCluster(cluster.GetNamespace(), cluster.GetName())
	}
}

// ownedChanged reacts to StatefulSets and Services of Clusters.
func (c *Controller) ownedChanged(old, new metav1.Object) {
	object := either(old, new)
	owner := metav1.GetControllerOf(object)
	if owner == nil || owner.Kind != "Cluster" || !strings.HasPrefix(owner.APIVersion, k3kapi.GroupVersion.Group) {
		return
	}
	c.enqueueCluster(object.GetNamespace(), owner.Name)
	c.servers.Observe(object.GetNamespace(), owner.Name)
}

// policyObjectChanged brings back what somebody changed or deleted.
func (c *Controller) policyObjectChanged(old, new metav1.Object) {
	labels := either(old, new).GetLabels()
	if labels[k3kapi.ManagedByLabel] == k3kapi.PolicyManager && labels[k3kapi.PolicyNameLabel] != "" {
		c.policyQueue.Add(labels[k3kapi.PolicyNameLabel])
	}
}

func (c *Controller) playedChanged(old, new metav1.Object) {
	object := either(old, new)
	c.servers.Observe(object.GetNamespace(), object.GetLabels()["cluster"])
}

func appliedPolicyName(object any) string {
	name, _, _ := unstructured.NestedString(object.(*unstructured.Unstructured).Object, "status", "policy", "name")
	return name
}

func policyObjects(policy string) labels.Selector {
	return labels.SelectorFromSet(labels.Set{
		k3kapi.ManagedByLabel: k3kapi.PolicyManager, k3kapi.PolicyNameLabel: policy,
	})
}
