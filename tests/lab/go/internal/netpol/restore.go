package netpol

import (
	"slices"
	"strings"
)

// Restore is the input of "iptables-restore --noflush" that makes the chains,
// and removes those in present that are not wanted any more.
func Restore(chains []Chain, present map[string]bool) string {
	var text strings.Builder
	text.WriteString("*filter\n")
	wanted := map[string]bool{}
	for _, chain := range chains {
		wanted[chain.Name] = true
		// A declaration empties a chain that is there.
		text.WriteString(":" + chain.Name + " - [0:0]\n")
	}
	var gone []string
	for name := range present {
		if !wanted[name] {
			gone = append(gone, name)
		}
	}
	slices.Sort(gone)
	for _, name := range gone {
		text.WriteString(":" + name + " - [0:0]\n")
	}
	for _, chain := range chains {
		for _, rule := range chain.Rules {
			text.WriteString("-A " + chain.Name + " " + rule + "\n")
		}
	}
	for _, name := range gone {
		text.WriteString("-X " + name + "\n")
	}
	text.WriteString("COMMIT\n")
	return text.String()
}
