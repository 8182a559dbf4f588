package k3s

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"k8s.io/klog/v2"
)

// supervise keeps a child process running until the context ends, then ends it.
// The child dies with the stand-in, however that dies.
func supervise(ctx context.Context, logFile string, argv []string) {
	// The kernel sends the death signal when the *thread* that started the
	// child ends, so this goroutine keeps its thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for ctx.Err() == nil {
		started := time.Now()
		err := runChild(ctx, logFile, argv)
		if ctx.Err() != nil {
			return
		}
		klog.ErrorS(err, "child process ended, starting it again", "component", argv[1], "log", logFile,
			"after", time.Since(started).Round(time.Millisecond))
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

func runChild(ctx context.Context, logFile string, argv []string) error {
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	command := exec.CommandContext(ctx, argv[0], argv[1:]...)
	command.Stdout, command.Stderr = log, log
	// A tenant's API is small: trade a little CPU for memory, there are many of them.
	command.Env = append(os.Environ(), "GOGC=50", "GOMAXPROCS=2")
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = 3 * time.Second
	return command.Run()
}

// spawn runs a function in a goroutine that the group waits for.
func spawn(group *sync.WaitGroup, run func()) {
	group.Add(1)
	go func() {
		defer group.Done()
		run()
	}()
}
