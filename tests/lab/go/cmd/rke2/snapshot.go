package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"

	"aitenancy/lab/internal/rke2/certs"
	"aitenancy/lab/internal/rke2/config"
	"aitenancy/lab/internal/rke2/etcd"
	"aitenancy/lab/internal/rke2/snapshot"
)

// etcdSnapshot is "rke2 etcd-snapshot save|ls|delete|prune".
func etcdSnapshot(ctx context.Context, arguments []string) error {
	action := "save"
	if len(arguments) > 0 && !strings.HasPrefix(arguments[0], "-") {
		action, arguments = arguments[0], arguments[1:]
	}
	given, rest := ownFlags(arguments, map[string]string{
		"--name": "etcd-snapshot-name", "--snapshot-retention": "etcd-snapshot-retention", "--dir": "etcd-snapshot-dir",
	})
	names, flags := splitNames(rest)
	h, err := newHost(config.Server, flags)
	if err != nil {
		return err
	}
	h.journal.Write("command", map[string]any{"command": "etcd-snapshot " + action, "names": names})
	store := snapshot.Store{Directory: h.config.SnapshotDir(), Node: h.name}
	objects, err := h.objects()
	if err != nil {
		return err
	}
	named := slices.ContainsFunc(flags, func(flag string) bool { return strings.HasPrefix(flag, "--etcd-snapshot-name") })
	switch action {
	case "save":
		prefix := snapshot.OnDemand
		if named {
			prefix = h.config.Text("etcd-snapshot-name")
		}
		return h.save(ctx, store, objects, prefix)
	case "ls", "list", "l":
		return list(ctx, store, objects, given["output"])
	case "delete":
		if len(names) == 0 {
			return errors.New("no snapshots given for removal")
		}
		if err := store.Delete(names...); err != nil {
			return err
		}
		return h.deleted(ctx, store, objects, names)
	case "prune":
		gone, err := store.Prune(h.config.Text("etcd-snapshot-name"), h.config.Number("etcd-snapshot-retention"))
		if err != nil {
			return err
		}
		return h.deleted(ctx, store, objects, gone)
	}
	return fmt.Errorf("no such action: etcd-snapshot %s", action)
}

func (h *host) objects() (dynamic.Interface, error) {
	settings, err := clientcmd.BuildConfigFromFlags("", h.config.Data("server", "cred", "admin.kubeconfig"))
	if err != nil {
		return nil, err
	}
	return dynamic.NewForConfig(settings)
}

func (h *host) save(ctx context.Context, store snapshot.Store, objects dynamic.Interface, prefix string) error {
	member := etcd.Member{Tree: certs.Tree{Dir: h.config.Data("server", "tls")}}
	client, err := member.Client()
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	file, err := store.Save(ctx, client, prefix, h.config.Bool("etcd-snapshot-compress"), time.Now())
	if err != nil {
		return err
	}
	h.journal.Write("snapshot-saved", map[string]any{"name": file.Name, "size": file.Size})
	fmt.Printf("time=%s level=info msg=\"Snapshot %s saved.\"\n", time.Now().Format(time.RFC3339), file.Name)
	if h.config.Bool("etcd-s3") {
		// The laboratory has no object store; to say nothing would pass for an upload.
		fmt.Fprintln(os.Stderr, "the laboratory's rke2 does not upload to S3: the snapshot is local only")
	}
	return store.Reconcile(ctx, objects)
}

func (h *host) deleted(ctx context.Context, store snapshot.Store, objects dynamic.Interface, names []string) error {
	for _, name := range names {
		h.journal.Write("snapshot-deleted", map[string]any{"name": name})
		fmt.Printf("time=%s level=info msg=\"Snapshot %s deleted.\"\n", time.Now().Format(time.RFC3339), name)
	}
	return store.Reconcile(ctx, objects)
}

// list prints the snapshots of all nodes.
func list(ctx context.Context, store snapshot.Store, objects dynamic.Interface, format string) error {
	if err := store.Reconcile(ctx, objects); err != nil {
		return err
	}
	all, err := objects.Resource(snapshot.Resource).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	if format == "json" {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(all)
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 1, ' ', 0)
	fmt.Fprintln(table, "Name\tLocation\tSize\tCreated")
	for _, item := range all.Items {
		spec, _ := item.Object["spec"].(map[string]any)
		status, _ := item.Object["status"].(map[string]any)
		fmt.Fprintf(table, "%v\t%v\t%v\t%v\n", spec["snapshotName"], spec["location"], status["size"], status["creationTime"])
	}
	return table.Flush()
}

// ownFlags takes "-o/--output VALUE" out of the arguments and gives other names their keys.
func ownFlags(arguments []string, aliases map[string]string) (map[string]string, []string) {
	given := map[string]string{}
	var rest []string
	for index := 0; index < len(arguments); index++ {
		name, value, hasValue := strings.Cut(arguments[index], "=")
		switch alias, known := aliases[name]; {
		case name == "-o" || name == "--output":
			if !hasValue && index+1 < len(arguments) {
				index++
				value = arguments[index]
			}
			given["output"] = value
		case known && hasValue:
			rest = append(rest, "--"+alias+"="+value)
		case known && index+1 < len(arguments):
			index++
			rest = append(rest, "--"+alias+"="+arguments[index])
		default:
			rest = append(rest, arguments[index])
		}
	}
	return given, rest
}

// splitNames separates what is no flag. A flag with a value must have it after "=".
func splitNames(arguments []string) (names, flags []string) {
	for _, argument := range arguments {
		if strings.HasPrefix(argument, "-") {
			flags = append(flags, argument)
		} else {
			names = append(names, argument)
		}
	}
	return names, flags
}
