package certs

import (
	"time"

	"aitenancy/lab/internal/pki"
)

// Names of certificates that other packages use.
const (
	Admin          = "client-admin"
	Controller     = "client-controller"
	Scheduler      = "client-scheduler"
	APIServer      = "serving-kube-apiserver"
	KubeletClient  = "client-kube-apiserver"
	AuthProxy      = "client-auth-proxy"
	Supervisor     = "client-supervisor"
	EtcdClient     = "etcd/client"
	EtcdServer     = "etcd/server-client"
	EtcdPeer       = "etcd/peer-server-client"
	Kubelet        = "client-kubelet"
	KubeletServing = "serving-kubelet"
	KubeProxy      = "client-kube-proxy"
	NodeController = "client-rke2-controller"
)

// EnsureServer makes all certificates of a server. sans are the names and addresses of its API.
func (t Tree) EnsureServer(node, address string, sans []string, now time.Time) error {
	local := []string{"localhost", "127.0.0.1", node, address}
	user := func(name, user string, groups ...string) Leaf {
		return Leaf{Name: name, CA: "client-ca", Leaf: pki.Leaf{CommonName: user, Groups: groups, Client: true}}
	}
	leaves := []Leaf{
		user(Admin, "system:admin", "system:masters"),
		user(Controller, "system:kube-controller-manager"),
		user(Scheduler, "system:kube-scheduler"),
		user(KubeletClient, "system:apiserver", "system:masters"),
		user(Supervisor, "system:rke2-supervisor", "system:masters"),
		{Name: AuthProxy, CA: "request-header-ca", Leaf: pki.Leaf{CommonName: "system:auth-proxy", Client: true}},
		{Name: APIServer, CA: "server-ca", Leaf: pki.Leaf{CommonName: "kube-apiserver", SANs: append(sans, local...), Server: true}},
		{Name: EtcdClient, CA: "etcd/server-ca", Leaf: pki.Leaf{CommonName: "etcd-client", Client: true}},
		{Name: EtcdServer, CA: "etcd/server-ca",
			Leaf: pki.Leaf{CommonName: "etcd-server", SANs: local, Server: true, Client: true}},
		{Name: EtcdPeer, CA: "etcd/peer-ca",
			Leaf: pki.Leaf{CommonName: "etcd-peer", SANs: local, Server: true, Client: true}},
	}
	for _, leaf := range leaves {
		if err := t.Ensure(leaf, now); err != nil {
			return err
		}
	}
	return nil
}

// ControllerUser is what the stand-in itself is called on a node: it may read what routes and network policies need.
const ControllerUser = "system:rke2-controller"

// Node are the certificates that a server makes for a node that joins. Keys are secrets.
type Node struct {
	ServerCA   string   `json:"serverCA"`
	ClientCA   string   `json:"clientCA"`
	Kubelet    pki.Pair `json:"kubelet"`
	Serving    pki.Pair `json:"serving"`
	KubeProxy  pki.Pair `json:"kubeProxy"`
	Controller pki.Pair `json:"controller"`
}

// NewNode makes the certificates of a node.
func (t Tree) NewNode(node, address string, now time.Time) (Node, error) {
	made := Node{}
	server, err := t.Pair("server-ca")
	if err != nil {
		return made, err
	}
	client, err := t.Pair("client-ca")
	if err != nil {
		return made, err
	}
	made.ServerCA, made.ClientCA = server.Cert, client.Cert
	if made.Kubelet, err = pki.NewClient(client, "system:node:"+node, []string{"system:nodes"}, now); err != nil {
		return made, err
	}
	if made.KubeProxy, err = pki.NewClient(client, "system:kube-proxy", nil, now); err != nil {
		return made, err
	}
	if made.Controller, err = pki.NewClient(client, ControllerUser, nil, now); err != nil {
		return made, err
	}
	made.Serving, err = pki.NewServer(server, node, []string{node, "localhost", "127.0.0.1", address}, now)
	return made, err
}

// WriteNode stores them below the agent's directory.
func (t Tree) WriteNode(node Node) error {
	for name, pair := range map[string]pki.Pair{
		Kubelet: node.Kubelet, KubeletServing: node.Serving, KubeProxy: node.KubeProxy, NodeController: node.Controller,
	} {
		if err := t.write(name, pair); err != nil {
			return err
		}
	}
	if err := WriteFile(t.Path("client-ca.crt"), []byte(node.ClientCA)); err != nil {
		return err
	}
	return WriteFile(t.Path("server-ca.crt"), []byte(node.ServerCA))
}
