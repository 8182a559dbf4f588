// Package node runs what every node has: containerd, kubelet, kube-proxy, the
// pod network and the network policies.
package node

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"aitenancy/lab/internal/netpol"
	"aitenancy/lab/internal/process"
	"aitenancy/lab/internal/rke2/balancer"
	"aitenancy/lab/internal/rke2/certs"
	"aitenancy/lab/internal/rke2/config"
	"aitenancy/lab/internal/rke2/journal"
	"aitenancy/lab/internal/rke2/supervisor"
)

// Agent is the node part of one host; servers have it too.
type Agent struct {
	Config        *config.Config
	Faults        config.Faults
	Journal       *journal.Journal
	Release       string
	Name, Address string
	Token         certs.Token
	// Local is true on servers: they use their own supervisor and API server.
	Local bool

	cluster    supervisor.ClusterConfig
	supervisor *supervisor.Client
	balancers  [2]*balancer.Balancer // supervisors, API servers
}

const localSupervisor = "https://127.0.0.1:" + supervisor.Port

func (a *Agent) data(parts ...string) string {
	return a.Config.Data(append([]string{"agent"}, parts...)...)
}
func (a *Agent) tree() certs.Tree { return certs.Tree{Dir: a.data()} }

// Start joins and starts everything; it returns when the kubelet has registered
// the node. What it started runs until the context ends and is in the group.
func (a *Agent) Start(ctx context.Context, group *sync.WaitGroup) error {
	supervisorURL, apiURL, err := a.balance(ctx)
	if err != nil {
		return err
	}
	if err := a.join(ctx, supervisorURL); err != nil {
		return err
	}
	if !a.Local {
		servers, err := a.supervisor.APIServers(ctx)
		if err != nil {
			return err
		}
		a.setServers(servers)
	}
	if err := a.writeKubeconfigs(apiURL); err != nil {
		return err
	}
	for _, start := range []func(context.Context, *sync.WaitGroup) error{a.startContainerd, a.startKubelet, a.startProxy} {
		if err := start(ctx, group); err != nil {
			return err
		}
	}
	client, err := a.client("kubelet.kubeconfig")
	if err != nil {
		return err
	}
	if err := a.waitRegistered(ctx, client); err != nil {
		return err
	}
	return a.startNetwork(ctx, group, client)
}

// balance starts the load balancers of an agent; a server needs none.
func (a *Agent) balance(ctx context.Context) (supervisorURL, apiURL string, err error) {
	if a.Local {
		return localSupervisor, "https://127.0.0.1:6443", nil
	}
	server, err := url.Parse(a.Config.Text("server"))
	if err != nil {
		return "", "", err
	}
	supervisorAddress := fmt.Sprintf("127.0.0.1:%d", a.Config.Number("lb-server-port"))
	const apiAddress = "127.0.0.1:6443"
	host := server.Host
	if server.Port() == "" {
		host = net.JoinHostPort(server.Hostname(), supervisor.Port)
	}
	for index, one := range []struct{ address, file, first string }{
		{supervisorAddress, "rke2-agent-load-balancer.json", host},
		{apiAddress, "rke2-api-server-agent-load-balancer.json", ""},
	} {
		if a.balancers[index], err = balancer.Listen(ctx, one.address, a.data("etc", one.file), []string{one.first}); err != nil {
			return "", "", err
		}
	}
	return "https://" + supervisorAddress, "https://" + apiAddress, nil
}

func (a *Agent) setServers(apiServers []string) {
	if a.Local {
		return
	}
	var supervisors []string
	for _, address := range apiServers {
		host, _, err := net.SplitHostPort(address)
		if err == nil {
			supervisors = append(supervisors, net.JoinHostPort(host, supervisor.Port))
		}
	}
	a.balancers[0].Set(supervisors)
	a.balancers[1].Set(apiServers)
}

// join asks for the configuration and the certificates until a server gives them.
func (a *Agent) join(ctx context.Context, supervisorURL string) error {
	password, err := Password()
	if err != nil {
		return err
	}
	for {
		err := a.tryJoin(ctx, supervisorURL, password)
		if err == nil {
			return nil
		}
		slog.Info("Waiting to retrieve agent configuration; server is not ready: " + err.Error())
		a.Journal.Write("join-waits", map[string]any{"reason": err.Error()})
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(2 * time.Second):
		}
	}
}

func (a *Agent) tryJoin(ctx context.Context, supervisorURL, password string) error {
	if a.Faults.FailJoin != "" {
		return fmt.Errorf("%s", a.Faults.FailJoin)
	}
	client, err := supervisor.Dial(ctx, supervisorURL, a.Token, a.Name)
	if err != nil {
		return err
	}
	if a.cluster, err = client.Cluster(ctx); err != nil {
		return err
	}
	node, err := client.Node(ctx, supervisor.NodeRequest{Name: a.Name, Address: a.Address, Password: password})
	if err != nil {
		return err
	}
	a.supervisor = client
	return a.tree().WriteNode(node)
}

func (a *Agent) writeKubeconfigs(apiURL string) error {
	for file, client := range map[string]string{
		"kubelet.kubeconfig": certs.Kubelet, "kubeproxy.kubeconfig": certs.KubeProxy, "rke2controller.kubeconfig": certs.NodeController,
	} {
		if err := a.tree().WriteKubeconfig(a.data(file), apiURL, client); err != nil {
			return err
		}
	}
	return nil
}

func (a *Agent) client(file string) (kubernetes.Interface, error) {
	settings, err := clientcmd.BuildConfigFromFlags("", a.data(file))
	if err != nil {
		return nil, err
	}
	settings.Timeout = 0
	return kubernetes.NewForConfig(settings)
}

func (a *Agent) startNetwork(ctx context.Context, group *sync.WaitGroup, kubelet kubernetes.Interface) error {
	client, err := a.client("rke2controller.kubeconfig")
	if err != nil {
		return err
	}
	if !a.Local {
		process.Spawn(group, func() { a.followServers(ctx, client) })
	}
	if a.cluster.CNI == "none" {
		return nil
	}
	network := &network{node: a.Name, clusterCIDR: a.cluster.ClusterCIDR, cniDir: cniDirectory(a)}
	process.Spawn(group, func() { network.run(ctx, client, kubelet) })
	process.Spawn(group, func() { netpol.Run(ctx, client, a.Name) })
	return nil
}

// followServers keeps the balancers' servers those of the cluster.
func (a *Agent) followServers(ctx context.Context, client kubernetes.Interface) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(5 * time.Second):
		}
		request, cancel := context.WithTimeout(ctx, 5*time.Second)
		servers, err := supervisor.APIServers(request, client)
		cancel()
		if err == nil {
			a.setServers(servers)
		}
	}
}

// waitRegistered waits until the kubelet of this start has written its version into the Node.
func (a *Agent) waitRegistered(ctx context.Context, client kubernetes.Interface) error {
	for {
		request, cancel := context.WithTimeout(ctx, 5*time.Second)
		node, err := client.CoreV1().Nodes().Get(request, a.Name, metav1.GetOptions{})
		cancel()
		if err == nil && node.Status.NodeInfo.KubeletVersion == a.Release {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// command is the command line of a component with what an administrator added.
func (a *Agent) command(component string, settings []string, extra string) []string {
	return append([]string{a.Faults.KubeBinary, component}, config.Flags(settings, a.Config.List(extra))...)
}

// run starts a component and keeps it running.
func (a *Agent) run(ctx context.Context, group *sync.WaitGroup, name string, argv []string) error {
	if err := os.MkdirAll(a.data("logs"), 0o755); err != nil {
		return err
	}
	child := process.Child{Argv: argv, LogFile: a.data("logs", name+".log"), Environment: []string{
		"LAB_KUBERNETES_RELEASE=" + a.Release, "PATH=" + os.Getenv("PATH") + ":" + a.Config.Data("bin"),
	}}
	process.Spawn(group, func() { process.Supervise(ctx, child) })
	return nil
}

// image puts the default registry before an image's name.
func (a *Agent) image(name string) string {
	registry := a.cluster.SystemDefaultRegistry
	if registry == "" {
		registry = "docker.io"
	}
	return strings.TrimRight(registry, "/") + "/" + name
}
