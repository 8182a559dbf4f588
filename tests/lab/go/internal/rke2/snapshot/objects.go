package snapshot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// Resource is ETCDSnapshotFile: one object per snapshot, for all nodes.
var Resource = schema.GroupVersionResource{Group: "k3s.cattle.io", Version: "v1", Resource: "etcdsnapshotfiles"}

var notInNames = regexp.MustCompile(`[^a-z0-9.-]+`)

// objectName is valid for Kubernetes and unique for a file of a node.
func objectName(file File, node string) string {
	sum := sha256.Sum256([]byte(node + "/" + file.Path))
	return fmt.Sprintf("local-%s-%s", notInNames.ReplaceAllString(strings.ToLower(file.Name), "-"), hex.EncodeToString(sum[:3]))
}

func object(file File, node string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "k3s.cattle.io/v1", "kind": "ETCDSnapshotFile",
		"metadata": map[string]any{
			"name":   objectName(file, node),
			"labels": map[string]any{"etcd.rke2.cattle.io/snapshot-storage-node": node},
		},
		"spec": map[string]any{"snapshotName": file.Name, "nodeName": node, "location": "file://" + file.Path},
		"status": map[string]any{
			"size": fmt.Sprint(file.Size), "creationTime": file.Created.UTC().Format(time.RFC3339), "readyToUse": true,
		},
	}}
}

// Reconcile makes the objects of this node those of its files.
func (s Store) Reconcile(ctx context.Context, client dynamic.Interface) error {
	files, err := s.List()
	if err != nil {
		return err
	}
	objects := client.Resource(Resource)
	list, err := objects.List(ctx, metav1.ListOptions{LabelSelector: "etcd.rke2.cattle.io/snapshot-storage-node=" + s.Node})
	if err != nil {
		return err
	}
	stale := map[string]bool{}
	for _, item := range list.Items {
		stale[item.GetName()] = true
	}
	for _, file := range files {
		wanted := object(file, s.Node)
		if stale[wanted.GetName()] {
			delete(stale, wanted.GetName())
			continue
		}
		if _, err := objects.Create(ctx, wanted, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	for name := range stale {
		if err := objects.Delete(ctx, name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	return nil
}
