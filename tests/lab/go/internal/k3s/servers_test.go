package k3s

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestDataSurvivesOnDisk(t *testing.T) {
	kept := store{dir: t.TempDir()}
	if data, err := kept.load("t1", "alpha"); data != nil || err != nil {
		t.Fatalf("nothing was saved: %v %v", data, err)
	}
	data, err := newData("disk", "token", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := kept.save("t1", "alpha", data); err != nil {
		t.Fatal(err)
	}
	loaded, err := kept.load("t1", "alpha")
	if err != nil || *loaded != *data {
		t.Fatalf("%v %v", loaded, err)
	}
	info, err := os.Stat(filepath.Join(kept.dir, "t1", "alpha.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("private keys must be readable by their owner only: %v", info.Mode())
	}
	if all, err := kept.all(); err != nil || len(all) != 1 || all[0] != [2]string{"t1", "alpha"} {
		t.Errorf("%v %v", all, err)
	}
}

func TestNodeOfAgent(t *testing.T) {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "k3k-a-agent-x", UID: "1", Labels: map[string]string{"type": "agent"}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Image:     "rancher/k3s:v1.33.1-k3s1",
			Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("2")}},
		}}},
	}
	node := nodeFor(pod)
	if node.Status.NodeInfo.KubeletVersion != "v1.33.1+k3s1" {
		t.Errorf("version %s", node.Status.NodeInfo.KubeletVersion)
	}
	if gpus := node.Status.Capacity["nvidia.com/gpu"]; gpus.Value() != 2 {
		t.Errorf("GPUs %s", gpus.String())
	}
	if again := nodeFor(pod); again.Name != node.Name {
		t.Error("the name must stay with the pod")
	}
	pod.UID = "2"
	if other := nodeFor(pod); other.Name == node.Name {
		t.Error("another pod of the same name is another node")
	}
}

func TestUnusableConfiguration(t *testing.T) {
	if unusable(&config{ClusterCIDR: "10.52.0.0/16", ServiceCIDR: "10.53.0.0/16"}) != "" {
		t.Error("a good configuration was refused")
	}
	if unusable(&config{ClusterCIDR: "xx", ServiceCIDR: "10.53.0.0/16"}) == "" {
		t.Error("a server cannot start with this CIDR")
	}
}
