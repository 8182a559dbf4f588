package server

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"aitenancy/lab/internal/rke2/bootstrap"
	"aitenancy/lab/internal/rke2/certs"
	"aitenancy/lab/internal/rke2/encryption"
	"aitenancy/lab/internal/rke2/supervisor"
)

// Stages of a rotation, in RKE2's words.
const (
	stageStart    = "start"
	stageRunning  = "reencrypt_active"
	stageFinished = "reencrypt_finished"
)

func (s *Server) stageFile() string { return s.data("cred", "encryption-state") }

func (s *Server) stage() string {
	content, err := os.ReadFile(s.stageFile())
	if err != nil {
		return stageStart
	}
	return strings.TrimSpace(string(content))
}

func (s *Server) setStage(stage string) error {
	return certs.WriteFile(s.stageFile(), []byte(stage+"\n"))
}

// encryptionHash is what servers compare: the stage and a hash of the keys.
func (s *Server) encryptionHash() (string, error) {
	content, err := os.ReadFile(s.data(bootstrap.EncryptionConfig))
	if err != nil {
		return "", err
	}
	return s.stage() + "-" + certs.Hash(content), nil
}

func (s *Server) encryptionStatus(ctx context.Context) (supervisor.EncryptionStatus, error) {
	status := supervisor.EncryptionStatus{}
	configuration, err := encryption.Read(s.data(bootstrap.EncryptionConfig))
	if err != nil {
		return status, err
	}
	names := configuration.Keys()
	status = supervisor.EncryptionStatus{Enabled: true, ActiveKey: names[0], KeyType: configuration.Type(), Stage: s.stage(), HashMatch: true}
	for _, name := range names[1:] {
		status.OtherKeys = append(status.OtherKeys, supervisor.Key{Type: configuration.Type(), Name: name})
	}
	if !s.ready.Load() {
		return status, errors.New("runtime core not ready")
	}
	nodes, err := s.api.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: labelControlPlane + "=true"})
	if err != nil {
		return status, err
	}
	own, err := s.encryptionHash()
	if err != nil {
		return status, err
	}
	for _, node := range nodes.Items {
		if hashPart(node.Annotations[annotationEncryption]) != hashPart(own) {
			status.HashMatch, status.HashError = false, "hash does not match between "+s.Name+" and "+node.Name
		}
	}
	return status, nil
}

func hashPart(annotation string) string { return annotation[strings.LastIndex(annotation, "-")+1:] }

// rotateKeys encrypts all secrets with a new key. The other servers learn it at
// their next start; until then they cannot read secrets, as with RKE2.
func (s *Server) rotateKeys(ctx context.Context) error {
	if !s.ready.Load() {
		return errors.New("runtime core not ready")
	}
	if s.stage() == stageRunning {
		return errors.New("a rotation is running")
	}
	// The request may end before the work does.
	ctx = context.WithoutCancel(ctx)
	path := s.data(bootstrap.EncryptionConfig)
	configuration, err := encryption.Read(path)
	if err != nil {
		return err
	}
	if err := errors.Join(s.setStage(stageRunning), configuration.AddKey(time.Now()), configuration.Write(path)); err != nil {
		return err
	}
	if err := s.reloadAPI(ctx); err != nil {
		return err
	}
	count, err := encryption.Reencrypt(ctx, s.api)
	if err != nil {
		return err
	}
	configuration.DropOldKeys()
	if err := errors.Join(configuration.Write(path), s.storeBootstrap(ctx), s.setStage(stageFinished)); err != nil {
		return err
	}
	if err := s.reloadAPI(ctx); err != nil {
		return err
	}
	s.Journal.Write("secrets-reencrypted", map[string]any{"secrets": count, "key": configuration.Keys()[0]})
	return s.markNode(ctx)
}

func (s *Server) reloadAPI(ctx context.Context) error {
	s.apiServer.restart()
	return s.waitAPI(ctx)
}
