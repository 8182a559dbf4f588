// Package storage stands in for the Longhorn provisioner: claims of its storage
// class get a volume, so that pods with claims can be scheduled. No volume holds data.
package storage

import (
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"
)

const (
	// Provisioner is the name that storage classes of Longhorn carry.
	Provisioner = "driver.longhorn.io"
	className   = "longhorn"

	provisionedBy      = "pv.kubernetes.io/provisioned-by"
	storageProvisioner = "volume.kubernetes.io/storage-provisioner"
	selectedNode       = "volume.kubernetes.io/selected-node"
	defaultClass       = "storageclass.kubernetes.io/is-default-class"
	workers            = 4
)

type provisioner struct {
	host    kubernetes.Interface
	claims  cache.Indexer
	volumes cache.Indexer
	classes cache.Indexer
	queue   workqueue.TypedRateLimitingInterface[item]
}

// item is a claim ("namespace/name") or a volume ("name").
type item struct {
	volume bool
	key    string
}

// Run provisions until the context ends.
func Run(ctx context.Context, host kubernetes.Interface) error {
	if err := ensureClass(ctx, host); err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(host, 0)
	claims, volumes := factory.Core().V1().PersistentVolumeClaims().Informer(), factory.Core().V1().PersistentVolumes().Informer()
	p := &provisioner{
		host: host, claims: claims.GetIndexer(), volumes: volumes.GetIndexer(),
		classes: factory.Storage().V1().StorageClasses().Informer().GetIndexer(),
		queue: workqueue.NewTypedRateLimitingQueue(
			workqueue.NewTypedItemExponentialFailureRateLimiter[item](50*time.Millisecond, 30*time.Second)),
	}
	for _, source := range []struct {
		informer cache.SharedIndexInformer
		volume   bool
	}{{claims, false}, {volumes, true}} {
		add := func(object any) {
			if key, err := cache.MetaNamespaceKeyFunc(object); err == nil {
				p.queue.Add(item{source.volume, key})
			}
		}
		_, err := source.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: add, UpdateFunc: func(_, object any) { add(object) },
		})
		if err != nil {
			return err
		}
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	klog.InfoS("storage stand-in runs", "provisioner", Provisioner)
	var group sync.WaitGroup
	for range workers {
		group.Add(1)
		go func() {
			defer group.Done()
			for p.next(ctx) {
			}
		}()
	}
	<-ctx.Done()
	p.queue.ShutDown()
	group.Wait()
	return nil
}

func (p *provisioner) next(ctx context.Context) bool {
	work, quit := p.queue.Get()
	if quit {
		return false
	}
	defer p.queue.Done(work)
	sync := p.provision
	if work.volume {
		sync = p.reclaim
	}
	if err := sync(ctx, work.key); err != nil {
		klog.ErrorS(err, "storage", "object", work.key)
		p.queue.AddRateLimited(work)
		return true
	}
	p.queue.Forget(work)
	return true
}

// provision makes the volume of a claim; the volume controller binds the two.
func (p *provisioner) provision(ctx context.Context, key string) error {
	object, exists, err := p.claims.GetByKey(key)
	if err != nil || !exists {
		return err
	}
	claim := object.(*corev1.PersistentVolumeClaim)
	if claim.Spec.VolumeName != "" || claim.DeletionTimestamp != nil || claim.Annotations[storageProvisioner] != Provisioner {
		return nil
	}
	object, exists, err = p.classes.GetByKey(ptr.Deref(claim.Spec.StorageClassName, ""))
	if err != nil || !exists {
		return err
	}
	class := object.(*storagev1.StorageClass)
	if ptr.Deref(class.VolumeBindingMode, storagev1.VolumeBindingImmediate) == storagev1.VolumeBindingWaitForFirstConsumer &&
		claim.Annotations[selectedNode] == "" {
		return nil
	}
	_, err = p.host.CoreV1().PersistentVolumes().Create(ctx, volumeFor(claim, class), metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

func volumeFor(claim *corev1.PersistentVolumeClaim, class *storagev1.StorageClass) *corev1.PersistentVolume {
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{
			Name: "pvc-" + string(claim.UID), Annotations: map[string]string{provisionedBy: Provisioner},
		},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:    corev1.ResourceList{corev1.ResourceStorage: claim.Spec.Resources.Requests[corev1.ResourceStorage]},
			AccessModes: claim.Spec.AccessModes,
			ClaimRef: &corev1.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID,
			},
			PersistentVolumeReclaimPolicy: ptr.Deref(class.ReclaimPolicy, corev1.PersistentVolumeReclaimDelete),
			StorageClassName:              class.Name,
			MountOptions:                  class.MountOptions,
			VolumeMode:                    claim.Spec.VolumeMode,
			PersistentVolumeSource: corev1.PersistentVolumeSource{
				CSI: &corev1.CSIPersistentVolumeSource{Driver: Provisioner, VolumeHandle: "pvc-" + string(claim.UID)},
			},
		},
	}
}

// reclaim deletes a released volume when its policy says so; with Retain it stays Released.
func (p *provisioner) reclaim(ctx context.Context, key string) error {
	object, exists, err := p.volumes.GetByKey(key)
	if err != nil || !exists {
		return err
	}
	volume := object.(*corev1.PersistentVolume)
	if volume.Annotations[provisionedBy] != Provisioner || volume.Status.Phase != corev1.VolumeReleased ||
		volume.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimDelete || volume.DeletionTimestamp != nil {
		return nil
	}
	err = p.host.CoreV1().PersistentVolumes().Delete(ctx, volume.Name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// ensureClass makes the storage class as Longhorn's chart does, unless there is one.
func ensureClass(ctx context.Context, host kubernetes.Interface) error {
	_, err := host.StorageV1().StorageClasses().Create(ctx, &storagev1.StorageClass{
		ObjectMeta:           metav1.ObjectMeta{Name: className, Annotations: map[string]string{defaultClass: "true"}},
		Provisioner:          Provisioner,
		Parameters:           map[string]string{"numberOfReplicas": "3", "staleReplicaTimeout": "30", "fsType": "ext4"},
		ReclaimPolicy:        ptr.To(corev1.PersistentVolumeReclaimDelete),
		VolumeBindingMode:    ptr.To(storagev1.VolumeBindingImmediate),
		AllowVolumeExpansion: ptr.To(true),
	}, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}
