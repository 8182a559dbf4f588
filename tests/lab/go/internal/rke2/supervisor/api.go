// Package supervisor is the port 9345 of a server: nodes and servers join there.
package supervisor

// Port is the supervisor's port.
const Port = "9345"

// Paths of the supervisor.
const (
	pathPing       = "/ping"
	pathCACerts    = "/cacerts"
	pathReady      = "/v1-rke2/readyz"
	pathConfig     = "/v1-rke2/config"
	pathAPIServers = "/v1-rke2/apiservers"
	pathNode       = "/v1-rke2/node"
	pathBootstrap  = "/v1-rke2/server-bootstrap"
	pathToken      = "/v1-rke2/token"
	pathEncryption = "/v1-rke2/encrypt"
	pathMembers    = "/db/info"
)

// ClusterConfig is what a server tells those that join it.
type ClusterConfig struct {
	Version               string            `json:"version"`
	Critical              map[string]string `json:"critical"`
	ClusterCIDR           string            `json:"clusterCIDR"`
	ServiceCIDR           string            `json:"serviceCIDR"`
	ClusterDNS            string            `json:"clusterDNS"`
	ClusterDomain         string            `json:"clusterDomain"`
	CNI                   string            `json:"cni"`
	DisableKubeProxy      bool              `json:"disableKubeProxy"`
	SystemDefaultRegistry string            `json:"systemDefaultRegistry"`
}

// NodeRequest is how a node asks for its certificates.
type NodeRequest struct {
	Name     string `json:"name"`
	Address  string `json:"address"`
	Password string `json:"password"`
}

// TokenRequest asks for another server token.
type TokenRequest struct {
	NewToken string `json:"newToken"`
}

// EncryptionStatus is the state of the encryption of secrets.
type EncryptionStatus struct {
	Enabled   bool   `json:"enable"`
	ActiveKey string `json:"activeKey"`
	KeyType   string `json:"keyType"`
	Stage     string `json:"stage"`
	HashMatch bool   `json:"hashMatch"`
	HashError string `json:"hashError,omitempty"`
	OtherKeys []Key  `json:"inactiveKeys,omitempty"`
}

// Key is a key that is still known for reading.
type Key struct {
	Type string `json:"type"`
	Name string `json:"name"`
}
