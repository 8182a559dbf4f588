// Package bootstrap carries what all servers of a cluster must share: the
// authorities, the key of the service accounts and the keys that encrypt
// secrets. RKE2 keeps it in etcd, encrypted with the server token.
package bootstrap

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"aitenancy/lab/internal/rke2/certs"
)

// EncryptionConfig says how the API server encrypts secrets, below the server's directory.
const EncryptionConfig = "cred/encryption-config.json"

// Files are the shared files by path below the server's directory. Most are secrets.
type Files map[string]string

// Names are the files that servers share.
func Names() []string {
	names := []string{EncryptionConfig, "tls/" + certs.ServiceKey}
	for _, authority := range certs.Authorities {
		names = append(names, "tls/"+authority+".crt", "tls/"+authority+".key")
	}
	return names
}

// Read collects the files from the server's directory.
func Read(directory string) (Files, error) {
	files := Files{}
	for _, name := range Names() {
		content, err := os.ReadFile(filepath.Join(directory, name))
		if err != nil {
			return nil, err
		}
		files[name] = string(content)
	}
	return files, nil
}

// Write puts the files into the server's directory.
func (f Files) Write(directory string) error {
	for _, name := range Names() {
		content, ok := f[name]
		if !ok {
			return fmt.Errorf("the bootstrap data has no %s", name)
		}
		if err := certs.WriteFile(filepath.Join(directory, name), []byte(content)); err != nil {
			return err
		}
	}
	return nil
}

// Prefix is where etcd has the bootstrap data.
const Prefix = "/bootstrap/"

// Key is the key of the data that a token opens.
func Key(token string) string {
	sum := sha256.Sum256([]byte(token))
	return Prefix + hex.EncodeToString(sum[:])[:12]
}

// ErrToken is what Open returns for another token than the one that sealed.
var ErrToken = errors.New("bootstrap data already found and encrypted with different token")

// Seal encrypts files with a token: "<salt>:<AES-GCM, base64>".
func Seal(files Files, token string) (string, error) {
	plain, err := json.Marshal(files)
	if err != nil {
		return "", err
	}
	salt := make([]byte, 8)
	if _, err := rand.Read(salt); err != nil {
		return "", err
	}
	gcm, err := cipherFor(token, salt)
	if err != nil {
		return "", err
	}
	nonce := make([]byte, gcm.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return "", err
	}
	sealed := gcm.Seal(nonce, nonce, plain, nil)
	return hex.EncodeToString(salt) + ":" + base64.StdEncoding.EncodeToString(sealed), nil
}

// Open decrypts what Seal made.
func Open(sealed, token string) (Files, error) {
	saltText, body, _ := strings.Cut(sealed, ":")
	salt, err := hex.DecodeString(saltText)
	if err != nil {
		return nil, err
	}
	content, err := base64.StdEncoding.DecodeString(body)
	if err != nil {
		return nil, err
	}
	gcm, err := cipherFor(token, salt)
	if err != nil {
		return nil, err
	}
	if len(content) < gcm.NonceSize() {
		return nil, ErrToken
	}
	plain, err := gcm.Open(nil, content[:gcm.NonceSize()], content[gcm.NonceSize():], nil)
	if err != nil {
		return nil, ErrToken
	}
	files := Files{}
	return files, json.Unmarshal(plain, &files)
}

func cipherFor(token string, salt []byte) (cipher.AEAD, error) {
	key, err := pbkdf2.Key(sha256.New, token, salt, 4096, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
