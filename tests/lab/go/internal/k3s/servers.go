// Package k3s plays what runs inside the pods of a virtual cluster: a server
// reads its configuration Secret when its pod starts, keeps its data as long as
// its disk lives, answers the k3k controller, and (unless switched off) serves a
// real Kubernetes API with Node objects for the running pods.
package k3s

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
	"sigs.k8s.io/yaml"

	"aitenancy/lab/internal/k3kapi"
	"aitenancy/lab/internal/process"
)

// DataVolume is the name of a server's volume and, before a dash, of its claim.
const DataVolume = "varlibrancherk3s"

// ErrNotReady is a refused connection: no server pod is ready.
var ErrNotReady = errors.New("server not ready")

// Options say how servers are played.
type Options struct {
	Host       kubernetes.Interface
	StateDir   string
	StartDelay time.Duration
	// Inner is nil when virtual clusters have no API of their own.
	Inner *InnerOptions
}

// Servers plays the server and agent pods of all virtual clusters.
type Servers struct {
	options Options
	store   store
	pods    cache.Indexer
	service func(namespace, name string) *corev1.Service
	// Changed is called when a server begins or ceases to answer.
	Changed func(namespace, name string)

	queue   workqueue.TypedRateLimitingInterface[key]
	etcd    *etcdWiper
	mu      sync.Mutex
	running map[key]*server
}

type key struct{ namespace, name string }

func (k key) String() string { return k.namespace + "/" + k.name }

// server is one running server 0.
type server struct {
	pod  types.UID
	data *Data
	// broken says why this server will never answer.
	broken   string
	upFrom   time.Time
	instance *instance
	// answering is what the controller was told last; used by sync only.
	answering bool
}

// config is the part of a k3s configuration file that matters here.
type config struct {
	Token       string   `json:"token"`
	TLSSANs     []string `json:"tls-san"`
	ClusterCIDR string   `json:"cluster-cidr"`
	ServiceCIDR string   `json:"service-cidr"`
}

// ByCluster is the index of pods under "namespace/cluster".
const ByCluster = "cluster"

// New prepares the servers; pods must have the index ByCluster.
func New(options Options, pods cache.Indexer, service func(namespace, name string) *corev1.Service) (*Servers, error) {
	s := &Servers{
		options: options,
		store:   store{dir: options.StateDir + "/tenants"},
		pods:    pods,
		service: service,
		Changed: func(string, string) {},
		queue:   workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[key]()),
		running: map[key]*server{},
	}
	if options.Inner != nil {
		wiper, err := newEtcdWiper(options.Inner)
		if err != nil {
			return nil, err
		}
		s.etcd = wiper
	}
	return s, nil
}

// Observe asks for a look at one cluster: a pod, a claim or the Service changed.
func (s *Servers) Observe(namespace, name string) { s.queue.Add(key{namespace, name}) }

// Run plays until the context ends; every inner process has ended when it returns.
func (s *Servers) Run(ctx context.Context, workers int) error {
	known, err := s.store.all()
	if err != nil {
		return err
	}
	for _, tenant := range known {
		s.Observe(tenant[0], tenant[1])
	}
	var group sync.WaitGroup
	for range workers {
		process.Spawn(&group, func() {
			for s.next(ctx) {
			}
		})
	}
	<-ctx.Done()
	s.queue.ShutDown()
	group.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, running := range s.running {
		running.instance.stop()
	}
	return nil
}

func (s *Servers) next(ctx context.Context) bool {
	item, quit := s.queue.Get()
	if quit {
		return false
	}
	defer s.queue.Done(item)
	if err := s.sync(ctx, item); err != nil {
		klog.ErrorS(err, "server", "cluster", item)
		s.queue.AddRateLimited(item)
		return true
	}
	s.queue.Forget(item)
	return true
}

// Fetch is the controller's request for the bootstrap data with a token.
func (s *Servers) Fetch(namespace, name, token string) (*Data, error) {
	s.mu.Lock()
	running := s.running[key{namespace, name}]
	s.mu.Unlock()
	pod := s.server0(key{namespace, name})
	if running == nil || pod == nil || !s.answers(running, pod) {
		return nil, ErrNotReady
	}
	if running.data.Token != token {
		return nil, errors.New("failed executing '/v1-k3s/config' request to k3s server: status code: 401 Unauthorized")
	}
	return running.data, nil
}

// answers says whether a connection to the server would be accepted.
func (s *Servers) answers(running *server, pod *corev1.Pod) bool {
	return pod.UID == running.pod && podReady(pod) && running.broken == "" && !time.Now().Before(running.upFrom) &&
		(s.options.Inner == nil || running.instance.ready())
}

// Endpoint is the direct URL of the inner API, or empty when there is none.
func (s *Servers) Endpoint(namespace, name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	running := s.running[key{namespace, name}]
	if running == nil || running.instance == nil {
		return ""
	}
	return fmt.Sprintf("https://%s:%d", s.options.Inner.ListenAddress, running.data.Port)
}

// sync brings the played server into line with the pods.
func (s *Servers) sync(ctx context.Context, k key) error {
	s.mu.Lock()
	running := s.running[k]
	s.mu.Unlock()
	pod := s.server0(k)
	started := pod != nil && pod.Status.Phase == corev1.PodRunning
	if running != nil && (!started || pod.UID != running.pod) {
		running.instance.stop()
		s.mu.Lock()
		delete(s.running, k)
		s.mu.Unlock()
		s.Changed(k.namespace, k.name)
		running = nil
	}
	if !started {
		return s.forget(ctx, k, pod)
	}
	if running == nil {
		var err error
		if running, err = s.start(ctx, k, pod); err != nil {
			return err
		}
		s.mu.Lock()
		s.running[k] = running
		s.mu.Unlock()
		time.AfterFunc(time.Until(running.upFrom), func() { s.Observe(k.namespace, k.name) })
	}
	// The controller does not ask again by itself: whatever changes the answer passes here.
	if answering := s.answers(running, pod); answering != running.answering {
		running.answering = answering
		s.Changed(k.namespace, k.name)
	}
	if running.instance == nil {
		return nil
	}
	running.instance.forward(nodePort(s.service(k.namespace, k3kapi.Name(k.name, "service"))))
	if !running.instance.ready() {
		return nil
	}
	return syncNodes(ctx, running.instance.client, s.clusterPods(k))
}

// start plays the start of server 0: read the configuration, find or make the data.
func (s *Servers) start(ctx context.Context, k key, pod *corev1.Pod) (*server, error) {
	configuration, err := s.configuration(ctx, k)
	if err != nil {
		return nil, err
	}
	disk, err := s.disk(ctx, pod)
	if err != nil {
		return nil, err
	}
	data, err := s.store.load(k.namespace, k.name)
	if err != nil {
		return nil, err
	}
	if data != nil && data.Disk != disk {
		if err := s.wipe(ctx, k, data); err != nil {
			return nil, err
		}
		data = nil
	}
	if data == nil {
		if data, err = newData(disk, configuration.Token, time.Now()); err != nil {
			return nil, err
		}
		klog.InfoS("new tenant data", "cluster", k, "disk", disk)
	}
	upFrom := pod.CreationTimestamp.Time
	if pod.Status.StartTime != nil {
		upFrom = pod.Status.StartTime.Time
	}
	running := &server{pod: pod.UID, data: data, upFrom: upFrom.Add(s.options.StartDelay), broken: unusable(configuration)}
	if running.broken != "" {
		klog.InfoS("server cannot start", "cluster", k, "reason", running.broken)
	} else if s.options.Inner != nil {
		if running.instance, err = s.launch(k, data, configuration); err != nil {
			return nil, err
		}
	}
	return running, s.store.save(k.namespace, k.name, data)
}

func (s *Servers) launch(k key, data *Data, configuration *config) (*instance, error) {
	port, err := freePort(s.options.Inner.ListenAddress, data.Port)
	if err != nil {
		return nil, err
	}
	data.Port = port
	changed := func() { s.Observe(k.namespace, k.name) }
	dir := fmt.Sprintf("%s/inner/%s/%s", s.options.StateDir, k.namespace, k.name)
	return startInstance(s.options.Inner, dir, etcdPrefix(k, data), data, configuration, changed)
}

// forget removes data whose disk is gone; server 0 does not run.
func (s *Servers) forget(ctx context.Context, k key, pod *corev1.Pod) error {
	data, err := s.store.load(k.namespace, k.name)
	if err != nil || data == nil {
		return err
	}
	if pod != nil && string(pod.UID) == data.Disk {
		return nil
	}
	claim, err := s.options.Host.CoreV1().PersistentVolumeClaims(k.namespace).
		Get(ctx, DataVolume+"-"+k3kapi.Name(k.name, "server")+"-0", metav1.GetOptions{})
	if err == nil && string(claim.UID) == data.Disk {
		return nil
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	return s.wipe(ctx, k, data)
}

func (s *Servers) wipe(ctx context.Context, k key, data *Data) error {
	if s.etcd != nil {
		if err := s.etcd.wipe(ctx, etcdPrefix(k, data)); err != nil {
			return fmt.Errorf("wipe the data of %s: %w", k, err)
		}
	}
	klog.InfoS("tenant data lost with its disk", "cluster", k, "disk", data.Disk)
	return s.store.remove(k.namespace, k.name)
}

// configuration reads the Secret that is mounted into server 0.
func (s *Servers) configuration(ctx context.Context, k key) (*config, error) {
	secret, err := s.options.Host.CoreV1().Secrets(k.namespace).
		Get(ctx, k3kapi.Name(k.name, "init-server-config"), metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	configuration := &config{}
	return configuration, yaml.Unmarshal(secret.Data["config.yaml"], configuration)
}

// disk identifies what holds the data of the pod.
func (s *Servers) disk(ctx context.Context, pod *corev1.Pod) (string, error) {
	for _, volume := range pod.Spec.Volumes {
		if volume.Name != DataVolume || volume.PersistentVolumeClaim == nil {
			continue
		}
		claim, err := s.options.Host.CoreV1().PersistentVolumeClaims(pod.Namespace).
			Get(ctx, volume.PersistentVolumeClaim.ClaimName, metav1.GetOptions{})
		if err != nil {
			return "", err
		}
		return string(claim.UID), nil
	}
	return string(pod.UID), nil
}

// unusable names what a real server would stumble over at start, or nothing.
// The API server admits these mistakes (k3k v1.2.0-rc4, observed).
func unusable(configuration *config) string {
	for _, cidr := range []string{configuration.ClusterCIDR, configuration.ServiceCIDR} {
		if _, _, err := net.ParseCIDR(cidr); err != nil {
			return err.Error()
		}
	}
	return ""
}

func (s *Servers) clusterPods(k key) []*corev1.Pod {
	found, err := s.pods.ByIndex(ByCluster, k.String())
	if err != nil {
		panic(err) // the index is always there
	}
	pods := make([]*corev1.Pod, 0, len(found))
	for _, object := range found {
		pods = append(pods, object.(*corev1.Pod))
	}
	return pods
}

func (s *Servers) server0(k key) *corev1.Pod {
	for _, pod := range s.clusterPods(k) {
		if pod.Labels["role"] == "server" && strings.HasSuffix(pod.Name, "-0") {
			return pod
		}
	}
	return nil
}

func podReady(pod *corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

// nodePort is the host port of the API, 0 when the Service has none.
func nodePort(service *corev1.Service) int32 {
	if service != nil {
		for _, port := range service.Spec.Ports {
			if port.TargetPort.IntVal == 6443 {
				return port.NodePort
			}
		}
	}
	return 0
}

func etcdPrefix(k key, data *Data) string {
	return fmt.Sprintf("/k3k/%s/%s/%s", k.namespace, k.name, data.Disk)
}
