package k3k

import (
	"fmt"
	"maps"
	"net"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"aitenancy/lab/internal/k3kapi"
)

const (
	serverPortName = "k3s-server-port"
	etcdPortName   = "k3s-etcd-port"
	apiPort        = 6443
	etcdPort       = 2379
	httpsPort      = 443

	// EndpointAnnotation tells where the laboratory really serves a virtual
	// cluster: nothing routes cluster IPs there.
	EndpointAnnotation = "lab.ai-tenancy.platform/endpoint"
)

// child is the metadata of an object that belongs to a Cluster.
func child(cluster *k3kapi.Cluster, name string, labels map[string]string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: cluster.Namespace, Name: name, Labels: labels,
		OwnerReferences: []metav1.OwnerReference{cluster.OwnerReference()},
	}
}

func serverLabels(cluster *k3kapi.Cluster) map[string]string {
	return map[string]string{"cluster": cluster.Name, "role": "server"}
}

// apiService is the Service in front of the servers.
func apiService(cluster *k3kapi.Cluster) *corev1.Service {
	service := &corev1.Service{
		ObjectMeta: child(cluster, k3kapi.Name(cluster.Name, "service"), nil),
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeClusterIP, Selector: serverLabels(cluster)},
	}
	expose := cluster.Spec.Expose
	if expose == nil {
		expose = &k3kapi.Expose{}
	}
	service.Annotations = maps.Clone(expose.Annotations)
	switch {
	case expose.LoadBalancer != nil:
		service.Spec.Type = corev1.ServiceTypeLoadBalancer
		service.Spec.Ports = loadBalancerPorts(expose.LoadBalancer)
	case expose.NodePort != nil:
		service.Spec.Type = corev1.ServiceTypeNodePort
		service.Spec.Ports = nodePorts(expose.NodePort)
	default:
		service.Spec.Ports = []corev1.ServicePort{
			servicePort(serverPortName, httpsPort, apiPort), servicePort(etcdPortName, etcdPort, etcdPort),
		}
	}
	return service
}

// loadBalancerPorts: the outer ports are free to choose, zero or less leaves a port out.
func loadBalancerPorts(ports *k3kapi.ExposePorts) []corev1.ServicePort {
	var result []corev1.ServicePort
	if outer := value(ports.ServerPort, httpsPort); outer > 0 {
		result = append(result, servicePort(serverPortName, outer, apiPort))
	}
	if outer := value(ports.EtcdPort, etcdPort); outer > 0 {
		result = append(result, servicePort(etcdPortName, outer, etcdPort))
	}
	return result
}

// nodePorts: an unset port is random, one outside the range is silently left out.
func nodePorts(ports *k3kapi.ExposePorts) []corev1.ServicePort {
	var result []corev1.ServicePort
	add := func(wanted *int32, port corev1.ServicePort) {
		if wanted != nil {
			if *wanted < 30000 || *wanted > 32767 {
				return
			}
			port.NodePort = *wanted
		}
		result = append(result, port)
	}
	add(ports.ServerPort, servicePort(serverPortName, httpsPort, apiPort))
	add(ports.EtcdPort, servicePort(etcdPortName, etcdPort, etcdPort))
	return result
}

func servicePort(name string, port, target int32) corev1.ServicePort {
	return corev1.ServicePort{
		Name: name, Port: port, TargetPort: intstr.FromInt32(target), Protocol: corev1.ProtocolTCP,
	}
}

func value(pointer *int32, otherwise int32) int32 {
	if pointer == nil {
		return otherwise
	}
	return *pointer
}

// headlessService gives the server pods their names.
func headlessService(cluster *k3kapi.Cluster) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: child(cluster, k3kapi.Name(cluster.Name, "service", "headless"), nil),
		Spec: corev1.ServiceSpec{
			Type: corev1.ServiceTypeClusterIP, ClusterIP: corev1.ClusterIPNone, Selector: serverLabels(cluster),
			Ports: []corev1.ServicePort{
				servicePort(serverPortName, httpsPort, apiPort), servicePort(etcdPortName, etcdPort, etcdPort),
			},
		},
	}
}

// overlayService keeps what the API server allocated, and annotations for ever:
// the controller merges them and never removes one.
func overlayService(live, desired *corev1.Service) *corev1.Service {
	result := live.DeepCopy()
	result.OwnerReferences = desired.OwnerReferences
	result.Annotations = merged(live.Annotations, desired.Annotations)
	result.Spec.Type, result.Spec.Selector = desired.Spec.Type, desired.Spec.Selector
	// Ports that a change of the type makes meaningless would be refused.
	result.Spec.Ports = desired.Spec.Ports
	if desired.Spec.Type == corev1.ServiceTypeClusterIP {
		result.Spec.ExternalTrafficPolicy = ""
		result.Spec.AllocateLoadBalancerNodePorts = nil
	}
	if desired.Spec.Type == corev1.ServiceTypeNodePort {
		result.Spec.AllocateLoadBalancerNodePorts = nil
	}
	return result
}

func merged(base, over map[string]string) map[string]string {
	if len(base)+len(over) == 0 {
		return nil
	}
	result := map[string]string{}
	maps.Copy(result, base)
	maps.Copy(result, over)
	return result
}

// hasServerPort says whether https://<ClusterIP>, which the controller and all
// agents use, leads anywhere.
func hasServerPort(service *corev1.Service) bool {
	return slices.ContainsFunc(service.Spec.Ports, func(port corev1.ServicePort) bool {
		return port.Port == httpsPort && port.TargetPort.IntVal == apiPort
	})
}

// tlsSANs is the sorted set of names in the serving certificate.
func tlsSANs(cluster *k3kapi.Cluster, clusterIP string) []string {
	name := k3kapi.Name(cluster.Name, "service")
	sans := append([]string{clusterIP, name, name + "." + cluster.Namespace}, cluster.Spec.TLSSANs...)
	slices.Sort(sans)
	return slices.Compact(sans)
}

// dnsNames are the hosts of an ingress: those of spec.tlsSANs that are no address, in the order given.
func dnsNames(cluster *k3kapi.Cluster) []string {
	var names []string
	for _, san := range cluster.Spec.TLSSANs {
		if net.ParseIP(san) == nil {
			names = append(names, san)
		}
	}
	return names
}

// serverURL is the server in the kubeconfig Secret. Outside of ingress, a host
// that the certificate does not name is replaced by one that it does.
func serverURL(cluster *k3kapi.Cluster, service *corev1.Service) string {
	if expose := cluster.Spec.Expose; expose != nil && expose.Ingress != nil {
		return "https://" + dnsNames(cluster)[0]
	}
	host, port := service.Spec.ClusterIP, int32(httpsPort)
	if service.Spec.Type == corev1.ServiceTypeLoadBalancer {
		host = ""
		for _, ingress := range service.Status.LoadBalancer.Ingress {
			if host = ingress.IP; host == "" {
				host = ingress.Hostname
			}
			break
		}
		for _, candidate := range service.Spec.Ports {
			if candidate.Name == serverPortName {
				port = candidate.Port
			}
		}
	}
	if !slices.Contains(cluster.Status.TLSSANs, host) {
		host = append(slices.Clone(cluster.Spec.TLSSANs), cluster.Status.TLSSANs...)[0]
	}
	if port == httpsPort {
		return "https://" + bracketed(host)
	}
	return fmt.Sprintf("https://%s:%d", bracketed(host), port)
}

func bracketed(host string) string {
	if ip := net.ParseIP(host); ip != nil && ip.To4() == nil {
		return "[" + host + "]"
	}
	return host
}
