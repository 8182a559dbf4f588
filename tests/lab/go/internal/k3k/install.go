package k3k

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset/typed/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	"aitenancy/lab/internal/k3kapi"
)

// Version of the controller and chart that the stand-in follows.
const Version = "1.2.0-rc4"

const systemNamespace = "k3k-system"

// InstallCRDs puts the definitions of a directory into the cluster, as the chart does.
func InstallCRDs(ctx context.Context, client apiextensions.CustomResourceDefinitionInterface, dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return err
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		crd := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.UnmarshalStrict(raw, crd); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if err := installCRD(ctx, client, crd); err != nil {
			return err
		}
	}
	return nil
}

func installCRD(ctx context.Context, client apiextensions.CustomResourceDefinitionInterface, crd *apiextensionsv1.CustomResourceDefinition) error {
	_, err := client.Create(ctx, crd, metav1.CreateOptions{})
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	live, err := client.Get(ctx, crd.Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	live.Spec = crd.Spec
	_, err = client.Update(ctx, live, metav1.UpdateOptions{})
	return err
}

// WaitServed waits up to the patience until both kinds are served, and fails in
// the words of the real controller, which ends at once without its CRDs.
func WaitServed(ctx context.Context, client discovery.DiscoveryInterface, patience time.Duration) error {
	deadline := time.Now().Add(patience)
	for {
		served, err := client.ServerResourcesForGroupVersion(k3kapi.GroupVersion.String())
		if err != nil && !apierrors.IsNotFound(err) {
			return err
		}
		kinds := map[string]bool{}
		if err == nil {
			for _, resource := range served.APIResources {
				kinds[resource.Kind] = true
			}
		}
		if kinds["Cluster"] && kinds["VirtualClusterPolicy"] {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("no matches for kind %q in version %q", "Cluster", k3kapi.GroupVersion)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Install makes what the chart makes beside the CRDs; existing objects stay as they are.
func Install(ctx context.Context, host kubernetes.Interface) error {
	labels := map[string]string{
		"app.kubernetes.io/name": "k3k", "app.kubernetes.io/instance": "k3k", "app.kubernetes.io/managed-by": "Helm",
		"app.kubernetes.io/version": "v" + Version, "helm.sh/chart": "k3k-" + Version,
	}
	meta := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{
			Namespace: systemNamespace, Name: name, Labels: maps.Clone(labels),
			Annotations: map[string]string{"meta.helm.sh/release-name": "k3k", "meta.helm.sh/release-namespace": systemNamespace},
		}
	}
	global := func(name string) metav1.ObjectMeta {
		result := meta(name)
		result.Namespace = ""
		return result
	}
	create := metav1.CreateOptions{}
	core := host.CoreV1()
	_, err := core.Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: systemNamespace}}, create)
	if err := ignoreExisting(err); err != nil {
		return err
	}
	_, err = core.ServiceAccounts(systemNamespace).Create(ctx, &corev1.ServiceAccount{ObjectMeta: meta("k3k")}, create)
	if err := ignoreExisting(err); err != nil {
		return err
	}
	_, err = core.ConfigMaps(systemNamespace).Create(ctx, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: systemNamespace, Name: "k3k-kubelet-port-range"},
		Data:       map[string]string{"range": "50000-51000", "allocatedPorts": ""},
	}, create)
	if err := ignoreExisting(err); err != nil {
		return err
	}
	for _, name := range bindings {
		_, err = host.RbacV1().ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{
			ObjectMeta: global(name),
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
		}, create)
		if err := ignoreExisting(err); err != nil {
			return err
		}
	}
	_, err = host.AppsV1().Deployments(systemNamespace).Create(ctx, controllerDeployment(meta("k3k")), create)
	return ignoreExisting(err)
}

// controllerDeployment is the controller as users see it; the stand-in itself is
// a process of the laboratory, the pod only shows that the controller is there.
func controllerDeployment(meta metav1.ObjectMeta) *appsv1.Deployment {
	selector := map[string]string{"app.kubernetes.io/name": "k3k", "app.kubernetes.io/instance": "k3k"}
	return &appsv1.Deployment{
		ObjectMeta: meta,
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To(int32(1)),
			Selector: &metav1.LabelSelector{MatchLabels: selector},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: selector},
				Spec: corev1.PodSpec{
					ServiceAccountName: "k3k",
					// While the machine is slow only a GPU node may be ready, and a tenant's node must carry none but its own.
					NodeSelector: map[string]string{"ai-tenancy.platform/pool": "cpu"},
					Containers:   []corev1.Container{{Name: "k3k", Image: "rancher/k3k:v" + Version}},
				},
			},
		},
	}
}

func ignoreExisting(err error) error {
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}
