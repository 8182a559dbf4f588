package config

// Kind is the form that a key's value must have.
type Kind int

// The kinds of values.
const (
	Text Kind = iota
	Bool
	Number
	List
	Duration
)

// key says what is known of one key of config.yaml, which is also a flag of the command line.
type key struct {
	kind  Kind
	agent bool // allowed on agents too
	value string
	env   string
}

// keys are those of the RKE2 reference (server_config.md, linux_agent_config.md)
// that the stand-in knows. It accepts some that it only writes into its journal.
var keys = map[string]key{
	"config":   {agent: true, value: "/etc/rancher/rke2/config.yaml", env: "RKE2_CONFIG_FILE"},
	"debug":    {kind: Bool, agent: true, env: "RKE2_DEBUG"},
	"data-dir": {agent: true, value: "/var/lib/rancher/rke2", env: "RKE2_DATA_DIR"},

	"bind-address":      {agent: true},
	"advertise-address": {},
	"tls-san":           {kind: List},
	"tls-san-security":  {kind: Bool, value: "true"},

	"cluster-cidr":            {value: "10.42.0.0/16"},
	"service-cidr":            {value: "10.43.0.0/16"},
	"service-node-port-range": {value: "30000-32767"},
	"cluster-dns":             {},
	"cluster-domain":          {value: "cluster.local"},
	"egress-selector-mode":    {value: "agent"},
	"cni":                     {kind: List, value: "canal"},
	"ingress-controller":      {kind: List},
	"servicelb-namespace":     {value: "kube-system"},
	"enable-servicelb":        {kind: Bool},

	"write-kubeconfig":       {value: "/etc/rancher/rke2/rke2.yaml", env: "RKE2_KUBECONFIG_OUTPUT"},
	"write-kubeconfig-mode":  {value: "0600", env: "RKE2_KUBECONFIG_MODE"},
	"write-kubeconfig-group": {env: "RKE2_KUBECONFIG_GROUP"},

	"token":                      {agent: true, env: "RKE2_TOKEN"},
	"token-file":                 {agent: true, env: "RKE2_TOKEN_FILE"},
	"agent-token":                {env: "RKE2_AGENT_TOKEN"},
	"agent-token-file":           {env: "RKE2_AGENT_TOKEN_FILE"},
	"server":                     {agent: true, env: "RKE2_URL"},
	"cluster-reset":              {kind: Bool, env: "RKE2_CLUSTER_RESET"},
	"cluster-reset-restore-path": {},

	"etcd-disable-snapshots":           {kind: Bool},
	"etcd-snapshot-name":               {value: "etcd-snapshot"},
	"etcd-snapshot-schedule-cron":      {value: "0 */12 * * *"},
	"etcd-snapshot-retention":          {kind: Number, value: "5"},
	"etcd-snapshot-dir":                {},
	"etcd-snapshot-compress":           {kind: Bool},
	"etcd-snapshot-reconcile-interval": {kind: Duration, value: "10m"},
	"etcd-expose-metrics":              {kind: Bool},
	"etcd-s3":                          {kind: Bool},
	"etcd-s3-endpoint":                 {value: "s3.amazonaws.com"},
	"etcd-s3-endpoint-ca":              {},
	"etcd-s3-skip-ssl-verify":          {kind: Bool},
	"etcd-s3-access-key":               {env: "AWS_ACCESS_KEY_ID"},
	"etcd-s3-secret-key":               {env: "AWS_SECRET_ACCESS_KEY"},
	"etcd-s3-session-token":            {env: "AWS_SESSION_TOKEN"},
	"etcd-s3-bucket":                   {},
	"etcd-s3-bucket-lookup-type":       {},
	"etcd-s3-region":                   {value: "us-east-1"},
	"etcd-s3-folder":                   {},
	"etcd-s3-retention":                {kind: Number, value: "5"},
	"etcd-s3-proxy":                    {},
	"etcd-s3-insecure":                 {kind: Bool},
	"etcd-s3-timeout":                  {kind: Duration, value: "5m"},
	"etcd-s3-config-secret":            {},

	"kube-apiserver-arg":                {kind: List},
	"etcd-arg":                          {kind: List},
	"kube-controller-manager-arg":       {kind: List},
	"kube-scheduler-arg":                {kind: List},
	"kube-cloud-controller-manager-arg": {kind: List},
	"kubelet-arg":                       {kind: List, agent: true},
	"kube-proxy-arg":                    {kind: List, agent: true},
	"helm-controller-arg":               {kind: List},

	"disable":                           {kind: List},
	"disable-scheduler":                 {kind: Bool},
	"disable-cloud-controller":          {kind: Bool},
	"disable-kube-proxy":                {kind: Bool},
	"embedded-registry":                 {kind: Bool},
	"supervisor-metrics":                {kind: Bool},
	"control-plane-resource-requests":   {kind: List},
	"control-plane-resource-limits":     {kind: List},
	"control-plane-probe-configuration": {kind: List},

	"system-default-registry":           {},
	"private-registry":                  {agent: true, value: "/etc/rancher/rke2/registries.yaml"},
	"disable-default-registry-endpoint": {kind: Bool, agent: true},
	"snapshotter":                       {agent: true, value: "overlayfs"},
	"default-runtime":                   {agent: true},
	"nonroot-devices":                   {kind: Bool, agent: true},
	"pause-image":                       {agent: true},

	"profile":                            {agent: true, env: "RKE2_CIS_PROFILE"},
	"audit-policy-file":                  {},
	"pod-security-admission-config-file": {},
	"secrets-encryption-provider":        {value: "aescbc"},
	"selinux":                            {kind: Bool, agent: true, env: "RKE2_SELINUX"},
	"protect-kernel-defaults":            {kind: Bool, agent: true},
	"prime":                              {kind: Bool, env: "RKE2_PRIME"},

	"node-name":         {agent: true, env: "RKE2_NODE_NAME"},
	"with-node-id":      {kind: Bool, agent: true},
	"node-label":        {kind: List, agent: true},
	"node-taint":        {kind: List, agent: true},
	"node-ip":           {kind: List, agent: true},
	"node-external-ip":  {kind: List, agent: true},
	"node-internal-dns": {kind: List, agent: true},
	"node-external-dns": {kind: List, agent: true},
	"resolv-conf":       {agent: true, env: "RKE2_RESOLV_CONF"},
	"lb-server-port":    {kind: Number, agent: true, value: "6444"},
}

// choices are the allowed values of keys that have few.
var choices = map[string][]string{
	"profile":                     {"", "cis", "etcd"},
	"secrets-encryption-provider": {"aescbc", "secretbox"},
	"cni":                         {"none", "calico", "canal", "cilium", "flannel", "multus"},
	"ingress-controller":          {"none", "traefik", "ingress-nginx"},
}
