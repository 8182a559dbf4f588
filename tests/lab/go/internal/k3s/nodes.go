package k3s

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// syncNodes keeps one Node per running pod. A Node whose pod is gone stays,
// NotReady, for ever: with-node-id gives every agent pod a name of its own, and
// nothing in k3k removes the old one (issue rancher/k3k#767).
func syncNodes(ctx context.Context, inner kubernetes.Interface, pods []*corev1.Pod) error {
	list, err := inner.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	live := map[string]*corev1.Node{}
	for index := range list.Items {
		live[list.Items[index].Name] = &list.Items[index]
	}
	for _, pod := range pods {
		if pod.Status.Phase != corev1.PodRunning || pod.DeletionTimestamp != nil {
			continue
		}
		desired := nodeFor(pod)
		node := live[desired.Name]
		delete(live, desired.Name)
		if err := ensureNode(ctx, inner, node, desired); err != nil {
			return err
		}
	}
	for _, lost := range live {
		if err := setReady(ctx, inner, lost, corev1.ConditionUnknown); err != nil {
			return err
		}
	}
	return nil
}

func ensureNode(ctx context.Context, inner kubernetes.Interface, node, desired *corev1.Node) error {
	if node == nil {
		var err error
		if node, err = inner.CoreV1().Nodes().Create(ctx, desired, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	updated := node.DeepCopy()
	updated.Status.Capacity, updated.Status.Allocatable = desired.Status.Capacity, desired.Status.Allocatable
	updated.Status.NodeInfo, updated.Status.Addresses = desired.Status.NodeInfo, desired.Status.Addresses
	if !equality.Semantic.DeepEqual(updated.Status, node.Status) {
		var err error
		if node, err = inner.CoreV1().Nodes().UpdateStatus(ctx, updated, metav1.UpdateOptions{}); err != nil {
			return err
		}
	}
	return setReady(ctx, inner, node, corev1.ConditionTrue)
}

// setReady writes the Ready condition when its status differs.
func setReady(ctx context.Context, inner kubernetes.Interface, node *corev1.Node, status corev1.ConditionStatus) error {
	condition := corev1.NodeCondition{
		Type: corev1.NodeReady, Status: status, LastHeartbeatTime: metav1.Now(), LastTransitionTime: metav1.Now(),
		Reason: "KubeletReady", Message: "kubelet is posting ready status",
	}
	if status != corev1.ConditionTrue {
		condition.Reason, condition.Message = "NodeStatusUnknown", "Kubelet stopped posting node status."
	}
	updated := node.DeepCopy()
	updated.Status.Conditions = nil
	for _, existing := range node.Status.Conditions {
		if existing.Type != corev1.NodeReady {
			updated.Status.Conditions = append(updated.Status.Conditions, existing)
		} else if existing.Status == status {
			return nil
		}
	}
	updated.Status.Conditions = append(updated.Status.Conditions, condition)
	_, err := inner.CoreV1().Nodes().UpdateStatus(ctx, updated, metav1.UpdateOptions{})
	if apierrors.IsNotFound(err) {
		return nil // somebody in the tenant removed it meanwhile
	}
	return err
}

// nodeFor is the Node that the kubelet inside the pod would register.
func nodeFor(pod *corev1.Pod) *corev1.Node {
	name := pod.Name
	labels := map[string]string{
		"kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64", "node.kubernetes.io/instance-type": "k3s",
	}
	if pod.Labels["role"] == "server" {
		for _, role := range []string{"control-plane", "etcd", "master"} {
			labels["node-role.kubernetes.io/"+role] = "true"
		}
	} else {
		// with-node-id: random in k3s, derived from the pod here, so that a restart of the stand-in keeps it.
		digest := sha256.Sum256([]byte(pod.UID))
		name = fmt.Sprintf("%s-%s", pod.Name, hex.EncodeToString(digest[:4]))
	}
	labels["kubernetes.io/hostname"] = name
	capacity := nodeCapacity(pod)
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
		Status: corev1.NodeStatus{
			Capacity: capacity, Allocatable: capacity,
			NodeInfo: corev1.NodeSystemInfo{
				KubeletVersion: kubeletVersion(pod.Spec.Containers[0].Image), OperatingSystem: "linux", Architecture: "amd64",
			},
			Addresses: []corev1.NodeAddress{
				{Type: corev1.NodeInternalIP, Address: pod.Status.PodIP}, {Type: corev1.NodeHostName, Address: name},
			},
		},
	}
}

// nodeCapacity is what the pod may use: its own limits, those of its container,
// and a small machine where it has none.
func nodeCapacity(pod *corev1.Pod) corev1.ResourceList {
	capacity := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("2"), corev1.ResourceMemory: resource.MustParse("4Gi"),
		corev1.ResourceEphemeralStorage: resource.MustParse("50Gi"), corev1.ResourcePods: resource.MustParse("110"),
	}
	limits := []corev1.ResourceList{pod.Spec.Containers[0].Resources.Limits}
	if pod.Spec.Resources != nil {
		limits = append(limits, pod.Spec.Resources.Limits)
	}
	for _, list := range limits {
		for name, quantity := range list {
			capacity[name] = quantity
		}
	}
	return capacity
}

// kubeletVersion turns an image tag back into a version: v1.34.4-k3s1 is v1.34.4+k3s1.
func kubeletVersion(image string) string {
	tag := image[strings.LastIndex(image, ":")+1:]
	return strings.Replace(tag, "-k3s", "+k3s", 1)
}
