package etcd

import (
	"slices"
	"strings"
	"testing"

	"aitenancy/lab/internal/rke2/certs"
)

func TestNameIsKept(t *testing.T) {
	m := &Member{Dir: t.TempDir(), Node: "server-1"}
	first, err := m.Name()
	if err != nil || NodeOf(first) != "server-1" {
		t.Fatalf("%q, %v", first, err)
	}
	if again, _ := m.Name(); again != first {
		t.Errorf("%q after %q", again, first)
	}
	if m.Initialized() {
		t.Error("a name is no datastore")
	}
}

func TestArgv(t *testing.T) {
	m := &Member{Kube: "kube", Dir: "/d", Tree: certs.Tree{Dir: "/t"}, Address: "10.0.0.1", Extra: []string{"quota-backend-bytes=5", "election-timeout=9"}}
	argv := m.Argv("n", "")
	for _, flag := range []string{"--initial-cluster=n=https://10.0.0.1:2380", "--initial-cluster-state=new", "--quota-backend-bytes=5", "--election-timeout=9"} {
		if !slices.Contains(argv, flag) {
			t.Errorf("%s is not in %q", flag, argv)
		}
	}
	if count := strings.Count(strings.Join(argv, " "), "--election-timeout"); count != 1 {
		t.Errorf("election-timeout is there %d times", count)
	}
	if argv := m.Argv("n", "a=b,n=c"); !slices.Contains(argv, "--initial-cluster-state=existing") {
		t.Errorf("%q", argv)
	}
}
