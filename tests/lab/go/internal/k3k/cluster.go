package k3k

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"aitenancy/lab/internal/k3kapi"
	"aitenancy/lab/internal/k3s"
)

// tickLength is how long a passing failure stays visible: long enough for a watch and a quick poll.
const tickLength = 300 * time.Millisecond

// reconcileCluster brings one Cluster one step further and says when to look again (0: at the next event).
func (c *Controller) reconcileCluster(ctx context.Context, key types.NamespacedName) (time.Duration, error) {
	if err := c.releaseStatefulSet(ctx, key); err != nil {
		return 0, err
	}
	item, exists, err := c.clusters.GetByKey(key.String())
	if err != nil || !exists {
		return 0, err
	}
	object := item.(*unstructured.Unstructured)
	cluster, err := k3kapi.ClusterFrom(object)
	if err != nil {
		return 0, err
	}
	switch {
	case cluster.DeletionTimestamp != nil:
		return 0, c.finalizeCluster(ctx, object, cluster)
	case cluster.Status.Phase == "" || cluster.Status.Phase == k3kapi.PhaseUnknown:
		original := cluster.Status
		cluster.Status.Phase = k3kapi.PhaseProvisioning
		cluster.Status.Conditions = []metav1.Condition{{
			Type: "Ready", Status: metav1.ConditionFalse, Reason: "Provisioning",
			Message: "Cluster is being provisioned", LastTransitionTime: metav1.Now(),
		}}
		return 0, c.writeStatus(ctx, object, original, cluster)
	case !slices.Contains(cluster.Finalizers, k3kapi.ClusterFinalizer):
		return 0, c.addClusterFinalizer(ctx, object)
	}
	if wait := c.holding(cluster); wait > 0 {
		return wait, nil
	}
	return c.provisionAndReport(ctx, object, cluster)
}

// provisionAndReport runs one full reconcile and writes what came of it.
func (c *Controller) provisionAndReport(ctx context.Context, object *unstructured.Unstructured, cluster *k3kapi.Cluster) (time.Duration, error) {
	original := cluster.Status
	original.Conditions = slices.Clone(original.Conditions)
	err := c.provision(ctx, cluster)
	becameReady := setOutcome(cluster, err)
	if err := c.writeStatus(ctx, object, original, cluster); err != nil {
		// Somebody else wrote meanwhile: the event of that write brings us back with the new object.
		if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
			return 0, nil
		}
		return 0, err
	}
	c.event(cluster, err, becameReady)
	var passing tick
	switch {
	case err == nil:
		c.memory.with(cluster, func(n *note) { n.succeeded, n.connected = true, true })
		return 0, c.label(ctx, cluster)
	case errors.Is(err, k3s.ErrNotReady):
		// The real controller asks again every 10 s; the played servers tell when they change.
		return 0, nil
	case errors.As(err, &passing):
		c.memory.with(cluster, func(n *note) { n.until = time.Now().Add(tickLength) })
		return tickLength, nil
	default:
		return 0, err
	}
}

// provision makes everything that a Cluster consists of; nil means Ready.
func (c *Controller) provision(ctx context.Context, cluster *k3kapi.Cluster) error {
	policy, err := c.boundPolicy(cluster)
	if err != nil {
		return err
	}
	if err := validate(cluster, policy); err != nil {
		return err
	}
	c.fillStatus(cluster)
	token, err := c.token(ctx, cluster)
	if err != nil {
		return err
	}
	service, err := c.hostObjects(ctx, cluster, token)
	if err != nil {
		return err
	}
	data, err := c.connect(cluster, service, token)
	if err != nil {
		return err
	}
	if err := c.bootstrapSecret(ctx, cluster, data); err != nil {
		return err
	}
	if err := c.bindClusterRoles(ctx, cluster); err != nil {
		return err
	}
	if err := c.kubeconfigSecret(ctx, cluster, service, data); err != nil {
		return err
	}
	if err := unreachable(cluster); err != nil {
		return err
	}
	if !c.seasoned(cluster) {
		// The policy's part of the templates arrives only now: the servers that
		// have just become ready are restarted.
		return c.workloads(ctx, cluster, cluster.Status.Policy)
	}
	return nil
}

// hostObjects makes everything that needs no answer from the servers.
func (c *Controller) hostObjects(ctx context.Context, cluster *k3kapi.Cluster, token string) (*corev1.Service, error) {
	if err := c.clusterNetworkPolicy(ctx, cluster); err != nil {
		return nil, err
	}
	service, err := c.apiService(ctx, cluster)
	if err != nil {
		return nil, err
	}
	cluster.Status.TLSSANs = tlsSANs(cluster, service.Spec.ClusterIP)
	if err := c.checkCustomCAs(cluster); err != nil {
		return nil, err
	}
	if err := c.copyAddons(ctx, cluster); err != nil {
		return nil, err
	}
	if err := c.configSecrets(ctx, cluster, service.Spec.ClusterIP, token); err != nil {
		return nil, err
	}
	if _, err := ensure(ctx, c.applied, c.serviceKind(cluster.Namespace), headlessService(cluster)); err != nil {
		return nil, err
	}
	var policy *k3kapi.AppliedPolicy
	if c.seasoned(cluster) {
		policy = cluster.Status.Policy
	}
	if err := c.workloads(ctx, cluster, policy); err != nil {
		return nil, err
	}
	return service, c.ingress(ctx, cluster)
}

// apiService keeps the Service, its address at the load balancer and the laboratory's note on it.
func (c *Controller) apiService(ctx context.Context, cluster *k3kapi.Cluster) (*corev1.Service, error) {
	desired := apiService(cluster)
	if endpoint := c.servers.Endpoint(cluster.Namespace, cluster.Name); endpoint != "" {
		desired.Annotations = merged(desired.Annotations, map[string]string{EndpointAnnotation: endpoint})
	}
	service, err := ensure(ctx, c.applied, c.serviceKind(cluster.Namespace), desired)
	if err != nil {
		return nil, err
	}
	return c.announce(ctx, service)
}

// workloads keeps the StatefulSet of the servers and the Deployment of the agents.
func (c *Controller) workloads(ctx context.Context, cluster *k3kapi.Cluster, policy *k3kapi.AppliedPolicy) error {
	set := statefulSet(cluster, policy)
	live, found := c.statefulSetKind(cluster.Namespace).cached(set.Namespace, set.Name)
	if found && live.Spec.Replicas != nil && *live.Spec.Replicas > 1 && cluster.Spec.Servers == 1 {
		c.memory.with(cluster, func(n *note) { n.shrunk = true })
	}
	if _, err := ensure(ctx, c.applied, c.statefulSetKind(cluster.Namespace), set); err != nil {
		return err
	}
	// Until the first Ready nobody looks at the annotations, and wiping them costs a
	// round of the Deployment controller for each of many reconciles.
	agents := c.deploymentKind(cluster.Namespace, c.seasoned(cluster))
	_, err := ensure(ctx, c.applied, agents, agentDeployment(cluster, policy))
	return err
}

// connect asks the servers for their bootstrap data, through the Service.
func (c *Controller) connect(cluster *k3kapi.Cluster, service *corev1.Service, token string) (*k3s.Data, error) {
	var connected, shrunk bool
	c.memory.with(cluster, func(n *note) { connected, shrunk = n.connected, n.shrunk })
	if !hasServerPort(service) && !connected {
		return nil, timeout(service)
	}
	data, err := c.servers.Fetch(cluster.Namespace, cluster.Name, token)
	if errors.Is(err, k3s.ErrNotReady) && shrunk {
		// While the members leave, packets are lost before connections are refused.
		c.memory.with(cluster, func(n *note) { n.shrunk = false })
		return nil, tick{timeout(service)}
	}
	return data, err
}

// boundPolicy is the policy that the namespace's label names, nil without label.
func (c *Controller) boundPolicy(cluster *k3kapi.Cluster) (*k3kapi.Policy, error) {
	namespace, err := c.namespaces.Get(cluster.Namespace)
	if err != nil {
		return nil, err
	}
	name := namespace.Labels[k3kapi.PolicyNameLabel]
	cluster.Status.PolicyName = name
	if name == "" {
		return nil, nil
	}
	item, exists, err := c.policies.GetByKey(name)
	if err != nil {
		return nil, err
	}
	if !exists {
		return nil, notFound(k3kapi.GroupVersion.Group, "VirtualClusterPolicy", name)
	}
	return k3kapi.PolicyFrom(item.(*unstructured.Unstructured))
}

// fillStatus sets what is known before anything is made.
func (c *Controller) fillStatus(cluster *k3kapi.Cluster) {
	status := &cluster.Status
	if status.HostVersion == "" {
		status.HostVersion = c.hostVersion
	}
	status.ClusterCIDR, status.ServiceCIDR = "10.52.0.0/16", "10.53.0.0/16"
	if cluster.Spec.ClusterCIDR != "" {
		status.ClusterCIDR = cluster.Spec.ClusterCIDR
	}
	if cluster.Spec.ServiceCIDR != "" {
		status.ServiceCIDR = cluster.Spec.ServiceCIDR
	}
}

// seasoned says whether the Cluster has been Ready once.
func (c *Controller) seasoned(cluster *k3kapi.Cluster) bool {
	succeeded := cluster.Labels[k3kapi.ProviderLabel] != ""
	c.memory.with(cluster, func(n *note) { succeeded = succeeded || n.succeeded })
	return succeeded
}

// holding is how long a passing failure still has to be shown.
func (c *Controller) holding(cluster *k3kapi.Cluster) (wait time.Duration) {
	c.memory.with(cluster, func(n *note) { wait = time.Until(n.until) })
	return wait
}

func (c *Controller) writeStatus(ctx context.Context, object *unstructured.Unstructured, original k3kapi.ClusterStatus, cluster *k3kapi.Cluster) error {
	if equality.Semantic.DeepEqual(original, cluster.Status) {
		return nil
	}
	status, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&cluster.Status)
	if err != nil {
		return err
	}
	update := object.DeepCopy()
	update.Object["status"] = status
	_, err = c.dynamic.Resource(k3kapi.Clusters).Namespace(cluster.Namespace).UpdateStatus(ctx, update, metav1.UpdateOptions{})
	return err
}

// addClusterFinalizer writes the whole object back, so an absent persistence
// appears as an empty object and the API server fills in its defaults.
func (c *Controller) addClusterFinalizer(ctx context.Context, object *unstructured.Unstructured) error {
	update := object.DeepCopy()
	update.SetFinalizers(append(update.GetFinalizers(), k3kapi.ClusterFinalizer))
	if _, found, _ := unstructured.NestedMap(update.Object, "spec", "persistence"); !found {
		if err := unstructured.SetNestedMap(update.Object, map[string]any{}, "spec", "persistence"); err != nil {
			return err
		}
	}
	_, err := c.dynamic.Resource(k3kapi.Clusters).Namespace(object.GetNamespace()).Update(ctx, update, metav1.UpdateOptions{})
	return ignoreConflict(err)
}

// label marks a Cluster that has been Ready once.
func (c *Controller) label(ctx context.Context, cluster *k3kapi.Cluster) error {
	if cluster.Labels[k3kapi.ProviderLabel] != "" {
		return nil
	}
	patch := fmt.Appendf(nil, `{"metadata":{"labels":{%q:"k3k"}}}`, k3kapi.ProviderLabel)
	_, err := c.dynamic.Resource(k3kapi.Clusters).Namespace(cluster.Namespace).
		Patch(ctx, cluster.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	return err
}

// finalizeCluster lets the Cluster go; garbage collection does the rest. A
// failure is in the log only: neither status nor event tells of it.
func (c *Controller) finalizeCluster(ctx context.Context, object *unstructured.Unstructured, cluster *k3kapi.Cluster) error {
	if !slices.Contains(cluster.Finalizers, k3kapi.ClusterFinalizer) {
		return nil
	}
	if err := c.unbindClusterRoles(ctx, cluster); err != nil {
		return err
	}
	update := object.DeepCopy()
	update.SetFinalizers(slices.DeleteFunc(update.GetFinalizers(), func(f string) bool { return f == k3kapi.ClusterFinalizer }))
	_, err := c.dynamic.Resource(k3kapi.Clusters).Namespace(cluster.Namespace).Update(ctx, update, metav1.UpdateOptions{})
	if err == nil {
		c.memory.forget(cluster.UID)
		klog.InfoS("cluster deleted", "cluster", klog.KObj(cluster))
	}
	if apierrors.IsNotFound(err) {
		return nil
	}
	return ignoreConflict(err)
}

// releaseStatefulSet takes the finalizer off a StatefulSet that is being deleted.
func (c *Controller) releaseStatefulSet(ctx context.Context, key types.NamespacedName) error {
	set, err := c.statefulSets.StatefulSets(key.Namespace).Get(k3kapi.Name(key.Name, "server"))
	if err != nil || set.DeletionTimestamp == nil || !slices.Contains(set.Finalizers, k3kapi.EtcdPodFinalizer) {
		return nil
	}
	update := set.DeepCopy()
	update.Finalizers = slices.DeleteFunc(update.Finalizers, func(f string) bool { return f == k3kapi.EtcdPodFinalizer })
	_, err = c.host.AppsV1().StatefulSets(key.Namespace).Update(ctx, update, metav1.UpdateOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func ignoreConflict(err error) error {
	if apierrors.IsConflict(err) {
		return nil // the event of the other write brings us back
	}
	return err
}
