package k3s

import (
	"fmt"
	"net"
	"sync"

	"aitenancy/lab/internal/splice"
)

// firstInnerPort is where inner API servers begin to look for a free port; it
// is below the NodePort range, above every fixed port of the laboratory.
const firstInnerPort = 20000

var portMutex sync.Mutex
var portsGiven = map[int]bool{}

// freePort returns preferred when it is free, else the next free port. A port
// is given once per run of the stand-in, because its server binds it only later.
func freePort(address string, preferred int) (int, error) {
	portMutex.Lock()
	defer portMutex.Unlock()
	if preferred != 0 && canListen(address, preferred) {
		portsGiven[preferred] = true
		return preferred, nil
	}
	for port := firstInnerPort; port < 30000; port++ {
		if !portsGiven[port] && canListen(address, port) {
			portsGiven[port] = true
			return port, nil
		}
	}
	return 0, fmt.Errorf("no free port on %s from %d to 29999", address, firstInnerPort)
}

func canListen(address string, port int) bool {
	listener, err := net.Listen("tcp", net.JoinHostPort(address, fmt.Sprint(port)))
	if err != nil {
		return false
	}
	return listener.Close() == nil
}

// forwarder passes TCP connections on, like a node port.
type forwarder struct {
	port     int32
	target   string
	listener net.Listener
	mu       sync.Mutex
	open     map[net.Conn]bool
}

func newForwarder(address string, port int32, target string) (*forwarder, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(address, fmt.Sprint(port)))
	if err != nil {
		return nil, err
	}
	f := &forwarder{port: port, target: target, listener: listener, open: map[net.Conn]bool{}}
	go f.accept()
	return f, nil
}

func (f *forwarder) accept() {
	for {
		client, err := f.listener.Accept()
		if err != nil {
			return // closed
		}
		go f.pass(client)
	}
}

func (f *forwarder) pass(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", f.target)
	if err != nil {
		return
	}
	defer server.Close()
	f.mu.Lock()
	f.open[client] = true
	f.mu.Unlock()
	splice.Join(client, server)
	f.mu.Lock()
	delete(f.open, client)
	f.mu.Unlock()
}

// close refuses new connections and ends the open ones; nil is closed already.
func (f *forwarder) close() {
	if f == nil {
		return
	}
	f.listener.Close()
	f.mu.Lock()
	defer f.mu.Unlock()
	for connection := range f.open {
		connection.Close()
	}
}
