package k3s

import (
	"context"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// etcdWiper removes the data of tenants that lost their disk.
type etcdWiper struct{ client *clientv3.Client }

func newEtcdWiper(options *InnerOptions) (*etcdWiper, error) {
	tls, err := transport.TLSInfo{
		CertFile: options.EtcdCert, KeyFile: options.EtcdKey, TrustedCAFile: options.EtcdCA,
	}.ClientConfig()
	if err != nil {
		return nil, err
	}
	client, err := clientv3.New(clientv3.Config{
		Endpoints: []string{options.EtcdURL}, TLS: tls, DialTimeout: 5 * time.Second,
	})
	return &etcdWiper{client: client}, err
}

func (w *etcdWiper) wipe(ctx context.Context, prefix string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, err := w.client.Delete(ctx, prefix+"/", clientv3.WithPrefix())
	return err
}
