package balancer

import (
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// echo answers every connection with a name, until it is closed.
func echo(t *testing.T, name string) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(connection, name)
			connection.Close()
		}
	}()
	return listener
}

func ask(b *Balancer) string {
	connection, err := net.Dial("tcp", b.listener.Addr().String())
	if err != nil {
		return err.Error()
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(5 * time.Second))
	content, _ := io.ReadAll(connection)
	return string(content)
}

func TestTheNextServerIsTaken(t *testing.T) {
	first, second := echo(t, "first"), echo(t, "second")
	file := filepath.Join(t.TempDir(), "servers.json")
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	b, err := Listen(ctx, "127.0.0.1:0", file, []string{first.Addr().String(), ""})
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(b); got != "first" {
		t.Errorf("got %q", got)
	}
	b.Set([]string{first.Addr().String(), second.Addr().String()})
	first.Close()
	if got := ask(b); got != "second" {
		t.Errorf("the first is gone, got %q", got)
	}
	b.Set(nil)
	if got := ask(b); got != "second" {
		t.Errorf("no servers is no news, got %q", got)
	}
	again, err := Listen(ctx, "127.0.0.1:0", file, []string{first.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(again); got != "second" {
		t.Errorf("the file remembers the second, got %q", got)
	}
	if servers := again.Servers(); !slices.Equal(servers, []string{second.Addr().String(), first.Addr().String()}) {
		t.Errorf("those that do not answer come last: %v", servers)
	}
}
