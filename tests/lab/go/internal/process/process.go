// Package process keeps child processes running.
package process

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"k8s.io/klog/v2"
)

// Child is a program that is to run until somebody ends it.
type Child struct {
	Argv        []string
	LogFile     string
	Environment []string      // beside that of this process
	Grace       time.Duration // from SIGTERM to SIGKILL; 0: 3 s
}

// Supervise keeps a child running until the context ends, then ends it.
// The child dies with this process, however that dies.
func Supervise(ctx context.Context, child Child) {
	// The kernel sends the death signal when the *thread* that started the
	// child ends, so this goroutine keeps its thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for ctx.Err() == nil {
		started := time.Now()
		err := child.run(ctx)
		if ctx.Err() != nil {
			return
		}
		klog.ErrorS(err, "child process ended, starting it again", "argv", child.Argv[:min(2, len(child.Argv))],
			"log", child.LogFile, "after", time.Since(started).Round(time.Millisecond))
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

func (c Child) run(ctx context.Context) error {
	log, err := os.OpenFile(c.LogFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	command := exec.CommandContext(ctx, c.Argv[0], c.Argv[1:]...)
	command.Stdout, command.Stderr = log, log
	// Systemd is told by this process alone when the unit is up.
	inherited := slices.DeleteFunc(os.Environ(), func(one string) bool { return strings.HasPrefix(one, "NOTIFY_SOCKET=") })
	command.Env = append(inherited, c.Environment...)
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	if command.WaitDelay = c.Grace; c.Grace == 0 {
		command.WaitDelay = 3 * time.Second
	}
	return command.Run()
}

// Spawn runs a function in a goroutine that the group waits for.
func Spawn(group *sync.WaitGroup, run func()) {
	group.Add(1)
	go func() {
		defer group.Done()
		run()
	}()
}
