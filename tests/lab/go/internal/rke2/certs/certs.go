// Package certs keeps the certificates of a node where RKE2 has them.
package certs

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"aitenancy/lab/internal/pki"
)

// renewBefore is how long before its end a certificate is made anew at a start (RKE2's rule).
const renewBefore = 120 * 24 * time.Hour

// Authorities are the certificate authorities of a cluster, below server/tls.
var Authorities = []string{"server-ca", "client-ca", "request-header-ca", "etcd/server-ca", "etcd/peer-ca"}

// ServiceKey signs the tokens of service accounts.
const ServiceKey = "service.key"

// Tree is a directory with certificates: NAME.crt and NAME.key.
type Tree struct{ Dir string }

// Path returns the path of a file in the tree.
func (t Tree) Path(name string) string { return filepath.Join(t.Dir, name) }

// Read returns the text of a file in the tree.
func (t Tree) Read(name string) (string, error) {
	content, err := os.ReadFile(t.Path(name))
	return string(content), err
}

// Pair reads a certificate and its key.
func (t Tree) Pair(name string) (pki.Pair, error) {
	cert, err := t.Read(name + ".crt")
	if err != nil {
		return pki.Pair{}, err
	}
	key, err := t.Read(name + ".key")
	return pki.Pair{Cert: cert, Key: key}, err
}

// Exists tells whether a file is in the tree.
func (t Tree) Exists(name string) bool {
	_, err := os.Stat(t.Path(name))
	return err == nil
}

// EnsureAuthorities makes the authorities that are not there. Those that an
// administrator has put there before the first start are used.
func (t Tree) EnsureAuthorities(now time.Time) error {
	for _, name := range Authorities {
		hasCert, hasKey := t.Exists(name+".crt"), t.Exists(name+".key")
		if hasCert && hasKey {
			continue
		} else if hasCert != hasKey {
			return fmt.Errorf("%s: certificate and key must both be there or both be missing", t.Path(name))
		}
		made, err := pki.NewCA(fmt.Sprintf("rke2-%s@%d", filepath.Base(name), now.Unix()), now)
		if err != nil {
			return err
		}
		if err := t.write(name, made); err != nil {
			return err
		}
	}
	if t.Exists(ServiceKey) {
		return nil
	}
	key, err := pki.NewKey()
	if err != nil {
		return err
	}
	return WriteFile(t.Path(ServiceKey), []byte(key.Key))
}

// Leaf is a certificate in the tree and the authority that signs it.
type Leaf struct {
	Name, CA string
	pki.Leaf
}

// Ensure makes a certificate that is missing, ends soon, is of another authority or lacks a name.
func (t Tree) Ensure(leaf Leaf, now time.Time) error {
	ca, err := t.Pair(leaf.CA)
	if err != nil {
		return err
	}
	if pair, err := t.Pair(leaf.Name); err == nil && usable(pair, ca, leaf.SANs, now) {
		return nil
	}
	made, err := pki.NewLeaf(ca, leaf.Leaf, now)
	if err != nil {
		return fmt.Errorf("%s: %w", leaf.Name, err)
	}
	return t.write(leaf.Name, made)
}

func usable(pair, ca pki.Pair, sans []string, now time.Time) bool {
	cert, err := parse([]byte(pair.Cert))
	if err != nil {
		return false
	}
	authority, err := parse([]byte(ca.Cert))
	if err != nil || cert.CheckSignatureFrom(authority) != nil || cert.NotAfter.Sub(now) < renewBefore {
		return false
	}
	return !slices.ContainsFunc(sans, func(san string) bool {
		if ip := net.ParseIP(san); ip != nil {
			return !slices.ContainsFunc(cert.IPAddresses, ip.Equal)
		}
		return !slices.Contains(cert.DNSNames, san)
	})
}

func parse(content []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(content)
	if block == nil {
		return nil, errors.New("not PEM")
	}
	return x509.ParseCertificate(block.Bytes)
}

func (t Tree) write(name string, pair pki.Pair) error {
	if err := WriteFile(t.Path(name+".key"), []byte(pair.Key)); err != nil {
		return err
	}
	return WriteFile(t.Path(name+".crt"), []byte(pair.Cert))
}

// WritePair writes a certificate and its key that another server has made.
func (t Tree) WritePair(name string, pair pki.Pair) error { return t.write(name, pair) }

// WriteFile writes a file that only root may read, whole or not at all. Equal content is left alone.
func WriteFile(path string, content []byte) error {
	if present, err := os.ReadFile(path); err == nil && bytes.Equal(present, content) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	temporary := path + ".new"
	if err := os.WriteFile(temporary, content, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

// WriteKubeconfig writes a kubeconfig with a client of the tree.
func (t Tree) WriteKubeconfig(path, server, client string) error {
	ca, err := t.Read("server-ca.crt")
	if err != nil {
		return err
	}
	pair, err := t.Pair(client)
	if err != nil {
		return err
	}
	content, err := pki.Kubeconfig(server, ca, pair)
	if err != nil {
		return err
	}
	return WriteFile(path, content)
}
