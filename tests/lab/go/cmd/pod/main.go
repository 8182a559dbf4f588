// Command pod is all that runs inside pods of the laboratory's nodes: the pause
// process, and a small server and client with which tests try the network.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	arguments := os.Args[1:]
	switch {
	case len(arguments) == 0 || arguments[0] == "pause":
		pause()
	case arguments[0] == "serve" && len(arguments) > 1:
		serve(arguments[1:])
	case arguments[0] == "dial" && len(arguments) > 1:
		os.Exit(dial(arguments[1:]))
	default:
		fmt.Fprintln(os.Stderr, "usage: pod pause | pod serve PORT[/udp]... | pod dial ADDRESS:PORT[/udp]...")
		os.Exit(2)
	}
}

// pause keeps the namespaces of a pod and reaps what is left in them.
func pause() {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	for got := range signals {
		if got != syscall.SIGCHLD {
			return
		}
		for {
			if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 || err != nil {
				break
			}
		}
	}
}

// serve answers with the pod's name on every port.
func serve(ports []string) {
	name, _ := os.Hostname()
	for _, port := range ports {
		if number, udp := strings.CutSuffix(port, "/udp"); udp {
			go serveUDP(number, name)
		} else {
			go serveTCP(number, name)
		}
	}
	pause()
}

func serveTCP(port, name string) {
	listener, err := net.Listen("tcp", ":"+port)
	check(err)
	for {
		connection, err := listener.Accept()
		check(err)
		go func() {
			defer connection.Close()
			fmt.Fprint(connection, name)
		}()
	}
}

func serveUDP(port, name string) {
	connection, err := net.ListenPacket("udp", ":"+port)
	check(err)
	buffer := make([]byte, 64)
	for {
		_, from, err := connection.ReadFrom(buffer)
		check(err)
		_, err = connection.WriteTo([]byte(name), from)
		check(err)
	}
}

// dial tries all addresses at once and prints "ADDRESS open|blocked ANSWER" for each. It ends with 1 when any is blocked.
func dial(addresses []string) int {
	lines := make(chan string)
	for _, address := range addresses {
		go func() {
			answer, err := ask(address)
			if err != nil {
				lines <- address + " blocked " + err.Error()
				return
			}
			lines <- address + " open " + answer
		}()
	}
	status := 0
	for range addresses {
		line := <-lines
		if strings.Contains(line, " blocked ") {
			status = 1
		}
		fmt.Println(line)
	}
	return status
}

func ask(address string) (string, error) {
	const patience = 1500 * time.Millisecond
	network := "tcp"
	if bare, udp := strings.CutSuffix(address, "/udp"); udp {
		network, address = "udp", bare
	}
	connection, err := net.DialTimeout(network, address, patience)
	if err != nil {
		return "", err
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if network == "udp" {
		if _, err := connection.Write([]byte("?")); err != nil {
			return "", err
		}
		buffer := make([]byte, 256)
		count, err := connection.Read(buffer)
		return string(buffer[:count]), err
	}
	content, err := io.ReadAll(connection)
	return string(content), err
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
