package server

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/robfig/cron/v3"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"aitenancy/lab/internal/process"
	"aitenancy/lab/internal/rke2/etcd"
	"aitenancy/lab/internal/rke2/supervisor"
)

// Labels and annotations that RKE2 sets on Nodes.
const (
	labelEtcd         = "node-role.kubernetes.io/etcd"
	labelControlPlane = "node-role.kubernetes.io/control-plane"
	labelMaster       = "node-role.kubernetes.io/master"

	annotationMember      = "etcd.rke2.cattle.io/node-name"
	annotationAddress     = "etcd.rke2.cattle.io/node-address"
	annotationRemove      = "etcd.rke2.cattle.io/remove"
	annotationRemoved     = "etcd.rke2.cattle.io/removed-node-name"
	annotationEncryption  = "rke2.io/encryption-config-hash"
	conditionEtcdIsVoter  = "EtcdIsVoter"
	voterCheckEvery       = 5 * time.Second
	kubernetesCallTimeout = 10 * time.Second
)

// startLoops starts what a server does for the cluster as long as it runs.
func (s *Server) startLoops(ctx context.Context, group *sync.WaitGroup) {
	promoter := &etcd.Promoter{Client: s.etcd, Report: func(event, member string) {
		s.Journal.Write("etcd-"+event, map[string]any{"member": member})
	}}
	process.Spawn(group, func() { promoter.Run(ctx) })
	process.Spawn(group, func() { s.deploy(ctx) })
	process.Spawn(group, func() { s.watchNodes(ctx) })
	process.Spawn(group, func() { s.reportVoter(ctx) })
	process.Spawn(group, func() { s.reconcileSnapshots(ctx) })
	s.scheduleSnapshots(ctx)
}

// watchNodes removes the etcd members and passwords of Nodes that are deleted, and
// the members of those that are to leave. Every server does it: whoever is first wins.
func (s *Server) watchNodes(ctx context.Context) {
	factory := informers.NewSharedInformerFactory(s.api, 0)
	informer := factory.Core().V1().Nodes().Informer()
	leaving := func(object any) {
		if node, ok := object.(*corev1.Node); ok && node.Annotations[annotationRemove] == "true" && node.Annotations[annotationRemoved] == "" {
			go s.removeMember(ctx, node.Annotations[annotationMember], node.Name)
		}
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    leaving,
		UpdateFunc: func(_, object any) { leaving(object) },
		DeleteFunc: func(object any) {
			if tombstone, ok := object.(cache.DeletedFinalStateUnknown); ok {
				object = tombstone.Obj
			}
			if node, ok := object.(*corev1.Node); ok {
				go s.nodeDeleted(ctx, node)
			}
		},
	})
	if err != nil {
		slog.Error("nodes", "error", err)
		return
	}
	factory.Start(ctx.Done())
	<-ctx.Done()
}

func (s *Server) nodeDeleted(ctx context.Context, node *corev1.Node) {
	request, cancel := context.WithTimeout(ctx, kubernetesCallTimeout)
	defer cancel()
	err := s.api.CoreV1().Secrets(metav1.NamespaceSystem).Delete(request, supervisor.PasswordSecret(node.Name), metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		slog.Error("node password", "node", node.Name, "error", err)
	}
	if member := node.Annotations[annotationMember]; member != "" {
		s.removeMember(ctx, member, "")
	}
}

// removeMember tries for a minute: etcd refuses while it would lose its quorum, and the loss of a leader takes
// time. The name of the member is then written into the Node that is named, if one is.
func (s *Server) removeMember(ctx context.Context, member, node string) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		removed, err := etcd.Remove(ctx, s.etcd, member)
		if removed {
			slog.Info("Removed etcd member", "member", member)
			s.Journal.Write("etcd-remove", map[string]any{"member": member})
		}
		if err == nil && node != "" {
			// Also when another server, or this one before a restart, has removed it.
			err = s.patchNode(ctx, node, map[string]any{"metadata": map[string]any{"annotations": map[string]string{annotationRemoved: member}}})
		}
		if err == nil {
			return
		}
		slog.Error("etcd member", "member", member, "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(3 * time.Second):
		}
	}
}

func (s *Server) patchNode(ctx context.Context, node string, patch map[string]any, subresources ...string) error {
	content, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	_, err = s.api.CoreV1().Nodes().Patch(ctx, node, types.StrategicMergePatchType, content, metav1.PatchOptions{}, subresources...)
	return err
}

// markNode gives the server's Node its roles.
func (s *Server) markNode(ctx context.Context) error {
	member, err := s.member.Name()
	if err != nil {
		return err
	}
	hash, err := s.encryptionHash()
	if err != nil {
		return err
	}
	return s.wait(ctx, "Node", func(ctx context.Context) error {
		return s.patchNode(ctx, s.Name, map[string]any{"metadata": map[string]any{
			"labels": map[string]string{labelEtcd: "true", labelControlPlane: "true", labelMaster: "true"},
			"annotations": map[string]any{
				annotationMember: member, annotationAddress: s.Address, annotationEncryption: hash,
				annotationRemove: nil, annotationRemoved: nil,
			},
		}})
	})
}

// reportVoter keeps the condition that tells whether the server's member has a vote.
func (s *Server) reportVoter(ctx context.Context) {
	last := ""
	for ctx.Err() == nil {
		request, cancel := context.WithTimeout(ctx, kubernetesCallTimeout)
		status, reason, message := "True", "MemberNotLearner", "Node is a voting member of the etcd cluster"
		if learner, err := s.member.Learner(request, s.etcd); err != nil {
			status, reason, message = "Unknown", "EtcdUnknown", err.Error()
		} else if learner {
			status, reason, message = "False", "MemberIsLearner", "Node has not been promoted to voting member of the etcd cluster"
		}
		if status != last {
			now := metav1.Now()
			err := s.patchNode(request, s.Name, map[string]any{"status": map[string]any{"conditions": []any{map[string]any{
				"type": conditionEtcdIsVoter, "status": status, "reason": reason, "message": message,
				"lastHeartbeatTime": now, "lastTransitionTime": now,
			}}}}, "status")
			if err == nil {
				last = status
			}
		}
		cancel()
		select {
		case <-ctx.Done():
		case <-time.After(voterCheckEvery):
		}
	}
}

// reconcileSnapshots keeps one object per snapshot file; the command line writes files only.
func (s *Server) reconcileSnapshots(ctx context.Context) {
	last := ""
	for ctx.Err() == nil {
		request, cancel := context.WithTimeout(ctx, kubernetesCallTimeout)
		if err := s.store().Reconcile(request, s.objects); err != nil && err.Error() != last {
			last = err.Error()
			slog.Error("snapshots", "error", err)
		}
		cancel()
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Second):
		}
	}
}

func (s *Server) scheduleSnapshots(ctx context.Context) {
	if s.Config.Bool("etcd-disable-snapshots") {
		return
	}
	schedule := cron.New()
	_, err := schedule.AddFunc(s.Config.Text("etcd-snapshot-schedule-cron"), func() {
		if err := s.scheduledSnapshot(ctx); err != nil {
			slog.Error("scheduled snapshot", "error", err)
			s.Journal.Write("snapshot-failed", map[string]any{"reason": err.Error()})
		}
	})
	if err != nil {
		slog.Error("etcd-snapshot-schedule-cron", "error", err)
		return
	}
	schedule.Start()
	go func() {
		<-ctx.Done()
		schedule.Stop()
	}()
}

func (s *Server) scheduledSnapshot(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	prefix := s.Config.Text("etcd-snapshot-name")
	file, err := s.store().Save(ctx, s.etcd, prefix, s.Config.Bool("etcd-snapshot-compress"), time.Now())
	if err != nil {
		return err
	}
	s.Journal.Write("snapshot-saved", map[string]any{"name": file.Name, "size": file.Size, "scheduled": true})
	gone, err := s.store().Prune(prefix, s.Config.Number("etcd-snapshot-retention"))
	if err != nil {
		return fmt.Errorf("retention: %w", err)
	}
	for _, name := range gone {
		s.Journal.Write("snapshot-deleted", map[string]any{"name": name, "scheduled": true})
	}
	return s.store().Reconcile(ctx, s.objects)
}
