// Command standins plays what no package registry offers: the k3k controller
// and the Longhorn provisioner, each as a subcommand.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"aitenancy/lab/internal/k3k"
	"aitenancy/lab/internal/k3s"
	"aitenancy/lab/internal/storage"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := &cobra.Command{Use: "standins", Short: "Stand-ins of the laboratory", SilenceUsage: true, SilenceErrors: true}
	root.AddCommand(k3kCommand(), storageCommand())
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "standins:", err)
		os.Exit(1)
	}
}

func storageCommand() *cobra.Command {
	var kubeconfig string
	command := &cobra.Command{
		Use: "storage", Short: "Provision volumes as Longhorn would", Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			config, err := clientConfig(kubeconfig)
			if err != nil {
				return err
			}
			host, err := kubernetes.NewForConfig(config)
			if err != nil {
				return err
			}
			return storage.Run(command.Context(), host)
		},
	}
	requireFlag(command, &kubeconfig, "kubeconfig", "kubeconfig of the host cluster")
	return command
}

// k3kFlags are the command line of "standins k3k".
type k3kFlags struct {
	kubeconfig, stateDir, crds string
	serverStart                time.Duration
	backoffScale               float64
	noInnerAPI                 bool
	inner                      k3s.InnerOptions
}

func k3kCommand() *cobra.Command {
	var given k3kFlags
	command := &cobra.Command{
		Use: "k3k", Short: "Reconcile virtual clusters as the k3k controller would", Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error { return runK3k(command.Context(), given) },
	}
	requireFlag(command, &given.kubeconfig, "kubeconfig", "kubeconfig of the host cluster")
	requireFlag(command, &given.stateDir, "state-dir", "directory for the data of virtual clusters (holds private keys)")
	requireFlag(command, &given.inner.ListenAddress, "listen-address", "address of the virtual clusters' APIs and node ports")
	flags := command.Flags()
	flags.StringVar(&given.crds, "crds", "", "directory with CRDs to install first")
	flags.StringVar(&given.inner.KubeBinary, "kube-binary", "", "binary with kube-apiserver and kube-controller-manager")
	flags.StringVar(&given.inner.EtcdURL, "host-etcd", "", "URL of the etcd that keeps the virtual clusters' data")
	flags.StringVar(&given.inner.EtcdCA, "etcd-ca", "", "certificate authority of etcd")
	flags.StringVar(&given.inner.EtcdCert, "etcd-cert", "", "client certificate for etcd")
	flags.StringVar(&given.inner.EtcdKey, "etcd-key", "", "key of the client certificate for etcd")
	flags.BoolVar(&given.noInnerAPI, "no-inner-api", false, "give virtual clusters no API of their own")
	flags.DurationVar(&given.serverStart, "server-start", 3*time.Second, "least age of a server pod that answers")
	flags.Float64Var(&given.backoffScale, "backoff-scale", 0.1, "factor for the real controller's waits after failures")
	return command
}

func runK3k(ctx context.Context, given k3kFlags) error {
	if err := given.check(); err != nil {
		return err
	}
	config, err := clientConfig(given.kubeconfig)
	if err != nil {
		return err
	}
	host, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	dynamicClient, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	patience := time.Duration(0)
	if given.crds != "" {
		client, err := apiextensions.NewForConfig(config)
		if err != nil {
			return err
		}
		if err := k3k.InstallCRDs(ctx, client.ApiextensionsV1().CustomResourceDefinitions(), given.crds); err != nil {
			return err
		}
		// Only what was just installed may take a moment.
		patience = 30 * time.Second
	}
	if err := k3k.WaitServed(ctx, host.Discovery(), patience); err != nil {
		return err
	}
	if err := k3k.Install(ctx, host); err != nil {
		return err
	}
	version, err := host.Discovery().ServerVersion()
	if err != nil {
		return err
	}
	played := k3s.Options{Host: host, StateDir: given.stateDir, StartDelay: given.serverStart}
	if !given.noInnerAPI {
		played.Inner = &given.inner
	}
	return k3k.Run(ctx, host, dynamicClient, k3k.Options{
		ListenAddress: given.inner.ListenAddress,
		BackoffScale:  given.backoffScale,
		// v1.34.4+rke2r1 and v1.34.4-k3s1 are both v1.34.4.
		HostVersion: strings.FieldsFunc(version.GitVersion, func(r rune) bool { return r == '+' || r == '-' })[0],
	}, played)
}

// check reports all mistakes of the command line at once.
func (f k3kFlags) check() error {
	var mistakes []string
	if f.backoffScale <= 0 {
		mistakes = append(mistakes, fmt.Sprintf("--backoff-scale: %g is not allowed; allowed: more than 0", f.backoffScale))
	}
	if !f.noInnerAPI {
		for name, value := range map[string]string{
			"kube-binary": f.inner.KubeBinary, "host-etcd": f.inner.EtcdURL,
			"etcd-ca": f.inner.EtcdCA, "etcd-cert": f.inner.EtcdCert, "etcd-key": f.inner.EtcdKey,
		} {
			if value == "" {
				mistakes = append(mistakes, "--"+name+": is needed unless --no-inner-api is given")
			}
		}
	}
	if len(mistakes) > 0 {
		return fmt.Errorf("%s", strings.Join(mistakes, "\n"))
	}
	return nil
}

func requireFlag(command *cobra.Command, target *string, name, usage string) {
	command.Flags().StringVar(target, name, "", usage)
	if err := command.MarkFlagRequired(name); err != nil {
		panic(err) // the flag was added the line before
	}
}

// clientConfig reads a kubeconfig; the stand-ins set themselves no limit of requests.
func clientConfig(file string) (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", file)
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	return config, nil
}
