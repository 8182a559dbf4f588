package snapshot

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"
)

func storeWith(t *testing.T, names ...string) Store {
	t.Helper()
	store := Store{Directory: t.TempDir(), Node: "n1"}
	for index, name := range names {
		path := filepath.Join(store.Directory, name)
		if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
		made := time.Unix(int64(1000+index), 0)
		if err := os.Chtimes(path, made, made); err != nil {
			t.Fatal(err)
		}
	}
	return store
}

func present(t *testing.T, store Store) []string {
	t.Helper()
	files, err := store.List()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		names = append(names, file.Name)
	}
	return names
}

func TestPruneKeepsTheNewestOfOneName(t *testing.T) {
	store := storeWith(t, "s-n1-1", "s-n1-2", "other-n1-1", "s-n1-3", "s-n10-1", "s-n1-4.part")
	gone, err := store.Prune("s", 2)
	if err != nil || !slices.Equal(gone, []string{"s-n1-1"}) {
		t.Errorf("gone %v, %v", gone, err)
	}
	if left := present(t, store); !slices.Equal(left, []string{"s-n1-2", "other-n1-1", "s-n1-3", "s-n10-1"}) {
		t.Errorf("left %v", left)
	}
}

func TestDelete(t *testing.T) {
	store := storeWith(t, "a", "b")
	if err := store.Delete("nothing", "a", "../b"); err == nil {
		t.Error("no error")
	}
	if left := present(t, store); !slices.Equal(left, []string{"b"}) {
		t.Errorf("left %v", left)
	}
	if _, err := store.Find("a"); err == nil {
		t.Error("a is found")
	}
	if path, err := store.Find("b"); err != nil || path != filepath.Join(store.Directory, "b") {
		t.Errorf("%s, %v", path, err)
	}
}

func TestObjectsFollowFiles(t *testing.T) {
	ctx := context.Background()
	client := fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(),
		map[schema.GroupVersionResource]string{Resource: "ETCDSnapshotFileList"})
	store := storeWith(t, "a", "b")
	other := storeWith(t, "c")
	other.Node = "n2"
	names := func() []string {
		list, err := client.Resource(Resource).List(ctx, metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, item := range list.Items {
			spec := item.Object["spec"].(map[string]any)
			names = append(names, spec["nodeName"].(string)+"/"+spec["snapshotName"].(string))
		}
		slices.Sort(names)
		return names
	}
	for _, one := range []Store{store, other, store} {
		if err := one.Reconcile(ctx, client); err != nil {
			t.Fatal(err)
		}
	}
	if got := names(); !slices.Equal(got, []string{"n1/a", "n1/b", "n2/c"}) {
		t.Errorf("objects %v", got)
	}
	if err := store.Delete("a"); err != nil {
		t.Fatal(err)
	}
	if err := store.Reconcile(ctx, client); err != nil {
		t.Fatal(err)
	}
	if got := names(); !slices.Equal(got, []string{"n1/b", "n2/c"}) {
		t.Errorf("objects %v", got)
	}
}
