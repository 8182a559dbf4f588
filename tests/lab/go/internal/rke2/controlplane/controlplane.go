// Package controlplane runs kube-apiserver, kube-controller-manager and kube-scheduler of a server.
package controlplane

import (
	"os"
	"path/filepath"

	"aitenancy/lab/internal/rke2/bootstrap"
	"aitenancy/lab/internal/rke2/certs"
	"aitenancy/lab/internal/rke2/config"
	"aitenancy/lab/internal/rke2/etcd"
)

// LocalAPI is where everything on a server reaches the API.
const LocalAPI = "https://127.0.0.1:6443"

// Plane is the control plane of one server.
type Plane struct {
	Config  *config.Config
	Kube    string
	Address string
	Tree    certs.Tree
}

func (p *Plane) cred(name string) string { return p.Config.Data("server", "cred", name) }

// WriteKubeconfigs writes those of the components.
func (p *Plane) WriteKubeconfigs() error {
	for file, client := range map[string]string{
		"admin.kubeconfig": certs.Admin, "controller.kubeconfig": certs.Controller,
		"scheduler.kubeconfig": certs.Scheduler, "supervisor.kubeconfig": certs.Supervisor,
	} {
		if err := p.Tree.WriteKubeconfig(p.cred(file), LocalAPI, client); err != nil {
			return err
		}
	}
	return nil
}

// APIServer is the command line of kube-apiserver.
func (p *Plane) APIServer() ([]string, error) {
	pair := func(prefix, name string) []string {
		return []string{prefix + "cert-file=" + p.Tree.Path(name) + ".crt", prefix + "private-key-file=" + p.Tree.Path(name) + ".key"}
	}
	bind := p.Config.Text("bind-address")
	if bind == "" {
		bind = "0.0.0.0"
	}
	advertise := p.Config.Text("advertise-address")
	if advertise == "" {
		advertise = p.Address
	}
	settings := []string{
		"etcd-servers=" + etcd.Local, "etcd-cafile=" + p.Tree.Path("etcd/server-ca.crt"),
		"etcd-certfile=" + p.Tree.Path(certs.EtcdClient) + ".crt", "etcd-keyfile=" + p.Tree.Path(certs.EtcdClient) + ".key",
		"bind-address=" + bind, "advertise-address=" + advertise, "secure-port=6443",
		"service-cluster-ip-range=" + p.Config.Text("service-cidr"),
		"service-node-port-range=" + p.Config.Text("service-node-port-range"),
		"client-ca-file=" + p.Tree.Path("client-ca.crt"),
		"kubelet-client-certificate=" + p.Tree.Path(certs.KubeletClient) + ".crt",
		"kubelet-client-key=" + p.Tree.Path(certs.KubeletClient) + ".key",
		"kubelet-certificate-authority=" + p.Tree.Path("server-ca.crt"),
		"kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname",
		"service-account-issuer=https://kubernetes.default.svc." + p.Config.Text("cluster-domain"),
		"service-account-key-file=" + p.Tree.Path(certs.ServiceKey),
		"service-account-signing-key-file=" + p.Tree.Path(certs.ServiceKey),
		"authorization-mode=Node,RBAC", "enable-admission-plugins=NodeRestriction", "allow-privileged=true",
		"anonymous-auth=false", "profiling=false",
		"requestheader-client-ca-file=" + p.Tree.Path("request-header-ca.crt"),
		"requestheader-allowed-names=system:auth-proxy", "requestheader-extra-headers-prefix=X-Remote-Extra-",
		"requestheader-group-headers=X-Remote-Group", "requestheader-username-headers=X-Remote-User",
		"proxy-client-cert-file=" + p.Tree.Path(certs.AuthProxy) + ".crt",
		"proxy-client-key-file=" + p.Tree.Path(certs.AuthProxy) + ".key",
		"encryption-provider-config=" + p.Config.Data("server", bootstrap.EncryptionConfig),
		"v=1",
	}
	settings = append(settings, pair("tls-", certs.APIServer)...)
	security, err := p.security()
	if err != nil {
		return nil, err
	}
	return append([]string{p.Kube, "kube-apiserver"},
		config.Flags(append(settings, security...), p.Config.List("kube-apiserver-arg"))...), nil
}

// security gives the API server the policies for pods and for the audit log.
func (p *Plane) security() ([]string, error) {
	directory := filepath.Dir(p.Config.Text("config"))
	hardened := p.Config.Text("profile") == "cis"
	pods := p.Config.Text("pod-security-admission-config-file")
	if pods == "" {
		pods = filepath.Join(directory, "rke2-pss.yaml")
		if err := writeMissing(pods, podSecurity(hardened)); err != nil {
			return nil, err
		}
	}
	settings := []string{"admission-control-config-file=" + pods}
	audit := p.Config.Text("audit-policy-file")
	if audit == "" && hardened {
		audit = filepath.Join(directory, "audit-policy.yaml")
		if err := writeMissing(audit, auditNothing); err != nil {
			return nil, err
		}
	}
	if audit != "" {
		log := p.Config.Data("server", "logs", "audit.log")
		if err := os.MkdirAll(filepath.Dir(log), 0o700); err != nil {
			return nil, err
		}
		settings = append(settings, "audit-policy-file="+audit, "audit-log-path="+log,
			"audit-log-maxage=30", "audit-log-maxbackup=10", "audit-log-maxsize=100")
	}
	return settings, nil
}

// ControllerManager is the command line of kube-controller-manager.
func (p *Plane) ControllerManager() []string {
	return append([]string{p.Kube, "kube-controller-manager"}, config.Flags([]string{
		"kubeconfig=" + p.cred("controller.kubeconfig"),
		"authentication-kubeconfig=" + p.cred("controller.kubeconfig"), "authorization-kubeconfig=" + p.cred("controller.kubeconfig"),
		"use-service-account-credentials=true", "leader-elect=true", "bind-address=127.0.0.1", "profiling=false",
		"allocate-node-cidrs=true", "cluster-cidr=" + p.Config.Text("cluster-cidr"),
		"service-cluster-ip-range=" + p.Config.Text("service-cidr"),
		"root-ca-file=" + p.Tree.Path("server-ca.crt"), "service-account-private-key-file=" + p.Tree.Path(certs.ServiceKey),
		"cluster-signing-cert-file=" + p.Tree.Path("client-ca.crt"), "cluster-signing-key-file=" + p.Tree.Path("client-ca.key"),
		"v=1",
	}, p.Config.List("kube-controller-manager-arg"))...)
}

// Scheduler is the command line of kube-scheduler.
func (p *Plane) Scheduler() []string {
	return append([]string{p.Kube, "kube-scheduler"}, config.Flags([]string{
		"kubeconfig=" + p.cred("scheduler.kubeconfig"),
		"authentication-kubeconfig=" + p.cred("scheduler.kubeconfig"), "authorization-kubeconfig=" + p.cred("scheduler.kubeconfig"),
		"leader-elect=true", "bind-address=127.0.0.1", "profiling=false", "v=1",
	}, p.Config.List("kube-scheduler-arg"))...)
}

func writeMissing(path, content string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	return certs.WriteFile(path, []byte(content))
}

const auditNothing = `apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- level: None
`

// podSecurity is the admission configuration that RKE2 writes: restricted with the CIS profile, else privileged.
func podSecurity(hardened bool) string {
	level, exempt := "privileged", "[]"
	if hardened {
		level, exempt = "restricted", "[kube-system, compliance-operator-system, tigera-operator]"
	}
	return `apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
- name: PodSecurity
  configuration:
    apiVersion: pod-security.admission.config.k8s.io/v1
    kind: PodSecurityConfiguration
    defaults:
      enforce: ` + level + `
      enforce-version: latest
    exemptions:
      usernames: []
      runtimeClasses: []
      namespaces: ` + exempt + `
`
}
