// Command rke2 stands in for RKE2 in the laboratory: the same files, ports,
// configuration and words, with real Kubernetes processes behind them.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"aitenancy/lab/internal/rke2/certs"
	"aitenancy/lab/internal/rke2/config"
	"aitenancy/lab/internal/rke2/journal"
	"aitenancy/lab/internal/rke2/node"
	"aitenancy/lab/internal/rke2/server"
)

// release is set when a release is built.
var release = "v0.0.0+rke2r0"

// faultsFile is how a test makes a host do wrong.
const faultsFile = "/etc/lab-rke2.yaml"

// commands are the first words of the command line.
var commands = map[string]func(context.Context, []string) error{
	"server":          func(ctx context.Context, arguments []string) error { return run(ctx, config.Server, arguments) },
	"agent":           func(ctx context.Context, arguments []string) error { return run(ctx, config.Agent, arguments) },
	"etcd-snapshot":   etcdSnapshot,
	"certificate":     certificate,
	"token":           token,
	"secrets-encrypt": secretsEncrypt,
}

func main() {
	if len(os.Args) < 2 {
		usage()
	}
	switch os.Args[1] {
	case "--version", "-v":
		fmt.Printf("rke2 version %s (laboratory)\ngo version %s\n", release, runtime.Version())
		return
	}
	command, known := commands[os.Args[1]]
	if !known {
		usage()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command(ctx, os.Args[2:]); err != nil {
		fmt.Fprintf(os.Stderr, "time=%s level=fatal msg=%q\n", time.Now().Format(time.RFC3339), err.Error())
		os.Exit(1)
	}
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: rke2 server|agent|etcd-snapshot|certificate|token|secrets-encrypt [ARGUMENT...], rke2 --version")
	os.Exit(2)
}

// host is what both roles need to know.
type host struct {
	config        *config.Config
	faults        config.Faults
	journal       *journal.Journal
	name, address string
}

func newHost(role string, arguments []string) (*host, error) {
	configuration, err := config.Load(role, arguments, os.Getenv)
	if err != nil {
		return nil, err
	}
	if configuration.Bool("debug") {
		slog.SetLogLoggerLevel(slog.LevelDebug)
	}
	h := &host{config: configuration}
	if h.faults, err = config.ReadFaults(faultsFile); err != nil {
		return nil, err
	}
	if h.name, err = configuration.NodeName(); err != nil {
		return nil, err
	}
	h.journal = journal.Open(journal.File, map[string]any{"host": h.name, "role": role, "release": release})
	return h, nil
}

// run is "rke2 server" and "rke2 agent".
func run(ctx context.Context, role string, arguments []string) error {
	h, err := newHost(role, arguments)
	if err != nil {
		name, _ := os.Hostname()
		journal.Open(journal.File, map[string]any{"host": name, "role": role, "release": release}).
			Write("start-refused", map[string]any{"reason": err.Error()})
		return err
	}
	h.journal.Write("start", map[string]any{"keys": h.config.Given()})
	if err := h.start(ctx, role); err != nil && !errors.Is(err, context.Canceled) {
		h.journal.Write("failed", map[string]any{"reason": err.Error()})
		return err
	}
	h.journal.Write("stop", nil)
	return nil
}

func (h *host) start(ctx context.Context, role string) error {
	if h.faults.FailStart != "" {
		return errors.New(h.faults.FailStart)
	}
	if err := h.config.CheckProfile("/"); err != nil {
		return err
	}
	var err error
	if h.address, err = h.config.NodeIP(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel() // before the wait
	s := &server.Server{Config: h.config, Faults: h.faults, Journal: h.journal, Release: release, Name: h.name, Address: h.address}
	switch {
	case role == config.Server && h.config.Bool("cluster-reset"):
		return s.Reset(ctx)
	case role == config.Server:
		err = s.Start(ctx, &group)
	default:
		err = h.startAgent(ctx, &group)
	}
	if err != nil {
		return err
	}
	return h.report(ctx)
}

func (h *host) startAgent(ctx context.Context, group *sync.WaitGroup) error {
	text, err := h.config.Token()
	if err != nil {
		return err
	}
	if text == "" {
		return errors.New("--token is required")
	}
	given, err := certs.ParseToken(text, "node")
	if err != nil {
		return err
	}
	agent := &node.Agent{
		Config: h.config, Faults: h.faults, Journal: h.journal, Release: release, Name: h.name, Address: h.address, Token: given,
	}
	return agent.Start(ctx, group)
}

// report tells systemd that the unit is up, unless a test wants it slow or never, and stays until the end.
func (h *host) report(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(time.Duration(h.faults.SlowStart) * time.Second):
	}
	if !h.faults.RefuseReady {
		if _, err := daemon.SdNotify(false, daemon.SdNotifyReady); err != nil {
			return err
		}
		slog.Info("rke2 " + strings.ToLower(h.config.Role) + " is up and running")
		h.journal.Write("ready", nil)
	}
	<-ctx.Done()
	return nil
}
