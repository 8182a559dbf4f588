package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// kernelParameters are what the CIS profile wants of the kernel (RKE2's pkg/cli/cmds/profile_linux.go).
var kernelParameters = map[string]string{
	"vm.overcommit_memory": "1", "vm.panic_on_oom": "0", "kernel.panic": "10", "kernel.panic_on_oops": "1",
}

// CheckProfile refuses a machine that is not prepared for the CIS profile. root is "/" but in tests.
func (c *Config) CheckProfile(root string) error {
	if c.Text("profile") == "" {
		return nil
	}
	var problems []error
	for _, name := range sortedKeys(kernelParameters) {
		expected := kernelParameters[name]
		content, err := os.ReadFile(filepath.Join(root, "proc/sys", strings.ReplaceAll(name, ".", "/")))
		if actual := strings.TrimSpace(string(content)); err != nil {
			problems = append(problems, err)
		} else if actual != expected {
			problems = append(problems, fmt.Errorf("invalid kernel parameter value %s=%s - expected %s", name, actual, expected))
		}
	}
	if c.Role == Server {
		for kind, file := range map[string]string{"user": "etc/passwd", "group": "etc/group"} {
			if !hasEntry(filepath.Join(root, file), "etcd") {
				problems = append(problems, fmt.Errorf("missing required %s: unknown %s etcd", kind, kind))
			}
		}
	}
	return errors.Join(problems...)
}

func hasEntry(file, name string) bool {
	content, _ := os.ReadFile(file)
	return slices.ContainsFunc(strings.Split(string(content), "\n"), func(line string) bool {
		return strings.HasPrefix(line, name+":")
	})
}

// Faults are what a test can make this host do wrong, and what the laboratory must say about it.
type Faults struct {
	// SlowStart is how many seconds a start takes longer.
	SlowStart int `json:"slow_start"`
	// FailJoin makes this host's attempts to join end with this message.
	FailJoin string `json:"fail_join"`
	// FailStart makes every start end with this message.
	FailStart string `json:"fail_start"`
	// RefuseReady keeps the unit in "activating" and /v1-rke2/readyz at 500.
	RefuseReady bool `json:"refuse_ready"`
	// CgroupRoot is the cgroup of this host's pods on a machine with cgroup v1.
	CgroupRoot string `json:"cgroup_root"`
	// KubeBinary has all components of Kubernetes.
	KubeBinary string `json:"kube_binary"`
}

// ReadFaults reads the file with the faults; a file that is not there means none.
func ReadFaults(path string) (Faults, error) {
	faults := Faults{KubeBinary: "/opt/lab/bin/kube"}
	content, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return faults, nil
	} else if err != nil {
		return faults, err
	}
	if err := yaml.UnmarshalStrict(content, &faults); err != nil {
		return faults, fmt.Errorf("%s: %w", path, err)
	}
	return faults, nil
}
