package node

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/vishvananda/netlink"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"aitenancy/lab/internal/rke2/certs"
)

// protocolStatic marks the routes, so that rke2-killall.sh finds them (RTPROT_STATIC of rtnetlink).
const protocolStatic = 4

// network gives pods addresses of the node's range and routes to those of the others.
type network struct {
	node, clusterCIDR, cniDir string
}

// run keeps the pod network right until the context ends.
func (n *network) run(ctx context.Context, nodes, kubelet kubernetes.Interface) {
	prepared := false
	for ctx.Err() == nil {
		request, cancel := context.WithTimeout(ctx, 5*time.Second)
		if !prepared {
			prepared = n.prepare(request, kubelet)
		}
		if list, err := nodes.CoreV1().Nodes().List(request, metav1.ListOptions{}); err == nil {
			n.route(list.Items)
		}
		cancel()
		pause := 3 * time.Second
		if !prepared {
			pause = 300 * time.Millisecond
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// prepare configures CNI as soon as the node has its range of addresses.
func (n *network) prepare(ctx context.Context, client kubernetes.Interface) bool {
	node, err := client.CoreV1().Nodes().Get(ctx, n.node, metav1.GetOptions{})
	if err != nil || node.Spec.PodCIDR == "" {
		return false
	}
	if err := n.configure(node.Spec.PodCIDR); err != nil {
		slog.Error("pod network", "error", err)
		return false
	}
	return true
}

func (n *network) configure(podCIDR string) error {
	// Policies on the same node are enforced only when bridged packets pass iptables.
	for _, setting := range []string{"net/ipv4/ip_forward", "net/bridge/bridge-nf-call-iptables"} {
		if err := os.WriteFile(filepath.Join("/proc/sys", setting), []byte("1"), 0o644); err != nil {
			return err
		}
	}
	masquerade := []string{"POSTROUTING", "-s", n.clusterCIDR, "!", "-d", n.clusterCIDR, "-j", "MASQUERADE"}
	if iptables(append([]string{"-t", "nat", "-C"}, masquerade...)...) != nil {
		if err := iptables(append([]string{"-t", "nat", "-A"}, masquerade...)...); err != nil {
			return err
		}
	}
	content, err := json.MarshalIndent(map[string]any{
		"cniVersion": "0.4.0", "name": "lab",
		"plugins": []any{
			map[string]any{
				"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": false, "hairpinMode": true,
				"ipam": map[string]any{
					"type": "host-local", "ranges": []any{[]any{map[string]any{"subnet": podCIDR}}},
					"routes": []any{map[string]any{"dst": "0.0.0.0/0"}},
				},
			},
			map[string]any{"type": "portmap", "capabilities": map[string]any{"portMappings": true}},
		},
	}, "", "  ")
	if err != nil {
		return err
	}
	return certs.WriteFile(filepath.Join(n.cniDir, "10-lab.conflist"), content)
}

func iptables(arguments ...string) error {
	return exec.Command("iptables", append([]string{"-w"}, arguments...)...).Run()
}

// route keeps one route per other node. All nodes are in one network, so no tunnel is needed.
func (n *network) route(nodes []corev1.Node) {
	for _, node := range nodes {
		_, destination, err := net.ParseCIDR(node.Spec.PodCIDR)
		address := internalAddress(&node)
		if err != nil || address == nil || node.Name == n.node {
			continue
		}
		if err := netlink.RouteReplace(&netlink.Route{Dst: destination, Gw: address, Protocol: protocolStatic}); err != nil {
			slog.Error("route to a node", "node", node.Name, "error", err)
		}
	}
}

func internalAddress(node *corev1.Node) net.IP {
	for _, address := range node.Status.Addresses {
		if address.Type == corev1.NodeInternalIP {
			return net.ParseIP(address.Address)
		}
	}
	return nil
}
