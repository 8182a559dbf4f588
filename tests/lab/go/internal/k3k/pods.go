package k3k

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"aitenancy/lab/internal/k3kapi"
	"aitenancy/lab/internal/k3s"
)

const image = "rancher/k3s"

// serverTemplate is a function of the spec and of what the policy contributes;
// policy is nil when it contributes nothing (yet).
func serverTemplate(cluster *k3kapi.Cluster, policy *k3kapi.AppliedPolicy) corev1.PodTemplateSpec {
	spec := &cluster.Spec
	container := corev1.Container{
		Name:    k3kapi.Name(cluster.Name, "server"),
		Image:   image + ":" + version(cluster),
		Command: []string{"/bin/sh", "-c", serverScript(spec)},
		Env: append([]corev1.EnvVar{
			{Name: "POD_NAME", ValueFrom: fromField("metadata.name")}, {Name: "POD_IP", ValueFrom: fromField("status.podIP")},
		}, spec.ServerEnvs...),
		ImagePullPolicy: corev1.PullIfNotPresent,
		ReadinessProbe: &corev1.Probe{
			ProbeHandler:        corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(apiPort)}},
			InitialDelaySeconds: 60, PeriodSeconds: 10, TimeoutSeconds: 10, FailureThreshold: 5,
		},
		LivenessProbe: &corev1.Probe{
			ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{
				Command: []string{"sh", "-c", "! grep -q 'rejoin the cluster' /var/log/k3s.log"},
			}},
			InitialDelaySeconds: 10, PeriodSeconds: 3,
		},
	}
	pod := corev1.PodSpec{
		PriorityClassName: spec.PriorityClass,
		Affinity:          spec.ServerAffinity,
		Containers:        []corev1.Container{container},
	}
	mountSecret(&pod, "config", k3kapi.Name(cluster.Name, "server-config"), "/opt/rancher/k3s/server")
	mountSecret(&pod, "init-config", k3kapi.Name(cluster.Name, "init-server-config"), "/opt/rancher/k3s/init")
	mountEmpty(&pod, "/run", "/var/run", "/var/lib/cni", "/var/lib/kubelet", "/var/log")
	pod.Containers[0].VolumeMounts = append(pod.Containers[0].VolumeMounts,
		corev1.VolumeMount{Name: k3s.DataVolume, MountPath: "/var/lib/rancher/k3s"})
	if spec.Persistence.Type != k3kapi.PersistenceDynamic {
		pod.Volumes = append(pod.Volumes, corev1.Volume{
			Name: k3s.DataVolume, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}},
		})
	}
	for _, addon := range spec.Addons {
		mountSecret(&pod, "addon-"+addon.SecretRef, addon.SecretRef, "/var/lib/rancher/k3s/server/manifests/"+addon.SecretRef)
		pod.Containers[0].VolumeMounts[len(pod.Containers[0].VolumeMounts)-1].ReadOnly = true
	}
	if policy != nil && policy.ServerAffinity != nil {
		pod.Affinity = policy.ServerAffinity
	}
	finish(&pod, spec, policy, "server", spec.ServerLimit, spec.ServerResources)
	return corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: serverLabels(cluster)}, Spec: pod}
}

// agentTemplate is the pod of an agent. It has no probes, so it is Ready at once.
func agentTemplate(cluster *k3kapi.Cluster, policy *k3kapi.AppliedPolicy) corev1.PodTemplateSpec {
	spec := &cluster.Spec
	pod := corev1.PodSpec{
		Affinity: spec.AgentAffinity,
		Containers: []corev1.Container{{
			Name:            "k3k-agent",
			Image:           image + ":" + version(cluster),
			Command:         []string{"/bin/k3s"},
			Args:            append([]string{"agent", "--config", "/opt/rancher/k3s/config.yaml"}, spec.AgentArgs...),
			Env:             spec.AgentEnvs,
			ImagePullPolicy: corev1.PullIfNotPresent,
		}},
	}
	mountSecret(&pod, "config", k3kapi.Name(cluster.Name, "agent-config"), "/opt/rancher/k3s")
	mountEmpty(&pod, "/run", "/var/run", "/var/lib/cni", "/var/lib/kubelet", "/var/lib/rancher/k3s", "/var/log")
	if policy != nil && policy.AgentAffinity != nil {
		pod.Affinity = policy.AgentAffinity
	}
	finish(&pod, spec, policy, "agent", spec.WorkerLimit, spec.WorkerResources)
	return corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: agentLabels(cluster)}, Spec: pod}
}

// finish sets what servers and agents have in common.
func finish(pod *corev1.PodSpec, spec *k3kapi.ClusterSpec, policy *k3kapi.AppliedPolicy, role string,
	limit corev1.ResourceList, resources *corev1.ResourceRequirements) {
	container := &pod.Containers[0]
	pod.NodeSelector = spec.NodeSelector
	pod.RuntimeClassName, pod.HostUsers = spec.RuntimeClassName, spec.HostUsers
	pod.SecurityContext = spec.PodSecurityContext
	container.SecurityContext = spec.SecurityContext
	if policy != nil {
		if policy.SecurityContext != nil {
			container.SecurityContext = policy.SecurityContext
		}
		if policy.RuntimeClassName != nil {
			pod.RuntimeClassName = policy.RuntimeClassName
		}
		if policy.HostUsers != nil {
			pod.HostUsers = policy.HostUsers
		}
	}
	if container.SecurityContext == nil {
		// Any securityContext given replaces this as a whole.
		container.SecurityContext = &corev1.SecurityContext{Privileged: ptr.To(true)}
	}
	container.Resources = corev1.ResourceRequirements{Limits: limit}
	if resources != nil {
		// Pod-level resources win and clear the container's, GPUs in the limit included.
		pod.Resources, container.Resources = resources, corev1.ResourceRequirements{}
	}
	for _, mount := range spec.SecretMounts {
		addSecretMount(pod, mount, role)
	}
}

// addSecretMount skips entries without Secret or path, and those of the other role.
func addSecretMount(pod *corev1.PodSpec, mount k3kapi.SecretMount, role string) {
	if mount.SecretName == "" || mount.MountPath == "" || (mount.Role != "" && mount.Role != "all" && mount.Role != role) {
		return
	}
	name := mount.Name
	if name == "" {
		name = mount.SecretName
	}
	pod.Volumes = append(pod.Volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
		Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{{Secret: &corev1.SecretProjection{
			LocalObjectReference: corev1.LocalObjectReference{Name: mount.SecretName},
			Items:                mount.Items, Optional: mount.Optional,
		}}}},
	}})
	container := &pod.Containers[0]
	container.VolumeMounts = append(container.VolumeMounts,
		corev1.VolumeMount{Name: name, MountPath: mount.MountPath, SubPath: mount.SubPath})
}

func mountSecret(pod *corev1.PodSpec, volume, secret, path string) {
	pod.Volumes = append(pod.Volumes, corev1.Volume{
		Name: volume, VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: secret}},
	})
	container := &pod.Containers[0]
	container.VolumeMounts = append(container.VolumeMounts, corev1.VolumeMount{Name: volume, MountPath: path})
}

// mountEmpty names each emptyDir after its path: /var/lib/cni is varlibcni.
func mountEmpty(pod *corev1.PodSpec, paths ...string) {
	container := &pod.Containers[0]
	for _, path := range paths {
		name := strings.ReplaceAll(path, "/", "")
		pod.Volumes = append(pod.Volumes, corev1.Volume{
			Name: name, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}},
		})
		container.VolumeMounts = append(container.VolumeMounts, corev1.VolumeMount{Name: name, MountPath: path})
	}
}

func fromField(path string) *corev1.EnvVarSource {
	return &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: path}}
}

// version is the image tag; without one in the spec it follows the host's.
func version(cluster *k3kapi.Cluster) string {
	if cluster.Spec.Version != "" {
		return cluster.Spec.Version
	}
	return cluster.Status.HostVersion + "-k3s1"
}

// serverScript differs between one server and several, which is why scaling 1 to
// N and back restarts server 0. The arguments are not escaped, as in k3k.
func serverScript(spec *k3kapi.ClusterSpec) string {
	lines := []string{
		fmt.Sprintf("EXTRA_ARGS=\"%s\"", strings.Join(spec.ServerArgs, " ")),
		"CONFIG=/opt/rancher/k3s/init/config.yaml",
		"DATA=/var/lib/rancher/k3s/server/db/etcd",
	}
	if spec.Servers > 1 {
		lines = append(lines, `if [ "${POD_NAME##*-}" != 0 ] || [ -d $DATA ]; then CONFIG=/opt/rancher/k3s/server/config.yaml; fi`)
	} else {
		lines = append(lines, `if [ -d $DATA ]; then /bin/k3s server --cluster-reset --config $CONFIG $EXTRA_ARGS; fi`)
	}
	return strings.Join(append(lines, "/bin/k3s server --config $CONFIG $EXTRA_ARGS 2>&1 | tee /var/log/k3s.log"), "\n")
}

func statefulSet(cluster *k3kapi.Cluster, policy *k3kapi.AppliedPolicy) *appsv1.StatefulSet {
	set := &appsv1.StatefulSet{
		ObjectMeta: child(cluster, k3kapi.Name(cluster.Name, "server"), serverLabels(cluster)),
		Spec: appsv1.StatefulSetSpec{
			Replicas:            ptr.To(cluster.Spec.Servers),
			ServiceName:         k3kapi.Name(cluster.Name, "service", "headless"),
			Selector:            &metav1.LabelSelector{MatchLabels: serverLabels(cluster)},
			Template:            serverTemplate(cluster, policy),
			PodManagementPolicy: appsv1.OrderedReadyPodManagement,
		},
	}
	set.Finalizers = []string{k3kapi.EtcdPodFinalizer}
	if persistence := cluster.Spec.Persistence; persistence.Type == k3kapi.PersistenceDynamic {
		size := resource.MustParse("2G")
		if persistence.StorageRequestSize != nil {
			size = *persistence.StorageRequestSize
		}
		claim := corev1.PersistentVolumeClaim{
			// The claims belong to the Cluster, so they are deleted with it whatever the retention policy says.
			ObjectMeta: child(cluster, k3s.DataVolume, serverLabels(cluster)),
			Spec: corev1.PersistentVolumeClaimSpec{
				AccessModes:      []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
				StorageClassName: persistence.StorageClassName,
				Resources:        corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: size}},
			},
		}
		claim.Namespace = "" // of a template it means nothing
		set.Spec.VolumeClaimTemplates = []corev1.PersistentVolumeClaim{claim}
	}
	return set
}

func agentLabels(cluster *k3kapi.Cluster) map[string]string {
	return map[string]string{"cluster": cluster.Name, "type": "agent", "mode": k3kapi.ModeVirtual}
}

func agentDeployment(cluster *k3kapi.Cluster, policy *k3kapi.AppliedPolicy) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: child(cluster, k3kapi.Name(cluster.Name, "agent"), agentLabels(cluster)),
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To(cluster.Spec.Agents),
			Selector: &metav1.LabelSelector{MatchLabels: agentLabels(cluster)},
			Template: agentTemplate(cluster, policy),
		},
	}
}
