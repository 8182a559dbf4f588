package k3s

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"

	"aitenancy/lab/internal/pki"
	"aitenancy/lab/internal/process"
)

// InnerOptions say how the API servers of virtual clusters run.
type InnerOptions struct {
	KubeBinary                         string
	ListenAddress                      string
	EtcdURL, EtcdCA, EtcdCert, EtcdKey string
}

// instance is the control plane of one virtual cluster: a real kube-apiserver
// and a real kube-controller-manager with the controllers that work without nodes.
type instance struct {
	options *InnerOptions
	dir     string
	port    int
	client  kubernetes.Interface
	changed func()
	healthy atomic.Bool
	cancel  context.CancelFunc
	done    sync.WaitGroup

	mu        sync.Mutex
	forwarder *forwarder
}

// controllers of the inner controller-manager. Those that look after nodes and
// workloads are left out: the stand-in keeps the Nodes, nothing runs pods.
const controllers = "certificatesigningrequest-signing-controller,certificatesigningrequest-approving-controller," +
	"certificatesigningrequest-cleaner-controller,serviceaccount-controller,serviceaccount-token-controller," +
	"root-ca-certificate-publisher-controller,namespace-controller,garbage-collector-controller," +
	"clusterrole-aggregation-controller"

func startInstance(options *InnerOptions, dir, prefix string, data *Data, configuration *config, changed func()) (*instance, error) {
	i := &instance{options: options, dir: dir, port: data.Port, changed: changed}
	if err := i.writeFiles(data, configuration); err != nil {
		return nil, err
	}
	admin, err := pki.NewClient(data.ClientCA, "k3s-stand-in", []string{"system:masters"}, time.Now())
	if err != nil {
		return nil, err
	}
	i.client, err = kubernetes.NewForConfig(&rest.Config{
		Host: i.url(),
		TLSClientConfig: rest.TLSClientConfig{
			CAData: []byte(data.ServerCA.Cert), CertData: []byte(admin.Cert), KeyData: []byte(admin.Key),
		},
		QPS: -1, Timeout: 10 * time.Second,
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	i.cancel = cancel
	process.Spawn(&i.done, func() { supervise(ctx, i.path("kube-apiserver.log"), i.apiServer(prefix, configuration)) })
	process.Spawn(&i.done, func() { i.watchHealth(ctx) })
	return i, nil
}

// watchHealth follows /readyz and starts the controller-manager when it is good for the first time.
func (i *instance) watchHealth(ctx context.Context) {
	managed := false
	for ctx.Err() == nil {
		_, err := i.client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		if ok := err == nil; i.healthy.Swap(ok) != ok && ctx.Err() == nil {
			klog.InfoS("inner API", "url", i.url(), "ready", ok, "dir", i.dir)
			i.changed()
		}
		if err == nil && !managed {
			managed = true
			process.Spawn(&i.done, func() { supervise(ctx, i.path("kube-controller-manager.log"), i.controllerManager()) })
		}
		pause := 2 * time.Second
		if err != nil {
			pause = 200 * time.Millisecond
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

func (i *instance) ready() bool { return i != nil && i.healthy.Load() }

// stop ends both processes and waits for them; a nil instance is stopped already.
func (i *instance) stop() {
	if i == nil {
		return
	}
	i.healthy.Store(false)
	i.forward(0)
	i.cancel()
	i.done.Wait()
}

// forward makes the API reachable on the node port of the Service (0: on none),
// as kube-proxy would.
func (i *instance) forward(nodePort int32) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.forwarder != nil && i.forwarder.port == nodePort {
		return
	}
	i.forwarder.close()
	i.forwarder = nil
	if nodePort == 0 {
		return
	}
	forwarder, err := newForwarder(i.options.ListenAddress, nodePort, i.address())
	if err != nil {
		klog.ErrorS(err, "node port", "port", nodePort)
		return
	}
	i.forwarder = forwarder
}

func (i *instance) address() string {
	return net.JoinHostPort(i.options.ListenAddress, fmt.Sprint(i.port))
}
func (i *instance) url() string             { return "https://" + i.address() }
func (i *instance) path(name string) string { return filepath.Join(i.dir, name) }

func (i *instance) writeFiles(data *Data, configuration *config) error {
	sans := append([]string{
		i.options.ListenAddress, "127.0.0.1", "localhost",
		"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
	}, configuration.TLSSANs...)
	serving, err := pki.NewServer(data.ServerCA, "k3s", sans, time.Now())
	if err != nil {
		return err
	}
	manager, err := pki.NewClient(data.ClientCA, "system:kube-controller-manager", nil, time.Now())
	if err != nil {
		return err
	}
	kubeconfig, err := pki.Kubeconfig(i.url(), data.ServerCA.Cert, manager)
	if err != nil {
		return err
	}
	// Left over from an earlier server of the same name: its log would mislead.
	if err := os.RemoveAll(i.dir); err != nil {
		return err
	}
	for name, content := range map[string]string{
		"server-ca.crt": data.ServerCA.Cert, "client-ca.crt": data.ClientCA.Cert, "client-ca.key": data.ClientCA.Key,
		"serving.crt": serving.Cert, "serving.key": serving.Key,
		"service.pub": data.ServiceAccount.Cert, "service.key": data.ServiceAccount.Key,
		"controller.kubeconfig": string(kubeconfig),
	} {
		if err := writeSecret(i.path(name), []byte(content)); err != nil {
			return err
		}
	}
	return nil
}

func (i *instance) apiServer(prefix string, configuration *config) []string {
	return []string{
		i.options.KubeBinary, "kube-apiserver",
		"--etcd-servers=" + i.options.EtcdURL, "--etcd-prefix=" + prefix,
		"--etcd-cafile=" + i.options.EtcdCA, "--etcd-certfile=" + i.options.EtcdCert, "--etcd-keyfile=" + i.options.EtcdKey,
		// The host's API server compacts the etcd that both use.
		"--etcd-compaction-interval=0",
		"--bind-address=" + i.options.ListenAddress, fmt.Sprintf("--secure-port=%d", i.port),
		"--advertise-address=" + i.options.ListenAddress, "--endpoint-reconciler-type=none",
		"--service-cluster-ip-range=" + configuration.ServiceCIDR,
		"--client-ca-file=" + i.path("client-ca.crt"),
		"--tls-cert-file=" + i.path("serving.crt"), "--tls-private-key-file=" + i.path("serving.key"),
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + i.path("service.pub"), "--service-account-signing-key-file=" + i.path("service.key"),
		"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", "--allow-privileged=true",
		"--enable-priority-and-fairness=false", "--profiling=false", "--v=1",
	}
}

func (i *instance) controllerManager() []string {
	return []string{
		i.options.KubeBinary, "kube-controller-manager",
		"--kubeconfig=" + i.path("controller.kubeconfig"), "--use-service-account-credentials=true",
		"--controllers=" + controllers, "--leader-elect=false", "--secure-port=0", "--profiling=false",
		"--root-ca-file=" + i.path("server-ca.crt"), "--service-account-private-key-file=" + i.path("service.key"),
		"--cluster-signing-cert-file=" + i.path("client-ca.crt"), "--cluster-signing-key-file=" + i.path("client-ca.key"),
		"--v=1",
	}
}
