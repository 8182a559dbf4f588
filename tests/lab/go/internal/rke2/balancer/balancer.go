// Package balancer is the load balancer inside every agent: the kubelet talks
// to 127.0.0.1, and the balancer to a server that answers. So an agent lives on
// when the server by which it joined is lost.
package balancer

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"aitenancy/lab/internal/rke2/certs"
	"aitenancy/lab/internal/splice"
)

const (
	dialTimeout = 2 * time.Second
	checkEvery  = 2 * time.Second
)

// Balancer passes TCP connections to the first server that answers.
type Balancer struct {
	file     string
	listener net.Listener

	mu      sync.Mutex
	servers []string
	down    map[string]bool
	open    map[net.Conn]string // connections of clients and their server
}

// state is what the file keeps for the next start.
type state struct {
	ServerAddresses []string `json:"ServerAddresses"`
}

// Listen begins to pass connections on. The servers of an earlier run, which the
// file names, are used after the given ones.
func Listen(ctx context.Context, address, file string, servers []string) (*Balancer, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	b := &Balancer{file: file, listener: listener, down: map[string]bool{}, open: map[net.Conn]string{}}
	var earlier state
	if content, err := os.ReadFile(file); err == nil {
		if err := json.Unmarshal(content, &earlier); err != nil {
			slog.Warn("load balancer: file is not readable", "file", file, "error", err)
		}
	}
	b.servers = distinct(append(slices.Clone(servers), earlier.ServerAddresses...))
	go b.accept()
	go b.watch(ctx)
	return b, nil
}

func distinct(all []string) []string {
	var result []string
	for _, one := range all {
		if one != "" && !slices.Contains(result, one) {
			result = append(result, one)
		}
	}
	return result
}

// Set replaces the servers, as soon as somebody knows them; an empty list changes nothing.
func (b *Balancer) Set(servers []string) {
	servers = distinct(servers)
	slices.Sort(servers)
	b.mu.Lock()
	if len(servers) == 0 || slices.Equal(servers, b.servers) {
		b.mu.Unlock()
		return
	}
	b.servers = servers
	for connection, server := range b.open {
		if !slices.Contains(servers, server) {
			connection.Close()
		}
	}
	b.mu.Unlock()
	slog.Info("load balancer: servers changed", "address", b.listener.Addr(), "servers", servers)
	content, err := json.Marshal(state{ServerAddresses: servers})
	if err == nil {
		err = certs.WriteFile(b.file, content)
	}
	if err != nil {
		slog.Error("load balancer", "error", err)
	}
}

// Servers returns the servers in the order in which they are tried.
func (b *Balancer) Servers() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var up, down []string
	for _, server := range b.servers {
		if b.down[server] {
			down = append(down, server)
		} else {
			up = append(up, server)
		}
	}
	return append(up, down...)
}

func (b *Balancer) accept() {
	for {
		client, err := b.listener.Accept()
		if err != nil {
			return // closed
		}
		go b.pass(client)
	}
}

func (b *Balancer) pass(client net.Conn) {
	defer client.Close()
	for _, address := range b.Servers() {
		server, err := net.DialTimeout("tcp", address, dialTimeout)
		if err != nil {
			b.mark(address, true)
			continue
		}
		defer server.Close()
		b.mu.Lock()
		b.open[client] = address
		b.mu.Unlock()
		splice.Join(client, server)
		b.mu.Lock()
		delete(b.open, client)
		b.mu.Unlock()
		return
	}
}

// mark notes whether a server answers. Connections to one that does not are
// ended: a host that is cut off would let them wait for minutes.
func (b *Balancer) mark(server string, down bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down[server] != down {
		slog.Info("load balancer: server", "address", server, "down", down)
	}
	b.down[server] = down
	for connection, used := range b.open {
		if down && used == server {
			connection.Close()
		}
	}
}

func (b *Balancer) watch(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			b.listener.Close()
			return
		case <-time.After(checkEvery):
		}
		for _, server := range b.Servers() {
			connection, err := net.DialTimeout("tcp", server, dialTimeout)
			b.mark(server, err != nil)
			if err == nil {
				connection.Close()
			}
		}
	}
}
