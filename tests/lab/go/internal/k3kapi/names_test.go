package k3kapi

import (
	"strings"
	"testing"
)

func TestName(t *testing.T) {
	if got := Name("alpha", "server"); got != "k3k-alpha-server" {
		t.Errorf("short name: %q", got)
	}
	long := Name(strings.Repeat("a", 70), "server")
	other := Name(strings.Repeat("a", 71), "server")
	if len(long) > 63 || long == other {
		t.Errorf("a long name must fit and stay unique: %q, %q", long, other)
	}
	// The 57th character is a dash: the cut must not leave two dashes.
	cut := Name(strings.Repeat("a", 52), "server", "headless")
	if strings.Contains(cut, "--") || len(cut) > 63 {
		t.Errorf("cut at a dash: %q", cut)
	}
}
