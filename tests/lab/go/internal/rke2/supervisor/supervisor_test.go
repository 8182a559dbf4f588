package supervisor

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes/fake"

	"aitenancy/lab/internal/rke2/bootstrap"
	"aitenancy/lab/internal/rke2/certs"
	"aitenancy/lab/internal/rke2/encryption"
)

// start runs a supervisor without an API server. It returns it, its URL and its authority.
func start(t *testing.T) (*Server, string, []byte) {
	t.Helper()
	directory := t.TempDir()
	tree := certs.Tree{Dir: directory + "/tls"}
	now := time.Now()
	keys, err := encryption.New("aescbc")
	if err := errors.Join(err, tree.EnsureAuthorities(now), tree.EnsureServer("n", "127.0.0.1", nil, now), keys.Write(directory+"/"+bootstrap.EncryptionConfig)); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Directory: directory, Cluster: ClusterConfig{ClusterDomain: "d"}, Ready: func() error { return errors.New("not yet") }}
	s.SetTokens("server-word", "node-word")
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	go s.Run(ctx, listener)
	ca, err := tree.Read("server-ca.crt")
	if err != nil {
		t.Fatal(err)
	}
	return s, "https://" + listener.Addr().String(), []byte(ca)
}

func TestJoining(t *testing.T) {
	s, url, ca := start(t)
	ctx := context.Background()
	request := NodeRequest{Name: "n", Address: "10.0.0.1", Password: "p"}
	dial := func(text, user string) *Client {
		t.Helper()
		token, err := certs.ParseToken(text, user)
		if err != nil {
			t.Fatal(err)
		}
		client, err := Dial(ctx, url, token, "n")
		if err != nil {
			t.Fatal(err)
		}
		return client
	}
	node, server := dial("node-word", "node"), dial(certs.Long(ca, "server", "server-word"), "server")
	if _, err := dial("wrong", "node").Cluster(ctx); !Refused(err) {
		t.Errorf("wrong token: %v", err)
	}
	if cluster, err := node.Cluster(ctx); err != nil || cluster.ClusterDomain != "d" {
		t.Errorf("%+v, %v", cluster, err)
	}
	if _, err := node.Bootstrap(ctx); !Refused(err) {
		t.Errorf("a node gets the keys of the cluster: %v", err)
	}
	if files, err := server.Bootstrap(ctx); err != nil || files["tls/server-ca.crt"] != string(ca) {
		t.Errorf("%v", err)
	}
	if _, err := node.Node(ctx, request); err == nil || Refused(err) || !strings.Contains(err.Error(), "apiserver not ready") {
		t.Errorf("without an API server: %v", err)
	}
	s.SetAPI(fake.NewSimpleClientset())
	for range 2 {
		made, err := node.Node(ctx, request)
		if err != nil || made.ServerCA != string(ca) || made.Kubelet.Key == "" {
			t.Errorf("%v", err)
		}
	}
	request.Password = "another"
	if _, err := node.Node(ctx, request); !Refused(err) || !strings.Contains(err.Error(), "Node password rejected") {
		t.Errorf("another password: %v", err)
	}
}

func TestAnotherAuthority(t *testing.T) {
	_, url, _ := start(t)
	token, err := certs.ParseToken(certs.Long([]byte("another"), "server", "server-word"), "server")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Dial(context.Background(), url, token, "n"); err == nil || !strings.Contains(err.Error(), "does not match the Cluster CA") {
		t.Errorf("error %v", err)
	}
	if _, err := Dial(context.Background(), "http://x", token, "n"); err == nil {
		t.Error("a URL without TLS is accepted")
	}
}
