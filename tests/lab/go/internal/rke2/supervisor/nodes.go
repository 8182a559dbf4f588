package supervisor

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"aitenancy/lab/internal/rke2/certs"
)

// passwordRefused is RKE2's message, so that what looks for it in a journal finds it.
const passwordRefused = "Node password rejected, duplicate hostname or contents of '/etc/rancher/node/password' may not match " +
	"server node-passwd entry, try enabling a unique node name with the --with-node-id flag"

func (s *Server) client() (kubernetes.Interface, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.api == nil {
		return nil, errUnavailable
	}
	return s.api, nil
}

// apiServers are the addresses "host:port" of all API servers.
func (s *Server) apiServers(ctx context.Context) ([]string, error) {
	client, err := s.client()
	if err != nil {
		return nil, err
	}
	return APIServers(ctx, client)
}

// APIServers reads the addresses of all API servers from the Service kubernetes.
func APIServers(ctx context.Context, client kubernetes.Interface) ([]string, error) {
	slices, err := client.DiscoveryV1().EndpointSlices("default").List(ctx, metav1.ListOptions{
		LabelSelector: "kubernetes.io/service-name=kubernetes",
	})
	if err != nil {
		return nil, err
	}
	var all []string
	for _, slice := range slices.Items {
		for _, endpoint := range slice.Endpoints {
			for _, port := range slice.Ports {
				all = append(all, net.JoinHostPort(endpoint.Addresses[0], fmt.Sprint(*port.Port)))
			}
		}
	}
	return all, nil
}

// node checks a node's password and makes its certificates.
func (s *Server) node(r *http.Request, tree certs.Tree) (any, error) {
	var request NodeRequest
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		return nil, refusal{http.StatusBadRequest, err.Error()}
	}
	if request.Name == "" || request.Password == "" || net.ParseIP(request.Address) == nil {
		return nil, refusal{http.StatusBadRequest, "name, address and password are needed"}
	}
	client, err := s.client()
	if err != nil {
		return nil, err
	}
	if err := checkPassword(r.Context(), client, request.Name, request.Password); err != nil {
		s.Journal.Write("node-refused", map[string]any{"node_name": request.Name, "reason": err.Error()})
		return nil, err
	}
	s.Journal.Write("node-join", map[string]any{"node_name": request.Name, "address": request.Address})
	return tree.NewNode(request.Name, request.Address, time.Now())
}

// PasswordSecret is the name of the secret with a node's password.
func PasswordSecret(node string) string { return node + ".node-password.rke2" }

// checkPassword compares with the secret of the node, or makes it: the first who comes with a name owns it.
func checkPassword(ctx context.Context, client kubernetes.Interface, node, password string) error {
	secrets := client.CoreV1().Secrets(metav1.NamespaceSystem)
	secret, err := secrets.Get(ctx, PasswordSecret(node), metav1.GetOptions{})
	if err == nil {
		salt, expected, valid := splitHash(string(secret.Data["hash"]))
		if !valid || hashPassword(salt, password) != expected {
			return refusal{http.StatusForbidden, passwordRefused}
		}
		return nil
	}
	if !apierrors.IsNotFound(err) {
		return errUnavailable
	}
	random := make([]byte, 8)
	if _, err := rand.Read(random); err != nil {
		return err
	}
	salt := hex.EncodeToString(random)
	immutable := true
	_, err = secrets.Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: PasswordSecret(node)}, Immutable: &immutable,
		Data: map[string][]byte{"hash": []byte("$1:" + salt + ":" + hashPassword(salt, password))},
	}, metav1.CreateOptions{})
	return err
}

func splitHash(text string) (salt, hash string, ok bool) {
	parts := strings.Split(text, ":")
	if len(parts) != 3 || parts[0] != "$1" {
		return "", "", false
	}
	return parts[1], parts[2], true
}

func hashPassword(salt, password string) string {
	sum := sha256.Sum256([]byte(salt + password))
	return hex.EncodeToString(sum[:])
}
