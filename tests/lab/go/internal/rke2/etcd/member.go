// Package etcd runs a server's member of the cluster's etcd: the first server
// begins a cluster, the others join as learners and are promoted by the leader.
package etcd

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"aitenancy/lab/internal/rke2/certs"
	"aitenancy/lab/internal/rke2/config"
)

// Local is where the server itself reaches its member.
const Local = "https://127.0.0.1:2379"

// Member is the etcd member of one server.
type Member struct {
	Kube          string // binary with all components
	Dir           string
	Tree          certs.Tree
	Node, Address string
	ExposeMetrics bool
	Extra         []string // etcd-arg
}

// Initialized tells whether there is a datastore on disk.
func (m *Member) Initialized() bool {
	_, err := os.Stat(filepath.Join(m.Dir, "member", "wal"))
	return err == nil
}

// Name is the member's name, "<node>-<8 hexadecimal digits>". It is made once per datastore.
func (m *Member) Name() (string, error) {
	path := filepath.Join(m.Dir, "name")
	if content, err := os.ReadFile(path); err == nil {
		return strings.TrimSpace(string(content)), nil
	}
	random := make([]byte, 4)
	if _, err := rand.Read(random); err != nil {
		return "", err
	}
	name := m.Node + "-" + hex.EncodeToString(random)
	return name, certs.WriteFile(path, []byte(name+"\n"))
}

// NodeOf is the node of a member by the member's name.
func NodeOf(name string) string {
	if cut := strings.LastIndex(name, "-"); cut >= 0 {
		return name[:cut]
	}
	return name
}

// PeerURL is where the other members reach this one.
func (m *Member) PeerURL() string { return "https://" + net.JoinHostPort(m.Address, "2380") }

// ClientURL is where other servers reach this member as clients.
func (m *Member) ClientURL() string { return "https://" + net.JoinHostPort(m.Address, "2379") }

// Argv is the command line of the member. initialCluster counts only without a datastore on disk.
func (m *Member) Argv(name, initialCluster string) []string {
	state := "existing"
	if initialCluster == "" {
		initialCluster, state = name+"="+m.PeerURL(), "new"
	}
	metrics := "http://127.0.0.1:2381"
	if m.ExposeMetrics {
		metrics += ",http://" + net.JoinHostPort(m.Address, "2381")
	}
	server, peer := m.Tree.Path(certs.EtcdServer), m.Tree.Path(certs.EtcdPeer)
	return append([]string{m.Kube, "etcd"}, config.Flags([]string{
		"name=" + name, "data-dir=" + m.Dir,
		"listen-client-urls=" + Local + "," + m.ClientURL(), "advertise-client-urls=" + m.ClientURL(),
		"listen-peer-urls=https://127.0.0.1:2380," + m.PeerURL(), "initial-advertise-peer-urls=" + m.PeerURL(),
		"listen-metrics-urls=" + metrics,
		"initial-cluster=" + initialCluster, "initial-cluster-state=" + state,
		"client-cert-auth=true", "trusted-ca-file=" + m.Tree.Path("etcd/server-ca.crt"),
		"cert-file=" + server + ".crt", "key-file=" + server + ".key",
		"peer-client-cert-auth=true", "peer-trusted-ca-file=" + m.Tree.Path("etcd/peer-ca.crt"),
		"peer-cert-file=" + peer + ".crt", "peer-key-file=" + peer + ".key",
		// RKE2 has 500 and 5000; a laboratory has no slow disks, and every start waits for an election.
		"heartbeat-interval=300", "election-timeout=3000", "log-level=warn",
		// The page cache survives every fault that the laboratory plays; waiting for the disk would only cost time.
		"unsafe-no-fsync=true",
	}, m.Extra)...)
}

// Client connects to members; without endpoints to the server's own.
func (m *Member) Client(endpoints ...string) (*clientv3.Client, error) {
	tls, err := transport.TLSInfo{
		CertFile: m.Tree.Path(certs.EtcdClient + ".crt"), KeyFile: m.Tree.Path(certs.EtcdClient + ".key"),
		TrustedCAFile: m.Tree.Path("etcd/server-ca.crt"),
	}.ClientConfig()
	if err != nil {
		return nil, err
	}
	if len(endpoints) == 0 {
		endpoints = []string{Local}
	}
	return clientv3.New(clientv3.Config{Endpoints: endpoints, TLS: tls, DialTimeout: 5 * time.Second, Logger: zap.NewNop()})
}

// Join asks the cluster behind the endpoints to add this server as a learner. It
// returns the cluster as --initial-cluster has it. It waits while another learner is promoted.
func (m *Member) Join(ctx context.Context, endpoints []string) (string, error) {
	client, err := m.Client(endpoints...)
	if err != nil {
		return "", err
	}
	defer client.Close()
	for {
		cluster, err := m.tryJoin(ctx, client)
		if err == nil || !passing(err) {
			return cluster, err
		}
		fmt.Fprintln(os.Stderr, "waiting to join the etcd cluster:", err)
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(2 * time.Second):
		}
	}
}

// passing tells whether a refusal of a new member may end by itself.
func passing(err error) bool {
	return errors.Is(err, rpctypes.ErrTooManyLearners) || errors.Is(err, rpctypes.ErrUnhealthy) ||
		errors.Is(err, rpctypes.ErrMemberNotEnoughStarted) || errors.Is(err, rpctypes.ErrNoLeader)
}

func (m *Member) tryJoin(ctx context.Context, client *clientv3.Client) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	list, err := client.MemberList(ctx)
	if err != nil {
		return "", fmt.Errorf("etcd cluster join failed: %w", err)
	}
	for _, member := range list.Members {
		mine := slices.Contains(member.PeerURLs, m.PeerURL())
		switch {
		case mine && member.Name == "":
			// An earlier attempt was added and ended before its member had started.
			if _, err := client.MemberRemove(ctx, member.ID); err != nil {
				return "", err
			}
		case NodeOf(member.Name) == m.Node:
			return "", errors.New("etcd cluster join failed: duplicate node name found, please use a unique name for this node")
		case mine:
			return "", errors.New("etcd cluster join failed: duplicate node ip address found, please use a unique node ip for this node")
		}
	}
	added, err := client.MemberAddAsLearner(ctx, []string{m.PeerURL()})
	if err != nil {
		return "", err
	}
	name, err := m.Name()
	if err != nil {
		return "", err
	}
	var cluster []string
	for _, member := range added.Members {
		memberName := member.Name
		if member.ID == added.Member.ID {
			memberName = name
		} else if memberName == "" {
			memberName = fmt.Sprintf("%x", member.ID)
		}
		for _, url := range member.PeerURLs {
			cluster = append(cluster, memberName+"="+url)
		}
	}
	return strings.Join(cluster, ","), nil
}

// Learner tells whether the server's own member has no vote yet.
func (m *Member) Learner(ctx context.Context, client *clientv3.Client) (bool, error) {
	status, err := client.Status(ctx, Local)
	if err != nil {
		return false, err
	}
	return status.IsLearner, nil
}

// Healthy reads through the whole cluster: it fails without a quorum.
func Healthy(ctx context.Context, client *clientv3.Client) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	_, err := client.Get(ctx, "health")
	return err
}

// Remove takes the member of this name out of the cluster, and tells whether it was there. The name is the member's
// and not the node's: a host that was replaced has joined again under the same node name.
func Remove(ctx context.Context, client *clientv3.Client, name string) (bool, error) {
	list, err := client.MemberList(ctx)
	if err != nil {
		return false, err
	}
	for _, member := range list.Members {
		if member.Name != name {
			continue
		}
		_, err := client.MemberRemove(ctx, member.ID)
		if errors.Is(err, rpctypes.ErrMemberNotFound) {
			return false, nil
		}
		return err == nil, err
	}
	return false, nil
}
