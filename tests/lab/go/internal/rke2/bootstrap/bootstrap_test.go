package bootstrap

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"aitenancy/lab/internal/rke2/certs"
)

func TestSealAndOpen(t *testing.T) {
	directory := t.TempDir()
	if err := (certs.Tree{Dir: filepath.Join(directory, "tls")}).EnsureAuthorities(time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(directory); err == nil {
		t.Error("the keys for secrets are missing, and nobody says so")
	}
	if err := certs.WriteFile(filepath.Join(directory, EncryptionConfig), []byte("{}")); err != nil {
		t.Fatal(err)
	}
	files, err := Read(directory)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := Seal(files, "word")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(sealed, "another"); !errors.Is(err, ErrToken) {
		t.Errorf("error %v", err)
	}
	opened, err := Open(sealed, "word")
	if err != nil {
		t.Fatal(err)
	}
	target := t.TempDir()
	if err := opened.Write(target); err != nil {
		t.Fatal(err)
	}
	again, err := Read(target)
	if err != nil || len(again) != len(files) || again["tls/server-ca.key"] != files["tls/server-ca.key"] {
		t.Errorf("%d files, %v", len(again), err)
	}
	delete(opened, "tls/service.key")
	if err := opened.Write(t.TempDir()); err == nil {
		t.Error("a missing file is not noticed")
	}
}
