package pki

import (
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"
)

func parse(t *testing.T, content string) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(content))
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func TestClientCertificate(t *testing.T) {
	made := time.Now().Add(-48 * time.Hour).Truncate(time.Second)
	ca, err := NewCA("ca", made)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Truncate(time.Second)
	pair, err := NewClient(ca, "system:admin", []string{"system:masters"}, now)
	if err != nil {
		t.Fatal(err)
	}
	cert := parse(t, pair.Cert)
	if cert.Subject.String() != "CN=system:admin,O=system:masters" {
		t.Errorf("subject %s", cert.Subject)
	}
	if !cert.NotBefore.Equal(made) || !cert.NotAfter.Equal(now.Add(365*24*time.Hour)) {
		t.Errorf("valid from %s to %s", cert.NotBefore, cert.NotAfter)
	}
	if !strings.HasPrefix(pair.Key, "-----BEGIN EC PRIVATE KEY-----") {
		t.Error("not an EC key")
	}
	roots := x509.NewCertPool()
	roots.AddCert(parse(t, ca.Cert))
	if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		t.Error(err)
	}
}

func TestServerCertificate(t *testing.T) {
	ca, err := NewCA("ca", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	pair, err := NewServer(ca, "k3s", []string{"127.77.1.1", "tenant.example.com"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	cert := parse(t, pair.Cert)
	for _, host := range []string{"127.77.1.1", "tenant.example.com"} {
		if err := cert.VerifyHostname(host); err != nil {
			t.Error(err)
		}
	}
}

func TestBrokenAuthority(t *testing.T) {
	if _, err := NewClient(Pair{Cert: "junk", Key: "junk"}, "x", nil, time.Now()); err == nil {
		t.Error("junk was taken for a certificate authority")
	}
}
