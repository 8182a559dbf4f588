package etcd

import (
	"context"
	"errors"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// stalled is how long a learner may need before the leader gives it up; it would block every other join (K3s' limit).
const stalled = 5 * time.Minute

// Promoter gives learners their vote while the server's own member leads.
type Promoter struct {
	Client *clientv3.Client
	// Report tells what was done: "promote" or "remove-learner", and the member's name.
	Report func(event, member string)

	since map[uint64]time.Time
}

// Run looks once a second until the context ends.
func (p *Promoter) Run(ctx context.Context) {
	p.since = map[uint64]time.Time{}
	for ctx.Err() == nil {
		p.look(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

func (p *Promoter) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	status, err := p.Client.Status(ctx, Local)
	if err != nil || status.Leader != status.Header.MemberId {
		return
	}
	list, err := p.Client.MemberList(ctx)
	if err != nil {
		return
	}
	for _, member := range list.Members {
		if member.IsLearner {
			p.handle(ctx, member)
		}
	}
}

func (p *Promoter) handle(ctx context.Context, member *etcdserverpb.Member) {
	_, err := p.Client.MemberPromote(ctx, member.ID)
	if err == nil {
		delete(p.since, member.ID)
		p.Report("promote", member.Name)
		return
	}
	first, known := p.since[member.ID]
	if !known {
		p.since[member.ID] = time.Now()
		return
	}
	if errors.Is(err, rpctypes.ErrMemberLearnerNotReady) && time.Since(first) > stalled {
		if _, err := p.Client.MemberRemove(ctx, member.ID); err == nil {
			delete(p.since, member.ID)
			p.Report("remove-learner", member.Name)
		}
	}
}
