package pki

import (
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Kubeconfig writes a kubeconfig whose every name is "default", as k3k and RKE2 do.
func Kubeconfig(server, ca string, client Pair) ([]byte, error) {
	kubeconfig := clientcmdapi.NewConfig()
	kubeconfig.Clusters["default"] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: []byte(ca)}
	kubeconfig.AuthInfos["default"] = &clientcmdapi.AuthInfo{
		ClientCertificateData: []byte(client.Cert), ClientKeyData: []byte(client.Key),
	}
	kubeconfig.Contexts["default"] = &clientcmdapi.Context{Cluster: "default", AuthInfo: "default"}
	kubeconfig.CurrentContext = "default"
	return clientcmd.Write(*kubeconfig)
}
