// Package k3kapi holds the part of the k3k.io/v1beta1 API that the stand-in
// reads and writes. The CRDs in tests/lab/k3k/crds are the authority on what is
// admitted; a field that is missing here is still stored by the API server.
package k3kapi

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Names that the k3k controller and its users share.
const (
	PolicyNameLabel  = "policy.k3k.io/policy-name"
	ManagedByLabel   = "app.kubernetes.io/managed-by"
	PolicyManager    = "k3k-policy-controller"
	ProviderLabel    = "provider.cattle.io"
	ClusterFinalizer = "cluster.k3k.io/finalizer"
	EtcdPodFinalizer = "etcdpod.k3k.io/finalizer"
	PolicyFinalizer  = "policy.k3k.io/finalizer"

	ModeVirtual        = "virtual"
	PersistenceDynamic = "dynamic"
)

// Phases of a Cluster.
const (
	PhasePending      = "Pending"
	PhaseProvisioning = "Provisioning"
	PhaseReady        = "Ready"
	PhaseFailed       = "Failed"
	PhaseUnknown      = "Unknown"
)

var (
	// GroupVersion of both kinds.
	GroupVersion = schema.GroupVersion{Group: "k3k.io", Version: "v1beta1"}
	// Clusters and Policies are the resources' names for the dynamic client.
	Clusters = GroupVersion.WithResource("clusters")
	Policies = GroupVersion.WithResource("virtualclusterpolicies")
)

// Cluster is one virtual cluster.
type Cluster struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              ClusterSpec   `json:"spec"`
	Status            ClusterStatus `json:"status"`
}

// ClusterSpec is what the user asks for.
type ClusterSpec struct {
	Mode               string                       `json:"mode,omitempty"`
	Version            string                       `json:"version,omitempty"`
	Servers            int32                        `json:"servers"`
	Agents             int32                        `json:"agents"`
	ClusterCIDR        string                       `json:"clusterCIDR,omitempty"`
	ServiceCIDR        string                       `json:"serviceCIDR,omitempty"`
	ClusterDNS         string                       `json:"clusterDNS,omitempty"`
	Persistence        Persistence                  `json:"persistence"`
	Expose             *Expose                      `json:"expose,omitempty"`
	NodeSelector       map[string]string            `json:"nodeSelector,omitempty"`
	PriorityClass      string                       `json:"priorityClass,omitempty"`
	RuntimeClassName   *string                      `json:"runtimeClassName,omitempty"`
	HostUsers          *bool                        `json:"hostUsers,omitempty"`
	TokenSecretRef     *corev1.SecretReference      `json:"tokenSecretRef,omitempty"`
	TLSSANs            []string                     `json:"tlsSANs,omitempty"`
	ServerArgs         []string                     `json:"serverArgs,omitempty"`
	AgentArgs          []string                     `json:"agentArgs,omitempty"`
	ServerEnvs         []corev1.EnvVar              `json:"serverEnvs,omitempty"`
	AgentEnvs          []corev1.EnvVar              `json:"agentEnvs,omitempty"`
	Addons             []Addon                      `json:"addons,omitempty"`
	ServerLimit        corev1.ResourceList          `json:"serverLimit,omitempty"`
	WorkerLimit        corev1.ResourceList          `json:"workerLimit,omitempty"`
	ServerResources    *corev1.ResourceRequirements `json:"serverResources,omitempty"`
	WorkerResources    *corev1.ResourceRequirements `json:"workerResources,omitempty"`
	ServerAffinity     *corev1.Affinity             `json:"serverAffinity,omitempty"`
	AgentAffinity      *corev1.Affinity             `json:"agentAffinity,omitempty"`
	CustomCAs          *CustomCAs                   `json:"customCAs,omitempty"`
	SecretMounts       []SecretMount                `json:"secretMounts,omitempty"`
	SecurityContext    *corev1.SecurityContext      `json:"securityContext,omitempty"`
	PodSecurityContext *corev1.PodSecurityContext   `json:"podSecurityContext,omitempty"`
}

// Persistence says where a server keeps its data.
type Persistence struct {
	Type               string             `json:"type,omitempty"`
	StorageClassName   *string            `json:"storageClassName,omitempty"`
	StorageRequestSize *resource.Quantity `json:"storageRequestSize,omitempty"`
}

// Expose says how the API is reached from outside; at most one of the three is set.
type Expose struct {
	Annotations  map[string]string `json:"annotations,omitempty"`
	Ingress      *ExposeIngress    `json:"ingress,omitempty"`
	LoadBalancer *ExposePorts      `json:"loadBalancer,omitempty"`
	NodePort     *ExposePorts      `json:"nodePort,omitempty"`
}

// ExposeIngress asks for an Ingress in front of the API.
type ExposeIngress struct {
	Annotations      map[string]string `json:"annotations,omitempty"`
	IngressClassName *string           `json:"ingressClassName,omitempty"`
}

// ExposePorts are the outer ports of the API and of etcd.
type ExposePorts struct {
	ServerPort *int32 `json:"serverPort,omitempty"`
	EtcdPort   *int32 `json:"etcdPort,omitempty"`
}

// Addon names a Secret with manifests for the tenant.
type Addon struct {
	SecretNamespace string `json:"secretNamespace,omitempty"`
	SecretRef       string `json:"secretRef,omitempty"`
}

// CustomCAs names the Secrets with the user's own certificate authorities.
type CustomCAs struct {
	Enabled bool                        `json:"enabled"`
	Sources map[string]CredentialSource `json:"sources"`
}

// CredentialSource names one Secret.
type CredentialSource struct {
	SecretName string `json:"secretName"`
}

// SecretMount puts a Secret of the namespace into server or agent pods.
type SecretMount struct {
	Name       string             `json:"name,omitempty"`
	SecretName string             `json:"secretName,omitempty"`
	Items      []corev1.KeyToPath `json:"items,omitempty"`
	Optional   *bool              `json:"optional,omitempty"`
	MountPath  string             `json:"mountPath,omitempty"`
	SubPath    string             `json:"subPath,omitempty"`
	Role       string             `json:"role,omitempty"`
}

// ClusterStatus is what the controller says of a Cluster.
type ClusterStatus struct {
	Phase       string             `json:"phase,omitempty"`
	HostVersion string             `json:"hostVersion,omitempty"`
	ClusterCIDR string             `json:"clusterCIDR,omitempty"`
	ServiceCIDR string             `json:"serviceCIDR,omitempty"`
	ClusterDNS  string             `json:"clusterDNS,omitempty"`
	TLSSANs     []string           `json:"tlsSANs,omitempty"`
	PolicyName  string             `json:"policyName,omitempty"`
	Policy      *AppliedPolicy     `json:"policy,omitempty"`
	Conditions  []metav1.Condition `json:"conditions,omitempty"`
}

// AppliedPolicy is what the policy of the namespace contributes to a Cluster.
type AppliedPolicy struct {
	Name             string                  `json:"name"`
	NodeSelector     map[string]string       `json:"nodeSelector,omitempty"`
	PriorityClass    string                  `json:"priorityClass,omitempty"`
	ServerAffinity   *corev1.Affinity        `json:"serverAffinity,omitempty"`
	AgentAffinity    *corev1.Affinity        `json:"agentAffinity,omitempty"`
	SecurityContext  *corev1.SecurityContext `json:"securityContext,omitempty"`
	RuntimeClassName *string                 `json:"runtimeClassName,omitempty"`
	HostUsers        *bool                   `json:"hostUsers,omitempty"`
	// Sync is copied as it is: nothing in mode virtual depends on it.
	Sync map[string]any `json:"sync,omitempty"`
}

// Policy is a VirtualClusterPolicy. The controller never writes its status.
type Policy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              PolicySpec `json:"spec"`
}

// PolicySpec is what holds in every namespace bound to the policy.
type PolicySpec struct {
	AllowedMode               string                    `json:"allowedMode,omitempty"`
	Quota                     *corev1.ResourceQuotaSpec `json:"quota,omitempty"`
	Limit                     *corev1.LimitRangeSpec    `json:"limit,omitempty"`
	DisableNetworkPolicy      bool                      `json:"disableNetworkPolicy,omitempty"`
	PodSecurityAdmissionLevel string                    `json:"podSecurityAdmissionLevel,omitempty"`
	DefaultNodeSelector       map[string]string         `json:"defaultNodeSelector,omitempty"`
	DefaultPriorityClass      string                    `json:"defaultPriorityClass,omitempty"`
	DefaultServerAffinity     *corev1.Affinity          `json:"defaultServerAffinity,omitempty"`
	DefaultAgentAffinity      *corev1.Affinity          `json:"defaultAgentAffinity,omitempty"`
	SecurityContext           *corev1.SecurityContext   `json:"securityContext,omitempty"`
	RuntimeClassName          *string                   `json:"runtimeClassName,omitempty"`
	HostUsers                 *bool                     `json:"hostUsers,omitempty"`
	Sync                      map[string]any            `json:"sync,omitempty"`
}

// ClusterFrom converts what the dynamic client returns.
func ClusterFrom(object *unstructured.Unstructured) (*Cluster, error) {
	cluster := &Cluster{}
	return cluster, runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, cluster)
}

// PolicyFrom converts what the dynamic client returns.
func PolicyFrom(object *unstructured.Unstructured) (*Policy, error) {
	policy := &Policy{}
	return policy, runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, policy)
}

// Applied returns what the policy contributes to each Cluster of a bound namespace.
func (p *Policy) Applied() *AppliedPolicy {
	return &AppliedPolicy{
		Name:             p.Name,
		NodeSelector:     p.Spec.DefaultNodeSelector,
		PriorityClass:    p.Spec.DefaultPriorityClass,
		ServerAffinity:   p.Spec.DefaultServerAffinity,
		AgentAffinity:    p.Spec.DefaultAgentAffinity,
		SecurityContext:  p.Spec.SecurityContext,
		RuntimeClassName: p.Spec.RuntimeClassName,
		HostUsers:        p.Spec.HostUsers,
		Sync:             p.Spec.Sync,
	}
}

// OwnerReference is the controller reference that the children of a Cluster carry.
func (c *Cluster) OwnerReference() metav1.OwnerReference {
	return ownerReference("Cluster", c.ObjectMeta)
}

// OwnerReference is the controller reference that the children of a policy carry.
func (p *Policy) OwnerReference() metav1.OwnerReference {
	return ownerReference("VirtualClusterPolicy", p.ObjectMeta)
}

func ownerReference(kind string, meta metav1.ObjectMeta) metav1.OwnerReference {
	yes := true
	return metav1.OwnerReference{
		APIVersion: GroupVersion.String(), Kind: kind, Name: meta.Name, UID: meta.UID,
		Controller: &yes, BlockOwnerDeletion: &yes,
	}
}
