package node

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"aitenancy/lab/internal/rke2/certs"
)

// cgroupFile is where the laboratory tells a host its cgroup.
const cgroupFile = "/opt/lab/host/cgroup"

func (a *Agent) startKubelet(ctx context.Context, group *sync.WaitGroup) error {
	root, err := a.cgroupRoot()
	if err != nil {
		return err
	}
	content, err := json.MarshalIndent(a.kubeletConfig(root), "", "  ")
	if err != nil {
		return err
	}
	file := a.data("etc", "kubelet.yaml")
	if err := certs.WriteFile(file, content); err != nil {
		return err
	}
	dropIns := a.data("etc", "kubelet.conf.d")
	if err := os.MkdirAll(dropIns, 0o700); err != nil {
		return err
	}
	settings := []string{
		"config=" + file, "config-dir=" + dropIns, "kubeconfig=" + a.data("kubelet.kubeconfig"),
		"hostname-override=" + a.Name, "node-ip=" + a.Address, "root-dir=/var/lib/kubelet", "v=1",
	}
	if labels := a.Config.Items("node-label"); len(labels) > 0 {
		settings = append(settings, "node-labels="+strings.Join(labels, ","))
	}
	if taints := a.Config.Items("node-taint"); len(taints) > 0 {
		settings = append(settings, "register-with-taints="+strings.Join(taints, ","))
	}
	return a.run(ctx, group, "kubelet", a.command("kubelet", settings, "kubelet-arg"))
}

// kubeletConfig has the settings without which a kubelet does not run in a container.
func (a *Agent) kubeletConfig(cgroupRoot string) map[string]any {
	tree := a.tree()
	return map[string]any{
		"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
		"authentication": map[string]any{
			"anonymous": map[string]any{"enabled": false}, "webhook": map[string]any{"enabled": true},
			"x509": map[string]any{"clientCAFile": tree.Path("client-ca.crt")},
		},
		"authorization": map[string]any{"mode": "Webhook"},
		"tlsCertFile":   tree.Path(certs.KubeletServing + ".crt"), "tlsPrivateKeyFile": tree.Path(certs.KubeletServing + ".key"),
		"containerRuntimeEndpoint": "unix://" + containerdSocket,
		"staticPodPath":            a.data("pod-manifests"),
		"clusterDNS":               []string{a.cluster.ClusterDNS}, "clusterDomain": a.cluster.ClusterDomain,
		"cgroupDriver": "cgroupfs", "cgroupRoot": cgroupRoot, "failCgroupV1": false, "enforceNodeAllocatable": []string{},
		"failSwapOn": false, "maxOpenFiles": 20000, "oomScoreAdj": 0, "resolvConf": a.resolvConf(),
		"evictionHard":          map[string]string{"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
		"protectKernelDefaults": a.Config.Bool("protect-kernel-defaults") || a.Config.Text("profile") != "",
		"shutdownGracePeriod":   "0s",
		// A host of the laboratory is lost within a test, not within minutes.
		"nodeStatusUpdateFrequency": "5s",
	}
}

func (a *Agent) resolvConf() string {
	if given := a.Config.Text("resolv-conf"); given != "" {
		return given
	}
	return "/etc/resolv.conf"
}

// cgroupRoot is the cgroup of this host's pods. With cgroup v1 all hosts of a
// laboratory see the machine's groups, so each has one of its own.
func (a *Agent) cgroupRoot() (string, error) {
	mounts, err := cgroupV1Mounts("/proc/mounts")
	if err != nil || len(mounts) == 0 {
		return "/", err
	}
	root := a.Faults.CgroupRoot
	if content, err := os.ReadFile(cgroupFile); root == "" && err == nil {
		root = strings.TrimSpace(string(content))
	}
	if root == "" {
		machine, err := os.ReadFile("/etc/machine-id")
		if err != nil {
			return "", err
		}
		root = fmt.Sprintf("/lab-%s-%.8s", a.Name, machine)
	}
	for _, mount := range mounts {
		group := filepath.Join(mount, root)
		if err := os.MkdirAll(group, 0o755); err != nil {
			return "", err
		}
		// A new cpuset is empty, and a process cannot enter it, until it is told its CPUs and memory.
		for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
			content, err := os.ReadFile(filepath.Join(mount, file))
			if err != nil {
				continue // not the cpuset controller
			}
			if err := os.WriteFile(filepath.Join(group, file), content, 0o644); err != nil {
				return "", err
			}
		}
	}
	return root, nil
}

// cgroupV1Mounts are the mounted controllers. Listing /sys/fs/cgroup would find folders that are none.
func cgroupV1Mounts(file string) ([]string, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var mounts []string
	for _, line := range strings.Split(string(content), "\n") {
		if fields := strings.Fields(line); len(fields) > 2 && fields[2] == "cgroup" && !seen[fields[1]] {
			seen[fields[1]] = true
			mounts = append(mounts, fields[1])
		}
	}
	return mounts, nil
}

func (a *Agent) startProxy(ctx context.Context, group *sync.WaitGroup) error {
	if a.cluster.DisableKubeProxy {
		return nil
	}
	return a.run(ctx, group, "kube-proxy", a.command("kube-proxy", []string{
		"kubeconfig=" + a.data("kubeproxy.kubeconfig"), "hostname-override=" + a.Name, "cluster-cidr=" + a.cluster.ClusterCIDR,
		"proxy-mode=iptables", "healthz-bind-address=127.0.0.1", "v=1",
		// The limits of connection tracking are the machine's; a container may not write them.
		"conntrack-max-per-core=0", "conntrack-tcp-timeout-established=0s", "conntrack-tcp-timeout-close-wait=0s",
	}, "kube-proxy-arg"))
}
