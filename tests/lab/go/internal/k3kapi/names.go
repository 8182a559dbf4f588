package k3kapi

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Name joins the parts with dashes behind the prefix "k3k", as the controller
// names every child. A name of 64 or more characters is cut and gets a hash of
// the whole, so that it stays unique.
func Name(parts ...string) string {
	full := strings.Join(append([]string{"k3k"}, parts...), "-")
	if len(full) < 64 {
		return full
	}
	sum := sha256.Sum256([]byte(full))
	digest := hex.EncodeToString(sum[:])
	// A cut that ends in a dash or a dot would give an invalid name with the dash that follows.
	if head := full[:57]; !strings.HasSuffix(head, "-") && !strings.HasSuffix(head, ".") {
		return head + "-" + digest[:5]
	}
	return full[:56] + "-" + digest[:6]
}
