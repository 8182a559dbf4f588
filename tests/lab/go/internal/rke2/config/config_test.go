package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// load writes files below a directory, "config.yaml" and "config.yaml.d/..", and loads them.
func load(t *testing.T, role string, files, environment map[string]string, arguments ...string) (*Config, error) {
	t.Helper()
	directory := t.TempDir()
	for name, content := range files {
		path := filepath.Join(directory, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	arguments = append(arguments, "--config="+filepath.Join(directory, "config.yaml"))
	return Load(role, arguments, func(name string) string { return environment[name] })
}

func TestTheLastValueWins(t *testing.T) {
	files := map[string]string{
		"config.yaml":          "token: a\ntls-san: [one]\ncni: [multus, canal]\nnode-ip: 10.0.0.1\netcd-snapshot-retention: 7\n",
		"config.yaml.d/1.yaml": "tls-san+: [two]\ntoken: b\n",
		"config.yaml.d/2.yaml": "tls-san+: three\n",
	}
	c, err := load(t, Server, files, map[string]string{"RKE2_TOKEN": "c", "RKE2_NODE_NAME": "Node-1"}, "--debug", "--server", "https://x:9345")
	if err != nil {
		t.Fatal(err)
	}
	if got := c.List("tls-san"); !slices.Equal(got, []string{"one", "two", "three"}) {
		t.Errorf("tls-san %q", got)
	}
	name, _ := c.NodeName()
	address, _ := c.NodeIP()
	for what, pair := range map[string][2]string{
		"token": {c.Text("token"), "c"}, "server": {c.Text("server"), "https://x:9345"}, "node name": {name, "node-1"},
		"address": {address, "10.0.0.1"}, "cni": {c.Text("cni"), "canal"}, "default": {c.Text("cluster-cidr"), "10.42.0.0/16"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: %q, want %q", what, pair[0], pair[1])
		}
	}
	if !c.Bool("debug") || c.Number("etcd-snapshot-retention") != 7 {
		t.Error("debug, etcd-snapshot-retention")
	}
}

func TestAllMistakesAtOnce(t *testing.T) {
	_, err := load(t, Server, map[string]string{
		"config.yaml": "nonsense: 1\nselinux: perhaps\nprofile: cis-1.23\nwrite-kubeconfig-mode: rw\ncni: [weave]\ndata-dir: [a, b]\n",
	}, nil)
	if err == nil {
		t.Fatal("no error")
	}
	for _, word := range []string{"-nonsense", "selinux", "cis-1.23", "write-kubeconfig-mode", "weave", "data-dir"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%s is not in %v", word, err)
		}
	}
}

func TestAgent(t *testing.T) {
	if _, err := load(t, Agent, map[string]string{"config.yaml": "token: a\n"}, nil); err == nil || !strings.Contains(err.Error(), "--server is required") {
		t.Errorf("error %v", err)
	}
	_, err := load(t, Agent, map[string]string{"config.yaml": "server: https://x:9345\ntls-san: [a]\n"}, nil)
	if err == nil || !strings.Contains(err.Error(), "flag provided but not defined: -tls-san") {
		t.Errorf("error %v", err)
	}
}

func TestSecretsFromFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(" word \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := load(t, Server, map[string]string{"config.yaml": "token-file: " + file + "\n"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token, err := c.Token(); token != "word" || err != nil {
		t.Errorf("%q, %v", token, err)
	}
}

func TestServiceAddresses(t *testing.T) {
	c, err := load(t, Server, map[string]string{"config.yaml": "service-cidr: 10.63.0.0/16\n"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	critical, err := c.Critical()
	if err != nil || critical["cluster-dns"] != "10.63.0.10" || critical["disable-kube-proxy"] != "false" {
		t.Errorf("%v, %v", critical, err)
	}
	if address, _ := c.ServiceAddress(); address != "10.63.0.1" {
		t.Errorf("address %s", address)
	}
}

func TestProfile(t *testing.T) {
	root := t.TempDir()
	write := func(path, content string) {
		t.Helper()
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for path, value := range map[string]string{"vm/overcommit_memory": "0", "vm/panic_on_oom": "0", "kernel/panic": "10", "kernel/panic_on_oops": "1"} {
		write("proc/sys/"+path, value+"\n")
	}
	write("etc/passwd", "root:x:0:0::/root:/bin/sh\n")
	write("etc/group", "root:x:0:\n")
	c, err := load(t, Server, map[string]string{"config.yaml": "profile: cis\n"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = c.CheckProfile(root)
	for _, word := range []string{"vm.overcommit_memory=0 - expected 1", "unknown user etcd", "unknown group etcd"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%q is not in %v", word, err)
		}
	}
	write("proc/sys/vm/overcommit_memory", "1\n")
	write("etc/passwd", "etcd:x:52:52::/:/bin/false\n")
	write("etc/group", "etcd:x:52:\n")
	if err := c.CheckProfile(root); err != nil {
		t.Error(err)
	}
}

func TestFlags(t *testing.T) {
	got := Flags([]string{"a=1", "b=2"}, []string{"a=3", "--c=4"})
	if want := []string{"--b=2", "--a=3", "--c=4"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
