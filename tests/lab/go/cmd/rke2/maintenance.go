package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"aitenancy/lab/internal/rke2/certs"
	"aitenancy/lab/internal/rke2/config"
	"aitenancy/lab/internal/rke2/supervisor"
)

// values reads "--name value", "--name=value" and "-x value" flags; names not in allowed are an error.
func values(arguments []string, allowed ...string) (map[string]string, error) {
	found := map[string]string{}
	for index := 0; index < len(arguments); index++ {
		name, value, hasValue := strings.Cut(strings.TrimLeft(arguments[index], "-"), "=")
		if !strings.HasPrefix(arguments[index], "-") || !slices.Contains(allowed, name) {
			return nil, fmt.Errorf("flag provided but not defined: %s", arguments[index])
		}
		if !hasValue {
			if index++; index == len(arguments) {
				return nil, fmt.Errorf("flag needs an argument: -%s", name)
			}
			value = arguments[index]
		}
		found[name] = value
	}
	return found, nil
}

func first(arguments []string) (string, []string) {
	if len(arguments) == 0 {
		return "", nil
	}
	return arguments[0], arguments[1:]
}

// maintained finds the host's configuration for a command that is no role. A
// file with the server's keys is the server's; else it is the agent's.
func maintained() (*host, error) {
	h, err := newHost(config.Server, nil)
	if err != nil {
		return newHost(config.Agent, nil)
	}
	return h, nil
}

// certificate is "rke2 certificate check|rotate".
func certificate(_ context.Context, arguments []string) error {
	action, rest := first(arguments)
	given, err := values(rest, "output", "o", "service", "s", "data-dir", "d", "config", "c")
	if err != nil {
		return err
	}
	h, err := maintained()
	if err != nil {
		return err
	}
	h.journal.Write("command", map[string]any{"command": "certificate " + action, "services": given["service"]})
	serverTree, agentTree := certs.Tree{Dir: h.config.Data("server", "tls")}, certs.Tree{Dir: h.config.Data("agent")}
	switch action {
	case "check":
		format := given["output"] + given["o"]
		if format == "" {
			format = "text"
		}
		all, err := certs.Check(time.Now(), serverTree.Dir, agentTree.Dir)
		if err != nil {
			return err
		}
		return certs.Print(os.Stdout, all, format)
	case "rotate":
		return rotate(given["service"]+given["s"], serverTree, agentTree)
	}
	return fmt.Errorf("no such action: certificate %s", action)
}

func rotate(text string, trees ...certs.Tree) error {
	var services []string
	if text != "" {
		services = strings.Split(text, ",")
	}
	for _, service := range services {
		if !slices.Contains(certs.Services(), service) {
			return fmt.Errorf("%s is not a recognized service; allowed: %s", service, strings.Join(certs.Services(), ", "))
		}
	}
	for _, tree := range trees {
		backup, err := tree.Rotate(services, time.Now())
		if err != nil {
			return err
		}
		fmt.Printf("time=%s level=info msg=\"Rotated certificates of %s, backup in %s\"\n", time.Now().Format(time.RFC3339), tree.Dir, backup)
	}
	fmt.Println("Successfully backed up certificates, please restart rke2 server or agent to rotate certificates")
	return nil
}

// localServer reaches the supervisor of this host with a token, or with the one on disk.
func (h *host) localServer(ctx context.Context, text string) (*supervisor.Client, error) {
	if text == "" {
		content, err := os.ReadFile(h.config.Data("server", "token"))
		if err != nil {
			return nil, err
		}
		text = string(content)
	}
	parsed, err := certs.ParseToken(text, "server")
	if err != nil {
		return nil, err
	}
	return supervisor.Dial(ctx, "https://127.0.0.1:"+supervisor.Port, parsed, h.name)
}

// token is "rke2 token rotate".
func token(ctx context.Context, arguments []string) error {
	action, rest := first(arguments)
	if action != "rotate" {
		return fmt.Errorf("no such action: token %s", action)
	}
	given, err := values(rest, "token", "t", "new-token", "data-dir", "d", "server", "s", "config", "c")
	if err != nil {
		return err
	}
	h, err := newHost(config.Server, nil)
	if err != nil {
		return err
	}
	h.journal.Write("command", map[string]any{"command": "token rotate"})
	old := given["token"] + given["t"]
	if old == "" {
		old = os.Getenv("RKE2_TOKEN")
	}
	if given["new-token"] == "" {
		return errors.New("--new-token is required")
	}
	client, err := h.localServer(ctx, old)
	if err != nil {
		return err
	}
	if err := client.RotateToken(ctx, given["new-token"]); err != nil {
		return err
	}
	fmt.Println("Token rotated, restart rke2 nodes with new token")
	return nil
}

// secretsEncrypt is "rke2 secrets-encrypt status|rotate-keys".
func secretsEncrypt(ctx context.Context, arguments []string) error {
	action, rest := first(arguments)
	given, err := values(rest, "output", "o", "token", "t", "data-dir", "d", "server", "s", "config", "c")
	if err != nil {
		return err
	}
	h, err := newHost(config.Server, nil)
	if err != nil {
		return err
	}
	h.journal.Write("command", map[string]any{"command": "secrets-encrypt " + action})
	client, err := h.localServer(ctx, given["token"]+given["t"])
	if err != nil {
		return err
	}
	switch action {
	case "status":
		status, err := client.Encryption(ctx)
		if err != nil {
			return err
		}
		return printEncryption(status, given["output"]+given["o"])
	case "rotate-keys":
		if err := client.RotateKeys(ctx); err != nil {
			return err
		}
		fmt.Println("keys rotated, reencryption finished")
		return nil
	}
	return fmt.Errorf("no such action: secrets-encrypt %s", action)
}

func printEncryption(status supervisor.EncryptionStatus, format string) error {
	if format == "json" {
		return json.NewEncoder(os.Stdout).Encode(status)
	}
	match := "All hashes match"
	if !status.HashMatch {
		match = status.HashError
	}
	fmt.Printf("Encryption Status: Enabled\nCurrent Rotation Stage: %s\nServer Encryption Hashes: %s\n\n", status.Stage, match)
	fmt.Printf("Active  Key Type  Name\n------  --------  ----\n *      %s   %s\n", status.KeyType, status.ActiveKey)
	for _, key := range status.OtherKeys {
		fmt.Printf("        %s   %s\n", key.Type, key.Name)
	}
	return nil
}
