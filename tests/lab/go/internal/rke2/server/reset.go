package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"aitenancy/lab/internal/process"
	"aitenancy/lab/internal/rke2/bootstrap"
	"aitenancy/lab/internal/rke2/certs"
	"aitenancy/lab/internal/rke2/etcd"
	"aitenancy/lab/internal/rke2/snapshot"
)

// DoneMessage is how a reset ends, in RKE2's words.
const DoneMessage = "Managed etcd cluster membership has been reset, restart without --cluster-reset flag now. " +
	"Backup and delete ${datadir}/server/db on each peer etcd server and rejoin the nodes"

// resetURL is where etcd listens during a reset, for nobody else.
const resetURL = "http://127.0.0.1:2399"

// Reset makes this server's datastore, or a snapshot, a cluster with one member.
// A wrong token or a broken snapshot is found before anything is changed.
func (s *Server) Reset(ctx context.Context) error {
	s.init()
	if s.Config.Text("server") != "" {
		return errors.New("cannot perform cluster-reset while server URL is set - remove server from configuration before resetting")
	}
	if _, err := os.Stat(s.resetFlag()); err == nil {
		return fmt.Errorf("cluster-reset was successfully performed, please remove the cluster-reset flag and start rke2 normally, "+
			"if you need to perform another cluster reset, you must first manually delete the %s file", s.resetFlag())
	}
	if connection, err := net.DialTimeout("tcp", "127.0.0.1:2379", time.Second); err == nil {
		connection.Close()
		return errors.New("etcd is running on this host: stop rke2-server before the reset")
	}
	directory, err := s.resetDirectory()
	if err != nil {
		return err
	}
	files, err := s.forceNewCluster(ctx, directory)
	if err != nil {
		if directory != s.member.Dir {
			_ = os.RemoveAll(directory)
		}
		return err
	}
	if err := s.takeDirectory(directory); err != nil {
		return err
	}
	if err := errors.Join(files.Write(s.data()), certs.WriteFile(s.resetFlag(), nil)); err != nil {
		return err
	}
	s.Journal.Write("cluster-reset", map[string]any{"restore": s.Config.Text("cluster-reset-restore-path")})
	slog.Info(DoneMessage)
	return nil
}

// resetDirectory returns the data directory to begin with: the present one, or a new one with the snapshot.
func (s *Server) resetDirectory() (string, error) {
	given := s.Config.Text("cluster-reset-restore-path")
	if given == "" {
		if !s.member.Initialized() {
			return "", errors.New("etcd datastore does not exist: there is nothing to reset")
		}
		return s.member.Dir, nil
	}
	path, err := s.store().Find(given)
	if err != nil {
		return "", err
	}
	directory := s.member.Dir + "-restore"
	if err := os.RemoveAll(directory); err != nil {
		return "", err
	}
	fresh := *s.member
	fresh.Dir = directory + ".name"
	defer os.RemoveAll(fresh.Dir)
	name, err := fresh.Name()
	if err != nil {
		return "", err
	}
	if err := snapshot.Restore(path, directory, name, s.member.PeerURL()); err != nil {
		return "", fmt.Errorf("restoring %s: %w", path, err)
	}
	return directory, os.Rename(fresh.Dir+"/name", directory+"/name")
}

// forceNewCluster runs etcd alone on a directory and reads what servers share; that proves the token.
func (s *Server) forceNewCluster(ctx context.Context, directory string) (bootstrap.Files, error) {
	if err := s.resetToken(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(s.data("logs"), 0o755); err != nil {
		return nil, err
	}
	member := *s.member
	member.Dir = directory
	name, err := member.Name()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	defer func() {
		cancel()
		group.Wait()
	}()
	child := s.child("etcd", []string{
		s.Faults.KubeBinary, "etcd", "--name=" + name, "--data-dir=" + directory, "--force-new-cluster",
		"--listen-client-urls=" + resetURL, "--advertise-client-urls=" + resetURL, "--listen-peer-urls=http://127.0.0.1:2398",
		"--log-level=warn",
	})
	process.Spawn(&group, func() { process.Supervise(ctx, child) })
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{resetURL}, DialTimeout: 5 * time.Second, Logger: zap.NewNop()})
	if err != nil {
		return nil, err
	}
	defer client.Close()
	limited, stop := context.WithTimeout(ctx, 60*time.Second)
	defer stop()
	if err := s.wait(limited, "etcd", func(ctx context.Context) error { return etcd.Healthy(ctx, client) }); err != nil {
		return nil, fmt.Errorf("etcd does not start alone, see %s: %w", s.data("logs", "etcd.log"), err)
	}
	files, err := readBootstrap(ctx, client, s.token)
	if err == nil && files == nil {
		err = errors.New("the datastore has no bootstrap data")
	}
	return files, err
}

// resetToken finds the token: as given, or as the last time.
func (s *Server) resetToken() error {
	text, err := s.Config.Token()
	if err != nil {
		return err
	}
	if text == "" {
		content, err := os.ReadFile(s.data("token"))
		if err != nil {
			return fmt.Errorf("--token is required: %w", err)
		}
		text = string(content)
	}
	token, err := certs.ParseToken(text, "server")
	s.token = token.Password
	return err
}

// takeDirectory puts a restored directory in the place of the present one, which is kept.
func (s *Server) takeDirectory(directory string) error {
	if directory == s.member.Dir {
		return nil
	}
	if _, err := os.Stat(s.member.Dir); err == nil {
		if err := os.Rename(s.member.Dir, fmt.Sprintf("%s-old-%d", s.member.Dir, time.Now().Unix())); err != nil {
			return err
		}
	}
	return os.Rename(directory, s.member.Dir)
}
