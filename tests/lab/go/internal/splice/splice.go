// Package splice joins two connections.
package splice

import (
	"io"
	"net"
)

// Join copies in both directions until the server has sent everything. The end of
// what the client sends is passed on, so that a server sees it and can still answer.
func Join(client, server net.Conn) {
	go func() {
		_, _ = io.Copy(server, client)
		_ = server.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(client, server)
}
