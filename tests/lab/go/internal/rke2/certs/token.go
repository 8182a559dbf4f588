package certs

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Token is a token in its parts. The long form pins the cluster's authority:
// K10<sha256 of server-ca.crt>::<user>:<password>; the short form is only a password.
type Token struct {
	CAHash, User, Password string
}

// ParseToken reads a token of either form; user is what the short form stands for.
func ParseToken(text, user string) (Token, error) {
	rest, long := strings.CutPrefix(strings.TrimSpace(text), "K10")
	if !long || !strings.Contains(rest, "::") {
		return Token{User: user, Password: strings.TrimSpace(text)}, nil
	}
	hash, credentials, _ := strings.Cut(rest, "::")
	if _, err := hex.DecodeString(hash); err != nil || len(hash) != 2*sha256.Size {
		return Token{}, fmt.Errorf("invalid token CA hash length")
	}
	name, password, ok := strings.Cut(credentials, ":")
	if !ok || name == "" || password == "" {
		return Token{}, fmt.Errorf("invalid token format")
	}
	return Token{CAHash: hash, User: name, Password: password}, nil
}

// CheckCA refuses an authority that is not the one that the token names.
func (t Token) CheckCA(ca []byte) error {
	if actual := Hash(ca); t.CAHash != "" && actual != t.CAHash {
		return fmt.Errorf("token CA hash does not match the Cluster CA certificate hash: %s != %s", t.CAHash, actual)
	}
	return nil
}

// Long returns the long form of a password for a user.
func Long(ca []byte, user, password string) string {
	return fmt.Sprintf("K10%s::%s:%s", Hash(ca), user, password)
}

// Hash is the hash by which tokens name an authority.
func Hash(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
