package k3s

import (
	"context"

	"aitenancy/lab/internal/process"
)

// supervise keeps a component of a tenant's API running. It trades a little CPU for memory: there are many of them.
func supervise(ctx context.Context, logFile string, argv []string) {
	process.Supervise(ctx, process.Child{
		Argv: argv, LogFile: logFile, Environment: []string{"GOGC=50", "GOMAXPROCS=2"},
	})
}
