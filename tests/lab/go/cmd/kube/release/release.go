// Package release lets the environment name the Kubernetes release that the
// components say they are, so that an upgrade from one release of RKE2 to the
// next is visible in /version and in Nodes without building Kubernetes twice.
//
// It depends on nothing but the standard library on purpose: Go initialises
// such a package before k8s.io/component-base/version, which keeps a copy of
// the value from its own initialisation on.
package release

import (
	"os"
	_ "unsafe" // for go:linkname
)

// Variable is the environment variable with the release, as v1.34.10+rke2r1.
const Variable = "LAB_KUBERNETES_RELEASE"

//go:linkname gitVersion k8s.io/component-base/version.gitVersion
var gitVersion string

func init() {
	if given := os.Getenv(Variable); given != "" {
		gitVersion = given
	}
}
