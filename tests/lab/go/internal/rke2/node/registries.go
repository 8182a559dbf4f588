package node

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"

	"aitenancy/lab/internal/rke2/certs"
)

// registries is registries.yaml; what the stand-in has no use for is accepted all the same.
type registries struct {
	Mirrors map[string]struct {
		Endpoint []string          `json:"endpoint"`
		Rewrite  map[string]string `json:"rewrite"`
	} `json:"mirrors"`
	Configs map[string]struct {
		Auth map[string]string `json:"auth"`
		TLS  struct {
			CAFile             string `json:"ca_file"`
			CertFile           string `json:"cert_file"`
			KeyFile            string `json:"key_file"`
			InsecureSkipVerify bool   `json:"insecure_skip_verify"`
		} `json:"tls"`
	} `json:"configs"`
}

// writeRegistries turns registries.yaml into containerd's hosts.toml files. A
// file that cannot be read ends the start, as it does with RKE2.
func writeRegistries(file, directory string, noDefault bool) error {
	content, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return os.RemoveAll(directory)
	} else if err != nil {
		return err
	}
	var given registries
	if err := yaml.UnmarshalStrict(content, &given); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if err := os.RemoveAll(directory); err != nil {
		return err
	}
	for registry, mirror := range given.Mirrors {
		name := registry
		if registry == "*" {
			name = "_default"
		}
		text := ""
		if !noDefault && name != "_default" {
			text = fmt.Sprintf("server = %q\n", "https://"+strings.Replace(registry, "docker.io", "registry-1.docker.io", 1))
		}
		for _, endpoint := range mirror.Endpoint {
			text += fmt.Sprintf("[host.%q]\n  capabilities = [\"pull\", \"resolve\"]\n", endpoint)
			host := strings.TrimPrefix(strings.TrimPrefix(endpoint, "https://"), "http://")
			if tls := given.Configs[host].TLS; tls.CAFile != "" {
				text += fmt.Sprintf("  ca = [%q]\n", tls.CAFile)
			} else if tls.InsecureSkipVerify {
				text += "  skip_verify = true\n"
			}
		}
		if err := certs.WriteFile(filepath.Join(directory, name, "hosts.toml"), []byte(text)); err != nil {
			return err
		}
	}
	return nil
}
