package certs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aitenancy/lab/internal/pki"
)

func serial(t *testing.T, tree Tree, name string) string {
	t.Helper()
	text, err := tree.Read(name + ".crt")
	if err != nil {
		t.Fatal(err)
	}
	cert, err := parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return cert.SerialNumber.String()
}

func TestCertificatesAreMadeAnewOnlyForAReason(t *testing.T) {
	tree, now := Tree{Dir: t.TempDir()}, time.Now()
	if err := tree.EnsureAuthorities(now); err != nil {
		t.Fatal(err)
	}
	ensure := func(now time.Time, sans ...string) string {
		t.Helper()
		if err := tree.EnsureServer("node", "10.0.0.1", sans, now); err != nil {
			t.Fatal(err)
		}
		return serial(t, tree, APIServer)
	}
	first := ensure(now, "a.test")
	if ensure(now.Add(200*24*time.Hour), "a.test") != first {
		t.Error("165 days before its end a certificate stays")
	}
	named := ensure(now, "a.test", "10.0.0.9")
	if named == first {
		t.Error("a new address needs a new certificate")
	}
	renewed := ensure(now.Add(250*24*time.Hour), "a.test")
	if renewed == named {
		t.Error("115 days before its end a certificate is renewed")
	}
	other, err := pki.NewCA("other", now)
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.WritePair("server-ca", other); err != nil {
		t.Fatal(err)
	}
	if ensure(now, "a.test") == renewed {
		t.Error("another authority needs new certificates")
	}
	if err := os.Remove(tree.Path("client-ca.key")); err != nil {
		t.Fatal(err)
	}
	if err := tree.EnsureAuthorities(now); err == nil || !strings.Contains(err.Error(), "client-ca") {
		t.Errorf("half an authority: %v", err)
	}
}

func TestCheckAndRotate(t *testing.T) {
	tree, now := Tree{Dir: filepath.Join(t.TempDir(), "tls")}, time.Now()
	if err := tree.EnsureAuthorities(now); err != nil {
		t.Fatal(err)
	}
	if err := tree.EnsureServer("node", "10.0.0.1", nil, now); err != nil {
		t.Fatal(err)
	}
	count := func(now time.Time, status string) int {
		all, err := Check(now, tree.Dir, filepath.Join(tree.Dir, "no-such-directory"))
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, one := range all {
			if one.Status == status {
				found++
			}
		}
		return found
	}
	// Five authorities live for ten years.
	if ok, soon, late := count(now, "OK"), count(now.Add(300*24*time.Hour), "WARNING"), count(now.Add(400*24*time.Hour), "EXPIRED"); ok != 15 || soon != 10 || late != 10 {
		t.Errorf("OK %d, WARNING %d, EXPIRED %d", ok, soon, late)
	}
	backup, err := tree.Rotate([]string{"etcd"}, now)
	if err != nil {
		t.Fatal(err)
	}
	if tree.Exists(EtcdPeer+".crt") || !tree.Exists(Admin+".crt") || !tree.Exists("etcd/peer-ca.crt") {
		t.Error("only the leaves of etcd are put aside")
	}
	if !(Tree{Dir: backup}).Exists(EtcdPeer + ".key") {
		t.Error("what is put aside is kept")
	}
}

func TestToken(t *testing.T) {
	ca := []byte("authority")
	long, err := ParseToken(Long(ca, "server", "word")+"\n", "node")
	if err != nil || long.User != "server" || long.Password != "word" || long.CheckCA(ca) != nil {
		t.Errorf("%+v, %v", long, err)
	}
	if err := long.CheckCA([]byte("another")); err == nil || !strings.Contains(err.Error(), "does not match") {
		t.Errorf("error %v", err)
	}
	short, err := ParseToken("K10word", "node")
	if err != nil || short != (Token{User: "node", Password: "K10word"}) || short.CheckCA(ca) != nil {
		t.Errorf("%+v, %v", short, err)
	}
	for _, broken := range []string{"K10abc::server:word", "K10" + Hash(ca) + "::word"} {
		if _, err := ParseToken(broken, "node"); err == nil {
			t.Errorf("%s is accepted", broken)
		}
	}
}
