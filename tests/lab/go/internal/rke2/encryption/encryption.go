// Package encryption keeps the keys with which the API server encrypts secrets in etcd.
package encryption

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"aitenancy/lab/internal/rke2/certs"
)

// Key is one key. Secret is a secret.
type Key struct {
	Name   string `json:"name"`
	Secret string `json:"secret"`
}

// keys is one provider's keys; the first encrypts, all decrypt.
type keys struct {
	Keys []Key `json:"keys"`
}

type provider struct {
	AESCBC    *keys     `json:"aescbc,omitempty"`
	Secretbox *keys     `json:"secretbox,omitempty"`
	Identity  *struct{} `json:"identity,omitempty"`
}

type resource struct {
	Resources []string   `json:"resources"`
	Providers []provider `json:"providers"`
}

// Config is the API server's EncryptionConfiguration with one provider and identity.
type Config struct {
	Kind       string     `json:"kind"`
	APIVersion string     `json:"apiVersion"`
	Resources  []resource `json:"resources"`
}

// New makes a configuration with one key. provider is "aescbc" or "secretbox".
func New(kind string) (*Config, error) {
	key, err := newKey(kind + "key")
	if err != nil {
		return nil, err
	}
	c := &Config{Kind: "EncryptionConfiguration", APIVersion: "apiserver.config.k8s.io/v1"}
	c.Resources = []resource{{Resources: []string{"secrets"}, Providers: []provider{{}, {Identity: &struct{}{}}}}}
	first := &c.Resources[0].Providers[0]
	if kind == "secretbox" {
		first.Secretbox = &keys{Keys: []Key{key}}
	} else {
		first.AESCBC = &keys{Keys: []Key{key}}
	}
	return c, nil
}

func newKey(name string) (Key, error) {
	random := make([]byte, 32)
	_, err := rand.Read(random)
	return Key{Name: name, Secret: base64.StdEncoding.EncodeToString(random)}, err
}

// Read reads a configuration.
func Read(path string) (*Config, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c := &Config{}
	if err := json.Unmarshal(content, c); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(c.Resources) != 1 || len(c.Resources[0].Providers) == 0 || c.provider() == nil {
		return nil, fmt.Errorf("%s: one resource with a provider aescbc or secretbox is expected", path)
	}
	return c, nil
}

// Write writes a configuration.
func (c *Config) Write(path string) error {
	content, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return certs.WriteFile(path, content)
}

func (c *Config) provider() *keys {
	if first := c.Resources[0].Providers[0]; first.Secretbox != nil {
		return first.Secretbox
	} else {
		return first.AESCBC
	}
}

// Type is the type of the keys, as "rke2 secrets-encrypt status" names it.
func (c *Config) Type() string {
	if c.Resources[0].Providers[0].Secretbox != nil {
		return "XSalsa20-POLY1305"
	}
	return "AES-CBC"
}

// Keys are the names of the keys, the active one first.
func (c *Config) Keys() []string {
	var names []string
	for _, key := range c.provider().Keys {
		names = append(names, key.Name)
	}
	return names
}

// AddKey makes a new key the active one and keeps the others for reading.
func (c *Config) AddKey(now time.Time) error {
	base := "aescbckey"
	if c.Resources[0].Providers[0].Secretbox != nil {
		base = "secretboxkey"
	}
	key, err := newKey(base + "-" + now.UTC().Format("2006-01-02T15:04:05Z"))
	if err != nil {
		return err
	}
	keys := c.provider()
	keys.Keys = append([]Key{key}, keys.Keys...)
	return nil
}

// DropOldKeys leaves only the active key.
func (c *Config) DropOldKeys() { c.provider().Keys = c.provider().Keys[:1] }

// Reencrypt writes every secret again, so that the active key encrypts it. It returns how many there were.
func Reencrypt(ctx context.Context, client kubernetes.Interface) (int, error) {
	list, err := client.CoreV1().Secrets("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return 0, err
	}
	for index := range list.Items {
		secret := &list.Items[index]
		for {
			_, err := client.CoreV1().Secrets(secret.Namespace).Update(ctx, secret, metav1.UpdateOptions{})
			if err == nil || apierrors.IsNotFound(err) {
				break
			}
			if !apierrors.IsConflict(err) {
				return index, err
			}
			// Somebody wrote it meanwhile, perhaps on a server with the old key: take the new state.
			secret, err = client.CoreV1().Secrets(list.Items[index].Namespace).Get(ctx, list.Items[index].Name, metav1.GetOptions{})
			if apierrors.IsNotFound(err) {
				break
			} else if err != nil {
				return index, err
			}
		}
	}
	return len(list.Items), nil
}
