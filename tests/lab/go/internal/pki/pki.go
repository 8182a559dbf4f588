// Package pki makes the certificates of the laboratory's clusters: small EC keys,
// because a laboratory makes hundreds of them.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

const (
	caLife   = 10 * 365 * 24 * time.Hour
	leafLife = 365 * 24 * time.Hour
)

// Pair is a certificate and its private key, both PEM. Key is a secret.
type Pair struct {
	Cert string `json:"cert"`
	Key  string `json:"key"`
}

// NewCA makes a self-signed certificate authority.
func NewCA(commonName string, now time.Time) (Pair, error) {
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: commonName},
		NotBefore:             now.UTC(),
		NotAfter:              now.Add(caLife).UTC(),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	return sign(template, nil)
}

// Leaf says what a certificate is for.
type Leaf struct {
	CommonName     string
	Groups         []string
	SANs           []string // names and addresses
	Client, Server bool     // the ends of a connection that it may be
}

// NewClient issues a client certificate for a user and its groups.
func NewClient(ca Pair, user string, groups []string, now time.Time) (Pair, error) {
	return NewLeaf(ca, Leaf{CommonName: user, Groups: groups, Client: true}, now)
}

// NewServer issues a serving certificate for names and addresses.
func NewServer(ca Pair, commonName string, sans []string, now time.Time) (Pair, error) {
	return NewLeaf(ca, Leaf{CommonName: commonName, SANs: sans, Server: true}, now)
}

// NewLeaf issues a certificate that is as old as its authority and valid for a
// year from now (dynamiclistener's rule, which k3k and RKE2 use).
func NewLeaf(ca Pair, leaf Leaf, now time.Time) (Pair, error) {
	template := &x509.Certificate{
		Subject:  pkix.Name{CommonName: leaf.CommonName, Organization: leaf.Groups},
		NotAfter: now.Add(leafLife).UTC(),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
	if leaf.Server {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	if leaf.Client {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	}
	for _, san := range leaf.SANs {
		if ip := net.ParseIP(san); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, san)
		}
	}
	return sign(template, &ca)
}

// NewKey makes a bare key pair; Cert is its public key. Service account tokens are signed with one.
func NewKey() (Pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return Pair{}, err
	}
	private, err := keyPEM(key)
	return Pair{Cert: encode("PUBLIC KEY", public), Key: private}, err
}

// sign issues the template under ca, or under itself when ca is nil.
func sign(template *x509.Certificate, ca *Pair) (Pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, err
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 63)); err != nil {
		return Pair{}, err
	}
	parent, signer := template, crypto.Signer(key)
	if ca != nil {
		if parent, signer, err = ca.parse(); err != nil {
			return Pair{}, err
		}
		template.NotBefore = parent.NotBefore
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return Pair{}, err
	}
	private, err := keyPEM(key)
	return Pair{Cert: encode("CERTIFICATE", der), Key: private}, err
}

func (p Pair) parse() (*x509.Certificate, crypto.Signer, error) {
	certBlock, _ := pem.Decode([]byte(p.Cert))
	keyBlock, _ := pem.Decode([]byte(p.Key))
	if certBlock == nil || keyBlock == nil {
		return nil, nil, fmt.Errorf("the certificate authority is not PEM")
	}
	cert, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("certificate authority: %w", err)
	}
	key, err := parseKey(keyBlock)
	if err != nil {
		return nil, nil, fmt.Errorf("key of the certificate authority: %w", err)
	}
	return cert, key, nil
}

// parseKey reads a private key in any of the forms that openssl writes.
func parseKey(block *pem.Block) (crypto.Signer, error) {
	switch block.Type {
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("a key of type %T cannot sign", key)
	}
	return signer, nil
}

func keyPEM(key *ecdsa.PrivateKey) (string, error) {
	der, err := x509.MarshalECPrivateKey(key)
	return encode("EC PRIVATE KEY", der), err
}

func encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
