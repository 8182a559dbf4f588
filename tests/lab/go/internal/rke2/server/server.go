// Package server is "rke2 server": etcd, control plane, supervisor and the node part, in the order of RKE2.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"aitenancy/lab/internal/process"
	"aitenancy/lab/internal/rke2/bootstrap"
	"aitenancy/lab/internal/rke2/certs"
	"aitenancy/lab/internal/rke2/config"
	"aitenancy/lab/internal/rke2/controlplane"
	"aitenancy/lab/internal/rke2/encryption"
	"aitenancy/lab/internal/rke2/etcd"
	"aitenancy/lab/internal/rke2/journal"
	"aitenancy/lab/internal/rke2/node"
	"aitenancy/lab/internal/rke2/snapshot"
	"aitenancy/lab/internal/rke2/supervisor"
)

// Server is one server of a cluster.
type Server struct {
	Config        *config.Config
	Faults        config.Faults
	Journal       *journal.Journal
	Release       string
	Name, Address string

	token, agentToken string // passwords
	tree              certs.Tree
	member            *etcd.Member
	plane             *controlplane.Plane
	supervisor        *supervisor.Server
	etcd              *clientv3.Client
	api               kubernetes.Interface
	objects           dynamic.Interface
	apiServer         component
	// What follows is set once; the supervisor answers earlier and must ask first.
	etcdReady, ready atomic.Bool
}

func (s *Server) data(parts ...string) string {
	return s.Config.Data(append([]string{"server"}, parts...)...)
}

func (s *Server) init() {
	s.tree = certs.Tree{Dir: s.data("tls")}
	s.member = &etcd.Member{
		Kube: s.Faults.KubeBinary, Dir: s.data("db", "etcd"), Tree: s.tree, Node: s.Name, Address: s.Address,
		ExposeMetrics: s.Config.Bool("etcd-expose-metrics"), Extra: s.Config.List("etcd-arg"),
	}
	s.plane = &controlplane.Plane{Config: s.Config, Kube: s.Faults.KubeBinary, Address: s.Address, Tree: s.tree}
}

// Start brings the server up; it returns when the node has registered. What it
// started runs until the context ends and is in the group.
func (s *Server) Start(ctx context.Context, group *sync.WaitGroup) error {
	s.init()
	cluster, err := s.prepare(ctx)
	if err != nil {
		return err
	}
	if err := s.writeServerFiles(); err != nil {
		return err
	}
	if err := s.serve(ctx, group); err != nil {
		return err
	}
	if err := s.startEtcd(ctx, group, cluster); err != nil {
		return err
	}
	if err := s.shareBootstrap(ctx); err != nil {
		return err
	}
	if err := s.startControlPlane(ctx, group); err != nil {
		return err
	}
	agent := &node.Agent{
		Config: s.Config, Faults: s.Faults, Journal: s.Journal, Release: s.Release, Name: s.Name, Address: s.Address,
		Token: certs.Token{User: "server", Password: s.token}, Local: true,
	}
	agent.Faults.FailJoin = "" // the fault is about joining other servers
	if err := agent.Start(ctx, group); err != nil {
		return err
	}
	s.startLoops(ctx, group)
	if err := s.markNode(ctx); err != nil {
		return err
	}
	_ = os.Remove(s.resetFlag())
	s.ready.Store(true)
	return nil
}

// prepare makes the authorities or gets them from the cluster that is joined. It
// returns the etcd cluster to join, or nothing.
func (s *Server) prepare(ctx context.Context) (string, error) {
	initialized := s.member.Initialized()
	join := s.Config.Text("server")
	if initialized && join != "" {
		slog.Info("Etcd datastore present on disk, ignoring server URL", "server", join)
		join = ""
	}
	s.Journal.Write("datastore", map[string]any{"initialized": initialized, "join": join})
	if join != "" {
		return s.join(ctx, join)
	}
	if err := s.tree.EnsureAuthorities(time.Now()); err != nil {
		return "", err
	}
	if err := s.ownTokens(initialized); err != nil {
		return "", err
	}
	path := s.data(bootstrap.EncryptionConfig)
	if _, err := os.Stat(path); os.IsNotExist(err) {
		made, err := encryption.New(s.Config.Text("secrets-encryption-provider"))
		if err != nil {
			return "", err
		}
		return "", made.Write(path)
	}
	return "", nil
}

// join gets what servers share, and a place in the etcd cluster.
func (s *Server) join(ctx context.Context, url string) (string, error) {
	if s.Faults.FailJoin != "" {
		return "", errors.New(s.Faults.FailJoin)
	}
	token, err := s.givenToken()
	if err != nil {
		return "", err
	}
	client, err := supervisor.Dial(ctx, url, token, s.Name)
	if err != nil {
		return "", fmt.Errorf("failed to validate token: %w", err)
	}
	cluster, err := client.Cluster(ctx)
	if err != nil {
		return "", joinError(err)
	}
	if err := s.compare(cluster); err != nil {
		return "", err
	}
	files, err := client.Bootstrap(ctx)
	if err != nil {
		return "", joinError(err)
	}
	if err := files.Write(s.data()); err != nil {
		return "", err
	}
	members, err := client.Members(ctx)
	if err != nil {
		return "", joinError(err)
	}
	if err := s.tree.EnsureServer(s.Name, s.Address, s.sans(), time.Now()); err != nil {
		return "", err
	}
	s.Journal.Write("join-etcd", map[string]any{"through": url, "members": members})
	return s.member.Join(ctx, members)
}

func joinError(err error) error {
	if supervisor.Refused(err) {
		return fmt.Errorf("failed to bootstrap cluster data: failed to validate token: %w", err)
	}
	return fmt.Errorf("failed to bootstrap cluster data: %w", err)
}

// compare refuses settings that must be equal on all servers.
func (s *Server) compare(cluster supervisor.ClusterConfig) error {
	own, err := s.critical()
	if err != nil {
		return err
	}
	var problems []error
	for name, value := range own {
		if theirs := cluster.Critical[name]; theirs != value {
			if name == "agent-token" {
				value, theirs = "one value", "another value"
			}
			problems = append(problems, fmt.Errorf("%s is %q here and %q in the cluster", name, value, theirs))
		}
	}
	if len(problems) > 0 {
		s.Journal.Write("join-refused", map[string]any{"reason": errors.Join(problems...).Error()})
		return fmt.Errorf("failed to validate server configuration: critical configuration value mismatch between servers: %w",
			errors.Join(problems...))
	}
	return nil
}

func (s *Server) sans() []string {
	sans := []string{"kubernetes", "kubernetes.default", "kubernetes.default.svc"}
	sans = append(sans, "kubernetes.default.svc."+s.Config.Text("cluster-domain"))
	if host, err := os.Hostname(); err == nil {
		sans = append(sans, host)
	}
	if address, err := s.Config.ServiceAddress(); err == nil {
		sans = append(sans, address)
	}
	return append(append(sans, s.Config.Items("tls-san")...), s.Config.Items("node-external-ip")...)
}

// serve opens the supervisor's port, before anything that takes long.
func (s *Server) serve(ctx context.Context, group *sync.WaitGroup) error {
	critical, err := s.critical()
	if err != nil {
		return err
	}
	s.supervisor = &supervisor.Server{
		Directory: s.data(), Journal: s.Journal, Ready: s.readiness, Members: s.memberURLs,
		RotateToken: s.rotateToken, Encryption: s.encryptionStatus, RotateKeys: s.rotateKeys,
		Cluster: supervisor.ClusterConfig{
			Version: s.Release, Critical: critical,
			ClusterCIDR: s.Config.Text("cluster-cidr"), ServiceCIDR: s.Config.Text("service-cidr"),
			ClusterDNS: critical["cluster-dns"], ClusterDomain: s.Config.Text("cluster-domain"), CNI: s.Config.Text("cni"),
			DisableKubeProxy: s.Config.Bool("disable-kube-proxy"), SystemDefaultRegistry: s.Config.Text("system-default-registry"),
		},
	}
	s.supervisor.SetTokens(s.token, s.agentToken)
	listener, err := net.Listen("tcp", net.JoinHostPort(s.Config.Text("bind-address"), supervisor.Port))
	if err != nil {
		return err
	}
	process.Spawn(group, func() { s.supervisor.Run(ctx, listener) })
	return nil
}

func (s *Server) readiness() error {
	switch {
	case s.Faults.RefuseReady:
		return errors.New("runtime core not ready: the laboratory was told so")
	case !s.ready.Load():
		return errors.New("runtime core not ready")
	}
	return nil
}

func (s *Server) memberURLs(ctx context.Context) ([]string, error) {
	if !s.etcdReady.Load() {
		return nil, errors.New("etcd is not ready")
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	list, err := s.etcd.MemberList(ctx)
	if err != nil {
		return nil, err
	}
	var urls []string
	for _, member := range list.Members {
		if !member.IsLearner {
			urls = append(urls, member.ClientURLs...)
		}
	}
	return urls, nil
}

// connect makes the clients of the API server.
func (s *Server) connect() error {
	settings, err := clientcmd.BuildConfigFromFlags("", s.data("cred", "supervisor.kubeconfig"))
	if err != nil {
		return err
	}
	settings.QPS = -1
	if s.api, err = kubernetes.NewForConfig(settings); err != nil {
		return err
	}
	s.objects, err = dynamic.NewForConfig(settings)
	return err
}

func (s *Server) store() snapshot.Store {
	return snapshot.Store{Directory: s.Config.SnapshotDir(), Node: s.Name}
}

func (s *Server) resetFlag() string { return s.data("db", "reset-flag") }

// writeServerFiles writes certificates, tokens and kubeconfigs of this server.
func (s *Server) writeServerFiles() error {
	if err := s.tree.EnsureServer(s.Name, s.Address, s.sans(), time.Now()); err != nil {
		return err
	}
	if err := s.plane.WriteKubeconfigs(); err != nil {
		return err
	}
	if err := s.writeTokens(); err != nil {
		return err
	}
	return s.writeAdminKubeconfig()
}

func (s *Server) writeAdminKubeconfig() error {
	path := s.Config.Text("write-kubeconfig")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := s.tree.WriteKubeconfig(path, controlplane.LocalAPI, certs.Admin); err != nil {
		return err
	}
	return setModeAndGroup(path, s.Config.Text("write-kubeconfig-mode"), s.Config.Text("write-kubeconfig-group"))
}
