// Command kwok plays the kubelets of the laboratory's nodes: pods that the real
// scheduler binds to a node without a kubelet become Running.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/pflag"
	"sigs.k8s.io/kwok/pkg/config"
	"sigs.k8s.io/kwok/pkg/kwok/cmd"
	"sigs.k8s.io/kwok/pkg/log"
	"sigs.k8s.io/kwok/pkg/utils/signals"
)

func main() {
	// --config and -v are read before the command exists, because the command's
	// defaults come from the configuration; unknown flags belong to the command.
	global := pflag.NewFlagSet("global", pflag.ContinueOnError)
	global.ParseErrorsWhitelist.UnknownFlags = true
	global.Usage = func() {}
	ctx, _ := log.InitFlags(signals.SetupSignalContext(), global)
	ctx, err := config.InitFlags(ctx, global)
	if err != nil {
		fatal("configuration", err)
	}
	command := cmd.NewCommand(ctx)
	command.PersistentFlags().AddFlagSet(global)
	if err := command.ExecuteContext(ctx); err != nil {
		fatal("run", err)
	}
}

func fatal(what string, err error) {
	fmt.Fprintf(os.Stderr, "kwok: %s: %v\n", what, err)
	os.Exit(1)
}
