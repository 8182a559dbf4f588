package node

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRegistriesBecomeHosts(t *testing.T) {
	file := write(t, `
mirrors:
  docker.io: {endpoint: ["https://mirror.test:5000"]}
  "*": {endpoint: ["https://all.test"]}
configs:
  "mirror.test:5000": {auth: {username: u, password: p}, tls: {ca_file: /ca.crt}}
  all.test: {tls: {insecure_skip_verify: true}}
`)
	directory := t.TempDir()
	read := func(name string) string {
		content, err := os.ReadFile(filepath.Join(directory, name, "hosts.toml"))
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	if err := writeRegistries(file, directory, false); err != nil {
		t.Fatal(err)
	}
	if text := read("docker.io"); !strings.Contains(text, `server = "https://registry-1.docker.io"`) ||
		!strings.Contains(text, `[host."https://mirror.test:5000"]`) || !strings.Contains(text, `ca = ["/ca.crt"]`) {
		t.Errorf("docker.io: %s", text)
	}
	if text := read("_default"); strings.Contains(text, "server =") || !strings.Contains(text, "skip_verify = true") {
		t.Errorf("_default: %s", text)
	}
	if err := writeRegistries(file, directory, true); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(read("docker.io"), "server =") {
		t.Error("the default endpoint is to be off")
	}
	if err := writeRegistries(write(t, "mirror: {}"), directory, false); err == nil {
		t.Error("a file with a wrong key is accepted")
	}
	if err := writeRegistries(filepath.Join(directory, "none"), directory, false); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(directory); !os.IsNotExist(err) {
		t.Error("without registries.yaml nothing is left")
	}
}

func TestCgroupMounts(t *testing.T) {
	file := write(t, "cgroup /sys/fs/cgroup/cpu cgroup rw 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n"+
		"cgroup /sys/fs/cgroup/cpu cgroup rw 0 0\ncgroup /sys/fs/cgroup/memory cgroup rw 0 0\n")
	mounts, err := cgroupV1Mounts(file)
	if want := []string{"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/memory"}; err != nil || !slices.Equal(mounts, want) {
		t.Errorf("%v, %v", mounts, err)
	}
}
