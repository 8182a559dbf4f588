package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"strconv"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"aitenancy/lab/internal/rke2/bootstrap"
	"aitenancy/lab/internal/rke2/certs"
)

// givenToken is the token for joining other servers.
func (s *Server) givenToken() (certs.Token, error) {
	text, err := s.Config.Token()
	if err != nil {
		return certs.Token{}, err
	}
	if text == "" {
		return certs.Token{}, errors.New("--token is required to join a cluster")
	}
	token, err := certs.ParseToken(text, "server")
	if err != nil {
		return token, err
	}
	s.token = token.Password
	return token, s.setAgentToken()
}

// ownTokens finds the token of a server that joins nobody: as given, as the last time, or a new one.
func (s *Server) ownTokens(initialized bool) error {
	text, err := s.Config.Token()
	if err != nil {
		return err
	}
	if text == "" {
		content, err := os.ReadFile(s.data("token"))
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		text = strings.TrimSpace(string(content))
	}
	if text == "" {
		if initialized {
			return errors.New("the datastore needs its token: set token, or restore " + s.data("token"))
		}
		random := make([]byte, 16)
		if _, err := rand.Read(random); err != nil {
			return err
		}
		text = hex.EncodeToString(random)
	}
	token, err := certs.ParseToken(text, "server")
	if err != nil {
		return err
	}
	ca, err := s.tree.Read("server-ca.crt")
	if err != nil {
		return err
	}
	if err := token.CheckCA([]byte(ca)); err != nil {
		return fmt.Errorf("failed to validate token: %w", err)
	}
	s.token = token.Password
	return s.setAgentToken()
}

func (s *Server) setAgentToken() error {
	text, err := s.Config.AgentToken()
	if err != nil {
		return err
	}
	token, err := certs.ParseToken(text, "node")
	if err != nil {
		return err
	}
	if s.agentToken = token.Password; s.agentToken == "" {
		s.agentToken = s.token
	}
	return nil
}

// critical are the settings that must be equal on all servers; of the agent token only a hash is told.
func (s *Server) critical() (map[string]string, error) {
	critical, err := s.Config.Critical()
	if err != nil {
		return nil, err
	}
	critical["agent-token"] = ""
	if s.agentToken != s.token {
		critical["agent-token"] = certs.Hash([]byte(s.agentToken))
	}
	return critical, nil
}

// writeTokens writes the tokens in the long form, as RKE2 does.
func (s *Server) writeTokens() error {
	ca, err := s.tree.Read("server-ca.crt")
	if err != nil {
		return err
	}
	if err := certs.WriteFile(s.data("token"), []byte(certs.Long([]byte(ca), "server", s.token)+"\n")); err != nil {
		return err
	}
	if err := link("token", s.data("node-token")); err != nil {
		return err
	}
	if s.agentToken == s.token {
		return link("token", s.data("agent-token"))
	}
	if err := os.Remove(s.data("agent-token")); err != nil && !os.IsNotExist(err) {
		return err
	}
	return certs.WriteFile(s.data("agent-token"), []byte(certs.Long([]byte(ca), "node", s.agentToken)+"\n"))
}

func link(target, path string) error {
	if present, err := os.Readlink(path); err == nil && present == target {
		return nil
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	return os.Symlink(target, path)
}

// shareBootstrap compares the files that servers share with those in etcd, which
// win, and puts them there the first time. Another token cannot open them.
func (s *Server) shareBootstrap(ctx context.Context) error {
	found, err := readBootstrap(ctx, s.etcd, s.token)
	if err != nil {
		return err
	}
	if found == nil {
		return s.storeBootstrap(ctx)
	}
	own, err := bootstrap.Read(s.data())
	if err != nil {
		return err
	}
	for name, content := range found {
		if own[name] != content {
			slog.Info("updating from the datastore", "file", name)
		}
	}
	if err := found.Write(s.data()); err != nil {
		return err
	}
	return s.writeServerFiles()
}

// readBootstrap returns nothing when the datastore has no bootstrap data yet.
func readBootstrap(ctx context.Context, client *clientv3.Client, token string) (bootstrap.Files, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	all, err := client.Get(ctx, bootstrap.Prefix, clientv3.WithPrefix())
	if err != nil || len(all.Kvs) == 0 {
		return nil, err
	}
	for _, pair := range all.Kvs {
		if string(pair.Key) == bootstrap.Key(token) {
			return bootstrap.Open(string(pair.Value), token)
		}
	}
	return nil, bootstrap.ErrToken
}

func (s *Server) storeBootstrap(ctx context.Context) error {
	files, err := bootstrap.Read(s.data())
	if err != nil {
		return err
	}
	sealed, err := bootstrap.Seal(files, s.token)
	if err != nil {
		return err
	}
	_, err = s.etcd.Put(ctx, bootstrap.Key(s.token), sealed)
	return err
}

// rotateToken seals the bootstrap data with another token; the other servers need it at their next start.
func (s *Server) rotateToken(ctx context.Context, text string) error {
	if !s.etcdReady.Load() {
		return errors.New("etcd is not ready")
	}
	token, err := certs.ParseToken(text, "server")
	if err != nil {
		return err
	}
	files, err := bootstrap.Read(s.data())
	if err != nil {
		return err
	}
	sealed, err := bootstrap.Seal(files, token.Password)
	if err != nil {
		return err
	}
	operations := []clientv3.Op{clientv3.OpPut(bootstrap.Key(token.Password), sealed)}
	if token.Password != s.token {
		operations = append(operations, clientv3.OpDelete(bootstrap.Key(s.token)))
	}
	if _, err := s.etcd.Txn(ctx).Then(operations...).Commit(); err != nil {
		return err
	}
	if s.agentToken == s.token {
		s.agentToken = token.Password
	}
	s.token = token.Password
	s.supervisor.SetTokens(s.token, s.agentToken)
	s.Journal.Write("token-rotated", nil)
	return s.writeTokens()
}

func setModeAndGroup(path, mode, group string) error {
	bits, err := strconv.ParseUint(mode, 8, 32)
	if err != nil {
		return err
	}
	if err := os.Chmod(path, os.FileMode(bits)); err != nil || group == "" {
		return err
	}
	id, err := strconv.Atoi(group)
	if err != nil {
		found, err := user.LookupGroup(group)
		if err != nil {
			return err
		}
		if id, err = strconv.Atoi(found.Gid); err != nil {
			return err
		}
	}
	return os.Chown(path, -1, id)
}
