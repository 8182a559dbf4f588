package node

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"

	"aitenancy/lab/internal/rke2/certs"
)

// passwordFile is outside the data directory: the node stays the same when that is removed.
const passwordFile = "/etc/rancher/node/password"

// Password returns the node's own password, which it makes once.
func Password() (string, error) {
	if content, err := os.ReadFile(passwordFile); err == nil {
		return strings.TrimSpace(string(content)), nil
	}
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		return "", err
	}
	password := hex.EncodeToString(random)
	if err := os.MkdirAll(filepath.Dir(passwordFile), 0o755); err != nil {
		return "", err
	}
	return password, certs.WriteFile(passwordFile, []byte(password+"\n"))
}
