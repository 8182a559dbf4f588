package k3k

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"aitenancy/lab/internal/k3kapi"
	"aitenancy/lab/internal/k3s"
	"aitenancy/lab/internal/pki"
)

// notFound words a missing object as the controller's cache does: with its kind, not its resource.
func notFound(group, kind, name string) error {
	return apierrors.NewNotFound(schema.GroupResource{Group: group, Resource: kind}, name)
}

// secret reads from the cache; missing is an error in the controller's words.
func (c *Controller) secret(namespace, name string) (*corev1.Secret, error) {
	secret, err := c.secrets.Secrets(namespace).Get(name)
	if apierrors.IsNotFound(err) {
		return nil, notFound("", "Secret", name)
	}
	return secret, err
}

// token is what servers and agents recognise each other by. A Secret of the
// expected name is used whoever made it; without one a new token is made, even
// when the servers still run with the old one.
func (c *Controller) token(ctx context.Context, cluster *k3kapi.Cluster) (string, error) {
	if ref := cluster.Spec.TokenSecretRef; ref != nil {
		secret, err := c.secret(ref.Namespace, ref.Name)
		if err != nil {
			return "", err
		}
		return string(secret.Data["token"]), nil
	}
	name := k3kapi.Name(cluster.Name, "token")
	client := c.host.CoreV1().Secrets(cluster.Namespace)
	secret, err := c.secrets.Secrets(cluster.Namespace).Get(name)
	if apierrors.IsNotFound(err) {
		// The cache may lag behind the Secret that the last reconcile made.
		secret, err = client.Get(ctx, name, metav1.GetOptions{})
	}
	if apierrors.IsNotFound(err) {
		random := make([]byte, 16)
		if _, err := rand.Read(random); err != nil {
			return "", err
		}
		secret, err = client.Create(ctx, &corev1.Secret{
			ObjectMeta: child(cluster, name, nil),
			Data:       map[string][]byte{"token": []byte(hex.EncodeToString(random))},
		}, metav1.CreateOptions{})
	}
	if err != nil {
		return "", err
	}
	return string(secret.Data["token"]), nil
}

// ensureSecret creates or updates a Secret and says whether it was created.
func (c *Controller) ensureSecret(ctx context.Context, desired *corev1.Secret) (bool, error) {
	client := c.host.CoreV1().Secrets(desired.Namespace)
	live, err := c.secrets.Secrets(desired.Namespace).Get(desired.Name)
	if apierrors.IsNotFound(err) {
		_, err := client.Create(ctx, desired, metav1.CreateOptions{})
		if !apierrors.IsAlreadyExists(err) {
			return err == nil, err
		}
	} else if err != nil {
		return false, err
	} else if maps.EqualFunc(live.Data, desired.Data, bytes.Equal) {
		return false, nil
	}
	_, err = client.Update(ctx, desired, metav1.UpdateOptions{})
	return false, err
}

// configSecrets writes the configuration files of servers and agents.
func (c *Controller) configSecrets(ctx context.Context, cluster *k3kapi.Cluster, clusterIP, token string) error {
	for suffix, content := range configs(cluster, clusterIP, token) {
		raw, err := yaml.Marshal(content)
		if err != nil {
			return err
		}
		if _, err := c.ensureSecret(ctx, &corev1.Secret{
			ObjectMeta: child(cluster, k3kapi.Name(cluster.Name, suffix), nil),
			Data:       map[string][]byte{"config.yaml": raw},
		}); err != nil {
			return err
		}
	}
	return nil
}

// configs are the three files by the end of their Secret's name.
func configs(cluster *k3kapi.Cluster, clusterIP, token string) map[string]map[string]any {
	init := map[string]any{
		"cluster-init": true,
		"cluster-cidr": cluster.Status.ClusterCIDR,
		"service-cidr": cluster.Status.ServiceCIDR,
		"tls-san":      cluster.Status.TLSSANs,
		"token":        token,
	}
	if cluster.Spec.ClusterDNS != "" {
		init["cluster-dns"] = cluster.Spec.ClusterDNS
	}
	join := maps.Clone(init)
	join["server"] = "https://" + bracketed(clusterIP)
	agent := map[string]any{"server": join["server"], "token": token, "with-node-id": true}
	return map[string]map[string]any{"init-server-config": init, "server-config": join, "agent-config": agent}
}

// copyAddons copies the manifests' Secrets into the namespace of the Cluster, once.
func (c *Controller) copyAddons(ctx context.Context, cluster *k3kapi.Cluster) error {
	for _, addon := range cluster.Spec.Addons {
		source, err := c.secret(addon.SecretNamespace, addon.SecretRef)
		if err != nil {
			return err
		}
		if _, err := c.secrets.Secrets(cluster.Namespace).Get(addon.SecretRef); err == nil {
			continue
		}
		owner := cluster.OwnerReference()
		owner.Controller, owner.BlockOwnerDeletion = nil, nil
		_, err = c.host.CoreV1().Secrets(cluster.Namespace).Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: cluster.Namespace, Name: addon.SecretRef, OwnerReferences: []metav1.OwnerReference{owner},
			},
			Type: source.Type, Data: source.Data,
		}, metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	return nil
}

// checkCustomCAs looks for the Secrets; their content is not used by the stand-in.
func (c *Controller) checkCustomCAs(cluster *k3kapi.Cluster) error {
	if cluster.Spec.CustomCAs == nil || !cluster.Spec.CustomCAs.Enabled {
		return nil
	}
	for _, source := range slices.Sorted(maps.Keys(cluster.Spec.CustomCAs.Sources)) {
		if _, err := c.secret(cluster.Namespace, cluster.Spec.CustomCAs.Sources[source].SecretName); err != nil {
			return err
		}
	}
	return nil
}

// bootstrapSecret holds the authorities of the virtual cluster with their private keys.
func (c *Controller) bootstrapSecret(ctx context.Context, cluster *k3kapi.Cluster, data *k3s.Data) error {
	type entry struct{ Timestamp, Content string }
	made := func(content string) entry { return entry{data.Created.Format(time.RFC3339), content} }
	raw, err := json.Marshal(map[string]entry{
		"serverCA": made(data.ServerCA.Cert), "serverCAKey": made(data.ServerCA.Key),
		"clientCA": made(data.ClientCA.Cert), "clientCAKey": made(data.ClientCA.Key),
		"etcdServerCA": made(data.EtcdServerCA.Cert), "etcdServerCAKey": made(data.EtcdServerCA.Key),
	})
	if err != nil {
		return err
	}
	_, err = c.ensureSecret(ctx, &corev1.Secret{
		ObjectMeta: child(cluster, k3kapi.Name(cluster.Name, "bootstrap"), nil),
		Data:       map[string][]byte{"bootstrap": raw},
	})
	return err
}

// kubeconfigSecret issues a new key and certificate, at every reconcile.
func (c *Controller) kubeconfigSecret(ctx context.Context, cluster *k3kapi.Cluster, service *corev1.Service, data *k3s.Data) error {
	client, err := pki.NewClient(data.ClientCA, "system:admin", []string{"system:masters"}, time.Now())
	if err != nil {
		return err
	}
	kubeconfig, err := pki.Kubeconfig(serverURL(cluster, service), data.ServerCA.Cert, client)
	if err != nil {
		return err
	}
	name := k3kapi.Name(cluster.Name, "kubeconfig")
	created, err := c.ensureSecret(ctx, &corev1.Secret{
		ObjectMeta: child(cluster, name, nil),
		Data:       map[string][]byte{"kubeconfig.yaml": kubeconfig},
	})
	if err == nil && created {
		// The controller reads the Secret back from a cache that does not have it yet.
		return tick{fmt.Errorf("failed creating virtual client: %w", notFound("", "Secret", name))}
	}
	return err
}
