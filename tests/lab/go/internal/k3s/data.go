package k3s

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"aitenancy/lab/internal/pki"
)

// Data is what a real server keeps on its disk: identity and secrets of one
// tenant. It lives exactly as long as the disk does, which is the volume of
// server 0, or the pod itself with ephemeral persistence.
type Data struct {
	// Disk is the UID of the PersistentVolumeClaim or of the pod. A new disk is a new tenant.
	Disk    string    `json:"disk"`
	Created time.Time `json:"created"`
	// Token is the one the data was made with; requests with another one are refused.
	Token          string   `json:"token"`
	ServerCA       pki.Pair `json:"serverCA"`
	ClientCA       pki.Pair `json:"clientCA"`
	EtcdServerCA   pki.Pair `json:"etcdServerCA"`
	ServiceAccount pki.Pair `json:"serviceAccount"`
	// Port of the inner API server, kept so that clients survive a restart of the stand-in.
	Port int `json:"port,omitempty"`
}

func newData(disk, token string, now time.Time) (*Data, error) {
	data := &Data{Disk: disk, Token: token, Created: now.UTC().Truncate(time.Second)}
	for name, pair := range map[string]*pki.Pair{
		"k3s-server-ca": &data.ServerCA, "k3s-client-ca": &data.ClientCA, "etcd-server-ca": &data.EtcdServerCA,
	} {
		made, err := pki.NewCA(fmt.Sprintf("%s@%d", name, now.Unix()), data.Created)
		if err != nil {
			return nil, err
		}
		*pair = made
	}
	key, err := pki.NewKey()
	data.ServiceAccount = key
	return data, err
}

// store keeps one file per tenant, readable by its owner only: it holds private keys.
type store struct{ dir string }

func (s store) path(namespace, name string) string {
	return filepath.Join(s.dir, namespace, name+".json")
}

// load returns nil without error when there is no data.
func (s store) load(namespace, name string) (*Data, error) {
	raw, err := os.ReadFile(s.path(namespace, name))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	data := &Data{}
	if err := json.Unmarshal(raw, data); err != nil {
		return nil, fmt.Errorf("%s: %w", s.path(namespace, name), err)
	}
	return data, nil
}

func (s store) save(namespace, name string, data *Data) error {
	raw, err := json.Marshal(data)
	if err != nil {
		return err
	}
	return writeSecret(s.path(namespace, name), raw)
}

func (s store) remove(namespace, name string) error {
	err := os.Remove(s.path(namespace, name))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// all returns the tenants that have data, as namespace and name.
func (s store) all() ([][2]string, error) {
	files, err := filepath.Glob(filepath.Join(s.dir, "*", "*.json"))
	var found [][2]string
	for _, file := range files {
		name := filepath.Base(file)
		found = append(found, [2]string{filepath.Base(filepath.Dir(file)), name[:len(name)-len(".json")]})
	}
	return found, err
}

// writeSecret replaces a file in one step, so that a crash leaves the old one or the new one.
func writeSecret(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
