package server

import (
	"context"
	_ "embed"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"time"

	"aitenancy/lab/internal/process"
	"aitenancy/lab/internal/rke2/etcd"
)

// component is a child that can be started again with what is on disk then.
type component struct {
	mu     sync.Mutex
	start  func(context.Context)
	parent context.Context //nolint:containedctx // it is that of the whole server
	cancel context.CancelFunc
	done   chan struct{}
}

func (c *component) run(ctx context.Context, start func(context.Context)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.parent, c.start = ctx, start
	c.begin()
}

func (c *component) begin() {
	ctx, cancel := context.WithCancel(c.parent)
	done := make(chan struct{})
	c.cancel, c.done = cancel, done
	go func() {
		defer close(done)
		c.start(ctx)
	}()
}

// restart ends the child and starts it again.
func (c *component) restart() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cancel()
	<-c.done
	c.begin()
}

// wait returns when the child has ended for good.
func (c *component) wait() {
	c.mu.Lock()
	done := c.done
	c.mu.Unlock()
	<-done
}

func (s *Server) child(name string, argv []string) process.Child {
	return process.Child{Argv: argv, LogFile: s.data("logs", name+".log"), Environment: []string{"LAB_KUBERNETES_RELEASE=" + s.Release}}
}

// startEtcd starts the member and waits until it has a vote and the cluster a quorum.
func (s *Server) startEtcd(ctx context.Context, group *sync.WaitGroup, cluster string) error {
	if err := os.MkdirAll(s.data("logs"), 0o755); err != nil {
		return err
	}
	name, err := s.member.Name()
	if err != nil {
		return err
	}
	s.Journal.Write("etcd-start", map[string]any{"member": name, "initial_cluster": cluster})
	child := s.child("etcd", s.member.Argv(name, cluster))
	process.Spawn(group, func() { process.Supervise(ctx, child) })
	client, err := s.member.Client()
	if err != nil {
		return err
	}
	if err := s.wait(ctx, "etcd", func(ctx context.Context) error {
		learner, err := s.member.Learner(ctx, client)
		if err != nil {
			return err
		}
		if learner {
			return fmt.Errorf("the member is a learner; it waits for its promotion")
		}
		return etcd.Healthy(ctx, client)
	}); err != nil {
		return err
	}
	s.etcd = client
	s.etcdReady.Store(true)
	s.Journal.Write("etcd-ready", map[string]any{"member": name})
	return nil
}

func (s *Server) startControlPlane(ctx context.Context, group *sync.WaitGroup) error {
	argv, err := s.plane.APIServer()
	if err != nil {
		return err
	}
	s.apiServer.run(ctx, func(ctx context.Context) { process.Supervise(ctx, s.child("kube-apiserver", argv)) })
	process.Spawn(group, func() {
		<-ctx.Done()
		s.apiServer.wait()
	})
	if err := s.connect(); err != nil {
		return err
	}
	if err := s.waitAPI(ctx); err != nil {
		return err
	}
	s.Journal.Write("apiserver-ready", nil)
	process.Spawn(group, func() { process.Supervise(ctx, s.child("kube-controller-manager", s.plane.ControllerManager())) })
	if !s.Config.Bool("disable-scheduler") {
		process.Spawn(group, func() { process.Supervise(ctx, s.child("kube-scheduler", s.plane.Scheduler())) })
	}
	if err := s.wait(ctx, "system objects", s.applySystem); err != nil {
		return err
	}
	s.supervisor.SetAPI(s.api)
	return nil
}

func (s *Server) waitAPI(ctx context.Context) error {
	return s.wait(ctx, "kube-apiserver", func(ctx context.Context) error {
		_, err := s.api.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		return err
	})
}

// wait tries until it works, without end, as a unit without a start timeout
// does. It says every 10 s what it waits for.
func (s *Server) wait(ctx context.Context, what string, try func(context.Context) error) error {
	told := time.Now()
	for {
		attempt, cancel := context.WithTimeout(ctx, 10*time.Second)
		err := try(attempt)
		cancel()
		if err == nil {
			return nil
		}
		if time.Since(told) > 10*time.Second {
			told = time.Now()
			slog.Info("Waiting for "+what, "error", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(300 * time.Millisecond):
		}
	}
}

//go:embed system.yaml
var systemObjects string

// applySystem applies the kinds and roles that RKE2 itself brings.
func (s *Server) applySystem(ctx context.Context) error {
	return s.kubectlApply(ctx, systemObjects)
}

func (s *Server) kubectlApply(ctx context.Context, content string) error {
	command := exec.CommandContext(ctx, s.Faults.KubeBinary, "kubectl", "--kubeconfig", s.data("cred", "supervisor.kubeconfig"),
		"apply", "--server-side", "--force-conflicts", "--field-manager=deploy@"+s.Name, "-f", "-")
	command.Stdin = strings.NewReader(content)
	output, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("kubectl apply: %w: %s", err, strings.TrimSpace(string(output)))
	}
	return nil
}

// deploy applies what lies in server/manifests, at the start and whenever a file changes.
func (s *Server) deploy(ctx context.Context) {
	applied := map[string]string{}
	for ctx.Err() == nil {
		files, _ := filepath.Glob(s.data("manifests", "*.y*ml"))
		sort.Strings(files)
		for _, file := range files {
			content, err := os.ReadFile(file)
			if _, skipped := os.Stat(file + ".skip"); err != nil || skipped == nil || applied[file] == string(content) {
				continue
			}
			if err := s.kubectlApply(ctx, string(content)); err != nil {
				slog.Error("manifest", "file", file, "error", err)
				continue
			}
			applied[file] = string(content)
			s.Journal.Write("manifest-applied", map[string]any{"file": filepath.Base(file)})
		}
		select {
		case <-ctx.Done():
		case <-time.After(3 * time.Second):
		}
	}
}
