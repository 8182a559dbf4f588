package k3k

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"aitenancy/lab/internal/k3kapi"
)

func newCluster(spec k3kapi.ClusterSpec) *k3kapi.Cluster {
	spec.Mode = k3kapi.ModeVirtual
	return &k3kapi.Cluster{
		ObjectMeta: metav1.ObjectMeta{Name: "alpha", Namespace: "t1", UID: "u"},
		Spec:       spec,
		Status:     k3kapi.ClusterStatus{HostVersion: "v1.34.4"},
	}
}

func TestServicePorts(t *testing.T) {
	for name, row := range map[string]struct {
		expose *k3kapi.Expose
		kind   corev1.ServiceType
		ports  []int32 // pairs: port, node port
	}{
		"nothing":           {nil, corev1.ServiceTypeClusterIP, []int32{443, 0, 2379, 0}},
		"empty":             {&k3kapi.Expose{}, corev1.ServiceTypeClusterIP, []int32{443, 0, 2379, 0}},
		"node port":         {&k3kapi.Expose{NodePort: &k3kapi.ExposePorts{ServerPort: ptr.To[int32](30443)}}, corev1.ServiceTypeNodePort, []int32{443, 30443, 2379, 0}},
		"out of range":      {&k3kapi.Expose{NodePort: &k3kapi.ExposePorts{ServerPort: ptr.To[int32](443), EtcdPort: ptr.To[int32](0)}}, corev1.ServiceTypeNodePort, nil},
		"load balancer":     {&k3kapi.Expose{LoadBalancer: &k3kapi.ExposePorts{}}, corev1.ServiceTypeLoadBalancer, []int32{443, 0, 2379, 0}},
		"other server port": {&k3kapi.Expose{LoadBalancer: &k3kapi.ExposePorts{ServerPort: ptr.To[int32](8443), EtcdPort: ptr.To[int32](-1)}}, corev1.ServiceTypeLoadBalancer, []int32{8443, 0}},
	} {
		service := apiService(newCluster(k3kapi.ClusterSpec{Expose: row.expose}))
		var ports []int32
		for _, port := range service.Spec.Ports {
			ports = append(ports, port.Port, port.NodePort)
		}
		if service.Spec.Type != row.kind || !slices.Equal(ports, row.ports) {
			t.Errorf("%s: %s %v", name, service.Spec.Type, ports)
		}
	}
}

func TestServerURL(t *testing.T) {
	balanced := &corev1.Service{
		Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, ClusterIP: "10.43.0.9", Ports: []corev1.ServicePort{servicePort(serverPortName, 8443, apiPort)}},
		Status: corev1.ServiceStatus{LoadBalancer: corev1.LoadBalancerStatus{
			Ingress: []corev1.LoadBalancerIngress{{IP: "192.0.2.77"}},
		}},
	}
	plain := &corev1.Service{Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeClusterIP, ClusterIP: "10.43.0.9"}}
	ingress := &k3kapi.Expose{Ingress: &k3kapi.ExposeIngress{}}
	for name, row := range map[string]struct {
		spec    k3kapi.ClusterSpec
		service *corev1.Service
		want    string
	}{
		"cluster IP":              {k3kapi.ClusterSpec{}, plain, "https://10.43.0.9"},
		"balancer in the names":   {k3kapi.ClusterSpec{TLSSANs: []string{"192.0.2.77"}}, balanced, "https://192.0.2.77:8443"},
		"balancer not named":      {k3kapi.ClusterSpec{TLSSANs: []string{"a.example.com"}}, balanced, "https://a.example.com:8443"},
		"no name at all":          {k3kapi.ClusterSpec{}, balanced, "https://10.43.0.9:8443"},
		"ingress takes the first": {k3kapi.ClusterSpec{Expose: ingress, TLSSANs: []string{"192.0.2.1", "b.example.com", "a.example.com"}}, plain, "https://b.example.com"},
	} {
		cluster := newCluster(row.spec)
		cluster.Status.TLSSANs = tlsSANs(cluster, "10.43.0.9")
		if got := serverURL(cluster, row.service); got != row.want {
			t.Errorf("%s: %s, want %s", name, got, row.want)
		}
	}
}

func TestTemplates(t *testing.T) {
	gpu := corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("1")}
	cluster := newCluster(k3kapi.ClusterSpec{
		WorkerLimit: gpu, WorkerResources: &corev1.ResourceRequirements{}, PriorityClass: "high",
		ServerArgs: []string{"--a=b c", `--q="x"`}, SecurityContext: &corev1.SecurityContext{RunAsUser: ptr.To[int64](0)},
		SecretMounts: []k3kapi.SecretMount{
			{SecretName: "both", MountPath: "/both"}, {SecretName: "agents", MountPath: "/agents", Role: "agent"}, {SecretName: "skipped"},
		},
	})
	server, agent := serverTemplate(cluster, nil).Spec, agentTemplate(cluster, nil).Spec
	if agent.Resources == nil || len(agent.Containers[0].Resources.Limits) != 0 {
		t.Error("workerResources must erase workerLimit")
	}
	if server.PriorityClassName != "high" || agent.PriorityClassName != "" {
		t.Error("the priority class is the servers' only")
	}
	if server.Containers[0].SecurityContext.Privileged != nil {
		t.Error("a securityContext must replace privileged")
	}
	if !strings.Contains(server.Containers[0].Command[2], `EXTRA_ARGS="--a=b c --q="x""`) {
		t.Error("serverArgs must not be escaped")
	}
	if server.Containers[0].Image != "rancher/k3s:v1.34.4-k3s1" {
		t.Errorf("image %s", server.Containers[0].Image)
	}
	if names := projected(server); !slices.Equal(names, []string{"both"}) {
		t.Errorf("mounts of servers: %v", names)
	}
	if names := projected(agent); !slices.Equal(names, []string{"both", "agents"}) {
		t.Errorf("mounts of agents: %v", names)
	}
	if agent.Containers[0].ReadinessProbe != nil {
		t.Error("agents have no probes")
	}
}

func projected(pod corev1.PodSpec) []string {
	var names []string
	for _, volume := range pod.Volumes {
		if volume.Projected != nil {
			names = append(names, volume.Name)
		}
	}
	return names
}

func TestPolicyOverridesTemplate(t *testing.T) {
	policy := &k3kapi.AppliedPolicy{
		Name: "gold", NodeSelector: map[string]string{"pool": "gold"}, PriorityClass: "high",
		ServerAffinity: &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{}}, RuntimeClassName: ptr.To("kata"),
	}
	cluster := newCluster(k3kapi.ClusterSpec{ServerAffinity: &corev1.Affinity{}})
	server := serverTemplate(cluster, policy).Spec
	if server.Affinity != policy.ServerAffinity || server.RuntimeClassName != policy.RuntimeClassName {
		t.Error("affinity and runtime class come from the policy")
	}
	if server.NodeSelector != nil || server.PriorityClassName != "" {
		t.Error("node selector and priority of a policy reach no pod in mode virtual")
	}
}

func TestScriptChangesBetweenOneAndSeveralServers(t *testing.T) {
	script := func(servers int32) string { return serverScript(&k3kapi.ClusterSpec{Servers: servers}) }
	if script(1) == script(3) || script(3) != script(5) {
		t.Error("only the step between one and several servers changes the script")
	}
}

func TestStorage(t *testing.T) {
	dynamic := statefulSet(newCluster(k3kapi.ClusterSpec{Persistence: k3kapi.Persistence{Type: "dynamic"}}), nil)
	claim := dynamic.Spec.VolumeClaimTemplates[0]
	if size := claim.Spec.Resources.Requests[corev1.ResourceStorage]; size.String() != "2G" {
		t.Errorf("size %s", size.String())
	}
	if claim.OwnerReferences[0].Kind != "Cluster" {
		t.Error("claims belong to the Cluster")
	}
	// Whatever is not "dynamic" is an emptyDir, "static" too.
	if static := statefulSet(newCluster(k3kapi.ClusterSpec{Persistence: k3kapi.Persistence{Type: "static"}}), nil); len(static.Spec.VolumeClaimTemplates) != 0 {
		t.Error("only dynamic persistence has claims")
	}
}

func TestValidate(t *testing.T) {
	named := newCluster(k3kapi.ClusterSpec{})
	named.Name = "system"
	shared := newCluster(k3kapi.ClusterSpec{})
	shared.Spec.Mode = "shared"
	noHost := newCluster(k3kapi.ClusterSpec{TLSSANs: []string{"192.0.2.1"}, Expose: &k3kapi.Expose{Ingress: &k3kapi.ExposeIngress{}}})
	gold := &k3kapi.Policy{ObjectMeta: metav1.ObjectMeta{Name: "gold"}, Spec: k3kapi.PolicySpec{AllowedMode: "virtual"}}
	for want, err := range map[string]error{
		`cluster validation error: invalid cluster name "system"`:                                                            validate(named, nil),
		`cluster validation error: mode "shared" is not allowed by the policy "gold"`:                                        validate(shared, gold),
		`cluster validation error: expose.ingress requires at least one DNS name in spec.tlsSANs to use as the ingress host`: validate(noHost, nil),
		`cluster validation error: the laboratory's stand-in for k3k provisions mode "virtual" only, not "shared"`:           validate(shared, nil),
	} {
		if err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
		if phase, reason, _ := outcome(err); phase != k3kapi.PhasePending || reason != "ValidationFailed" {
			t.Errorf("%v: %s %s", err, phase, reason)
		}
	}
	if err := validate(newCluster(k3kapi.ClusterSpec{}), gold); err != nil {
		t.Error(err)
	}
}

func TestPodSecurityLabels(t *testing.T) {
	count := func(level string) (set int) {
		for _, value := range podSecurityLabels(level) {
			if value != nil {
				set++
			}
		}
		return set
	}
	if count("") != 0 || count("privileged") != 2 || count("baseline") != 4 {
		t.Error("unset removes all, privileged sets enforce only, baseline also warn")
	}
}
