package config

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
)

// Data returns a path below the data directory.
func (c *Config) Data(parts ...string) string {
	return filepath.Join(append([]string{c.Text("data-dir")}, parts...)...)
}

// SnapshotDir is where snapshots of etcd are kept.
func (c *Config) SnapshotDir() string {
	if given := c.Text("etcd-snapshot-dir"); given != "" {
		return given
	}
	return c.Data("server", "db", "snapshots")
}

// NodeName is the node's name in Kubernetes: as given or the host's, in small letters.
func (c *Config) NodeName() (string, error) {
	name := c.Text("node-name")
	if name == "" {
		var err error
		if name, err = os.Hostname(); err != nil {
			return "", err
		}
	}
	return strings.ToLower(name), nil
}

// NodeIP is the node's first address: as given or that of the default route.
func (c *Config) NodeIP() (string, error) {
	if given := c.Items("node-ip"); len(given) > 0 {
		return given[0], nil
	}
	// No packet is sent: the kernel only chooses the route and so the address.
	connection, err := net.Dial("udp4", "192.0.2.1:9")
	if err != nil {
		return "", fmt.Errorf("no default routes found in \"/proc/net/route\": set node-ip or add a route: %w", err)
	}
	defer connection.Close()
	return connection.LocalAddr().(*net.UDPAddr).IP.String(), nil
}

// Token returns the cluster's token as given: the key or the file that it names; empty when there is neither.
func (c *Config) Token() (string, error) { return c.secret("token") }

// AgentToken returns the token for agents as given, or an empty one.
func (c *Config) AgentToken() (string, error) { return c.secret("agent-token") }

func (c *Config) secret(name string) (string, error) {
	if value := c.Text(name); value != "" {
		return value, nil
	}
	file := c.Text(name + "-file")
	if file == "" {
		return "", nil
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("%s-file: %w", name, err)
	}
	return strings.TrimSpace(string(content)), nil
}

// ClusterDNS is the address of the cluster's name server: as given or the tenth of the service range.
func (c *Config) ClusterDNS() (string, error) {
	if given := c.Text("cluster-dns"); given != "" {
		return given, nil
	}
	return nthAddress(c.Text("service-cidr"), 10)
}

// ServiceAddress is the address of the API server inside the cluster: the first of the service range.
func (c *Config) ServiceAddress() (string, error) { return nthAddress(c.Text("service-cidr"), 1) }

func nthAddress(cidr string, n int) (string, error) {
	prefix, err := netip.ParsePrefix(cidr)
	if err != nil {
		return "", fmt.Errorf("service-cidr: %w", err)
	}
	address := prefix.Masked().Addr()
	for range n {
		address = address.Next()
	}
	return address.String(), nil
}

// Critical are the settings that must be equal on all servers.
func (c *Config) Critical() (map[string]string, error) {
	critical := map[string]string{}
	for _, name := range []string{
		"cluster-cidr", "cluster-domain", "disable-cloud-controller", "disable-kube-proxy", "egress-selector-mode", "service-cidr",
	} {
		critical[name] = c.Text(name)
		if keys[name].kind == Bool {
			critical[name] = fmt.Sprint(c.Bool(name))
		}
	}
	var err error
	critical["cluster-dns"], err = c.ClusterDNS()
	return critical, err
}
