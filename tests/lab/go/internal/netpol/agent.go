package netpol

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os/exec"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// checkEvery is how often the hook is looked for: others (firewalld, a restore of rules) may remove it.
const checkEvery = 5 * time.Second

// Run enforces the policies for the pods of a node until the context ends. The
// rules stay afterwards: pods live on while the agent is restarted.
func Run(ctx context.Context, client kubernetes.Interface, node string) {
	factory := informers.NewSharedInformerFactory(client, 0)
	pods := factory.Core().V1().Pods()
	namespaces := factory.Core().V1().Namespaces()
	policies := factory.Networking().V1().NetworkPolicies()
	changed := make(chan struct{}, 1)
	signal := func() {
		select {
		case changed <- struct{}{}:
		default: // one is waiting already
		}
	}
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { signal() }, UpdateFunc: func(_, _ any) { signal() }, DeleteFunc: func(any) { signal() },
	}
	for _, informer := range []cache.SharedIndexInformer{pods.Informer(), namespaces.Informer(), policies.Informer()} {
		if _, err := informer.AddEventHandler(handler); err != nil {
			slog.Error("network policies", "error", err)
			return
		}
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	kernel := kernel{}
	for ctx.Err() == nil {
		var objects Objects
		// These read from the caches and cannot fail.
		objects.Pods, _ = pods.Lister().List(labels.Everything())
		objects.Namespaces, _ = namespaces.Lister().List(labels.Everything())
		objects.Policies, _ = policies.Lister().List(labels.Everything())
		if err := kernel.set(Chains(objects, node)); err != nil {
			slog.Error("network policies", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-changed:
			// Many changes come together.
			time.Sleep(100 * time.Millisecond)
		case <-time.After(checkEvery):
		}
	}
}

// kernel remembers what it has set.
type kernel struct{ last string }

// set replaces all chains in one step and sees that FORWARD jumps to the hook first.
func (k *kernel) set(chains []Chain) error {
	present, err := presentChains()
	if err != nil {
		return err
	}
	text := Restore(chains, present)
	if text != k.last || !present[hook] {
		command := exec.Command("iptables-restore", "--wait", "--noflush")
		command.Stdin = strings.NewReader(text)
		if output, err := command.CombinedOutput(); err != nil {
			k.last = ""
			return fmt.Errorf("iptables-restore: %w: %s", err, bytes.TrimSpace(output))
		}
		k.last = Restore(chains, names(chains))
	}
	jump := []string{"FORWARD", "-j", hook}
	if iptables("-C", jump...) == nil {
		return nil
	}
	return iptables("-I", jump...)
}

func names(chains []Chain) map[string]bool {
	all := map[string]bool{}
	for _, chain := range chains {
		all[chain.Name] = true
	}
	return all
}

func iptables(action string, arguments ...string) error {
	output, err := exec.Command("iptables", append([]string{"--wait", action}, arguments...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("iptables %s: %w: %s", action, err, bytes.TrimSpace(output))
	}
	return nil
}

// presentChains are the agent's chains that the kernel has, also those of an earlier run.
func presentChains() (map[string]bool, error) {
	output, err := exec.Command("iptables-save", "-t", "filter").Output()
	if err != nil {
		return nil, fmt.Errorf("iptables-save: %w", err)
	}
	present := map[string]bool{}
	for _, line := range strings.Split(string(output), "\n") {
		name, ok := strings.CutPrefix(line, ":")
		if !ok {
			continue
		}
		if name, _, _ = strings.Cut(name, " "); name == hook || strings.HasPrefix(name, "LABNP-") {
			present[name] = true
		}
	}
	return present, nil
}
