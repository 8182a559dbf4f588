// Command kube is the laboratory's Kubernetes: every component of the control
// plane and of a node in one binary, chosen by the first argument. One binary
// because the components share nearly all of their packages: it builds and
// links once instead of seven times.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"

	_ "aitenancy/lab/cmd/kube/release"
)

// components maps the first argument to the component's own command.
var components = map[string]func() *cobra.Command{
	"kube-apiserver":          apiserver.NewAPIServerCommand,
	"kube-controller-manager": controllermanager.NewControllerManagerCommand,
	"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
	"kubelet":                 func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) },
	"kube-proxy":              proxy.NewProxyCommand,
	"kubectl":                 kubectl.NewDefaultKubectlCommand,
}

func main() {
	args := os.Args
	// A link named like a component works as that component, as with busybox.
	name := filepath.Base(args[0])
	if _, known := components[name]; !known && name != "etcd" {
		if len(args) < 2 {
			usage()
		}
		name, args = args[1], args[1:]
	}
	if name == "etcd" {
		etcdmain.Main(append([]string{"etcd"}, args[1:]...))
		return
	}
	build, known := components[name]
	if !known {
		usage()
	}
	os.Args = append([]string{name}, args[1:]...)
	os.Exit(cli.Run(build()))
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: kube COMPONENT [ARGUMENT...]\ncomponents: etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl")
	os.Exit(2)
}
