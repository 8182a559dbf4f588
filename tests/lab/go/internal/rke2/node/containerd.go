package node

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"aitenancy/lab/internal/rke2/certs"
)

const (
	containerdState  = "/run/k3s/containerd"
	containerdSocket = containerdState + "/containerd.sock"
	pauseImage       = "rancher/mirrored-pause:3.6"
)

// containerdConfig is for containerd 1.6 of Debian, whose form is version 2.
const containerdConfig = `version = 2
root = "%s"
state = "%s"
[grpc]
  address = "%s"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "%s"
  restrict_oom_score_adj = true
  enable_selinux = %t
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "%s"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "%s"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "%s"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
`

func cniDirectory(a *Agent) string { return a.data("etc", "cni", "net.d") }

func (a *Agent) startContainerd(ctx context.Context, group *sync.WaitGroup) error {
	file := a.data("etc", "containerd", "config.toml")
	pause := a.Config.Text("pause-image")
	if pause == "" {
		pause = a.image(pauseImage)
	}
	// Labels of SELinux are asked for only where the kernel has it: runc fails otherwise.
	_, err := os.Stat("/sys/fs/selinux/enforce")
	content := fmt.Sprintf(containerdConfig, a.data("containerd"), containerdState, containerdSocket, pause,
		a.Config.Bool("selinux") && err == nil, cniDirectory(a), a.data("etc", "containerd", "certs.d"), a.Config.Text("snapshotter"))
	if err := certs.WriteFile(file, []byte(content)); err != nil {
		return err
	}
	for _, directory := range []string{cniDirectory(a), a.data("images"), containerdState} {
		if err := os.MkdirAll(directory, 0o755); err != nil {
			return err
		}
	}
	if err := a.linkTools(); err != nil {
		return err
	}
	if err := writeRegistries(a.Config.Text("private-registry"), a.data("etc", "containerd", "certs.d"),
		a.Config.Bool("disable-default-registry-endpoint")); err != nil {
		return err
	}
	if err := a.run(ctx, group, "containerd", []string{"containerd", "-c", file}); err != nil {
		return err
	}
	for exec.CommandContext(ctx, "ctr", "-a", containerdSocket, "version").Run() != nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
	return a.importImages(ctx)
}

// linkTools makes the commands that RKE2 unpacks into its bin directory.
func (a *Agent) linkTools() error {
	if err := os.MkdirAll(a.Config.Data("bin"), 0o755); err != nil {
		return err
	}
	tools := map[string]string{"kubectl": a.Faults.KubeBinary}
	for _, name := range []string{"ctr", "containerd", "runc", "crictl"} {
		if path, err := exec.LookPath(name); err == nil {
			tools[name] = path
		}
	}
	for name, target := range tools {
		link := a.Config.Data("bin", name)
		if present, err := os.Readlink(link); err == nil && present == target {
			continue
		}
		_ = os.Remove(link)
		if err := os.Symlink(target, link); err != nil {
			return err
		}
	}
	return nil
}

// importImages loads the archives in agent/images, as RKE2 does at every start.
func (a *Agent) importImages(ctx context.Context) error {
	archives, err := filepath.Glob(a.data("images", "*.tar*"))
	if err != nil {
		return err
	}
	sort.Strings(archives)
	for _, archive := range archives {
		started := time.Now()
		if err := importImage(ctx, archive); err != nil {
			return fmt.Errorf("importing %s: %w", archive, err)
		}
		slog.Info("Imported images", "archive", archive, "duration", time.Since(started))
		a.Journal.Write("import-images", map[string]any{"archive": filepath.Base(archive)})
	}
	if a.cluster.SystemDefaultRegistry == "" {
		return nil
	}
	// Archives have the names of docker.io; the kubelet asks for those of the default registry.
	source, target := "docker.io/"+pauseImage, a.image(pauseImage)
	output, err := exec.CommandContext(ctx, "ctr", "-a", containerdSocket, "-n", "k8s.io", "images", "tag", "--force", source, target).CombinedOutput()
	if err != nil {
		slog.Warn("pause image", "error", err, "output", strings.TrimSpace(string(output)))
	}
	return nil
}

func importImage(ctx context.Context, archive string) error {
	file, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer file.Close()
	var stream io.Reader = file
	switch filepath.Ext(archive) {
	case ".zst":
		decoder, err := zstd.NewReader(file)
		if err != nil {
			return err
		}
		defer decoder.Close()
		stream = decoder
	case ".gz":
		if stream, err = gzip.NewReader(file); err != nil {
			return err
		}
	}
	command := exec.CommandContext(ctx, "ctr", "-a", containerdSocket, "-n", "k8s.io", "images", "import", "-")
	command.Stdin = stream
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(output)))
	}
	return nil
}
