# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""From bare hosts to a cluster, and its changes (RKE2-1 to RKE2-5, RKE2-8, X-1, X-4, X-7).

The tests build on each other: bringing a cluster up for each would take most of the time.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.integration.hosts.clusters import AGENTS, NEWER, SERVERS, VERSION, Cluster, Poller
from tests.integration.hosts.site import changes, failures, launches
from tests.lab.hosts import HostLab

ALL = (*SERVERS, *AGENTS)
#: What one host may cost in a run that changes nothing.
LAUNCHES = 2


@pytest.fixture(scope="module")
def cluster(fresh_hosts: HostLab, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """Fresh hosts; on one of the agents /usr/local is a file system of its own, the other gets its release by RPM."""
    fresh_hosts.exec("agent-1", "mount", "--bind", "/usr/local", "/usr/local")
    cluster = Cluster(fresh_hosts, tmp_path_factory.mktemp("cluster"))
    cluster.declare(hosts={"agent-2": {"rke2_install_method": "rpm"}})
    # RKE2's packages need iptables from SLES; sles_register brings its repositories on a real site.
    base = fresh_hosts.repository_url
    cluster.on.run("agent-2", f"zypper --non-interactive addrepo --no-gpgcheck --refresh {base} base")
    return cluster


#: A pod on agent-1 that may not be evicted.
GUARDED = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: guarded}
spec:
  selector: {matchLabels: {app: guarded}}
  template:
    metadata: {labels: {app: guarded}}
    spec:
      nodeSelector: {kubernetes.io/hostname: agent-1}
      containers: [{name: pod, image: "docker.io/rancher/lab-pod:1", imagePullPolicy: Never, args: [serve, "8080"]}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: guarded}
spec: {minAvailable: 1, selector: {matchLabels: {app: guarded}}}
"""


class TestFromNothing:
    def test_the_plan_tells_what_comes_and_changes_nothing(self, cluster: Cluster) -> None:
        plan = cluster.good("kubernetes", "--check", "--diff")
        assert set(changes(plan)) == set(ALL)
        assert all(cluster.on.run(host, "ls /etc/rancher 2>/dev/null", check=False) == "" for host in ALL)

    def test_a_join_that_fails_stops_the_run_and_touches_nobody_else(self, cluster: Cluster) -> None:
        cluster.on.faults("server-2", fail_join="critical configuration value mismatch between servers: cluster-cidr")
        run = cluster.run("kubernetes")
        assert not run.ok
        assert "a setting that must be equal on all servers differs" in failures(run)["server-2"]
        for host in ("server-3", *AGENTS):
            assert cluster.on.run(host, "ls /etc/rancher/rke2 2>/dev/null", check=False) == "", host

    def test_the_next_run_goes_on_where_it_stopped(self, cluster: Cluster) -> None:
        cluster.on.faults("server-2")
        cluster.good("kubernetes")
        cluster.on.wait_ready("server-3", *ALL)
        assert cluster.starts()["server-1"] == 1, "what was up was not touched"

    def test_one_server_after_the_other_then_the_agents(self, cluster: Cluster) -> None:
        order = [(host, event) for _time, host, event in cluster.moments("start", "ready")]
        first = {host: order.index((host, "start")) for host in ALL}
        ready = {host: len(order) - 1 - order[::-1].index((host, "ready")) for host in ALL}
        assert ready["server-1"] < first["server-2"]
        assert ready["server-2"] < first["server-3"]
        assert ready["server-3"] < min(first["agent-1"], first["agent-2"])

    def test_only_the_first_server_began_a_cluster(self, cluster: Cluster) -> None:
        configured = {host: cluster.lab.read(host, "/etc/rancher/rke2/config.yaml") for host in ALL}
        assert "\nserver:" not in configured["server-1"]
        assert all('\nserver: "https://rke2.lab.test:9345"' in configured[host] for host in ALL if host != "server-1")
        assert cluster.members("server-1") == set(SERVERS)

    def test_joining_nodes_trust_this_cluster_only(self, cluster: Cluster) -> None:
        ca = cluster.on.run("server-1", "sha256sum < /var/lib/rancher/rke2/server/tls/server-ca.crt").split()[0]
        for host in ("server-2", "server-3", *AGENTS):
            assert cluster.lab.read(host, "/etc/rancher/rke2/token").startswith(f"K10{ca}::server:")

    def test_secrets_are_private(self, cluster: Cluster) -> None:
        for host in ALL:
            modes = cluster.on.run(host, "stat -c '%a %n' /etc/rancher/rke2/*.yaml /etc/rancher/rke2/token")
            assert all(line.startswith("600 ") for line in modes.splitlines()), modes

    def test_both_methods_of_installation(self, cluster: Cluster) -> None:
        assert cluster.on.run("server-1", "command -v rke2").strip() == "/usr/local/bin/rke2"
        assert "no /usr/local" in cluster.on.run("agent-1", "test -e /usr/local/bin/rke2 || echo no /usr/local")
        assert "ExecStart=/opt/rke2/bin/rke2 agent" in cluster.lab.read(
            "agent-1", "/etc/systemd/system/rke2-agent.service"
        )
        assert cluster.on.run("agent-2", "command -v rke2").strip() == "/usr/bin/rke2"
        repositories = cluster.on.run("agent-2", "zypper --non-interactive lr --export - | cat", check=False)
        assert "enabled=0" in cluster.lab.read("agent-2", "/etc/zypp/repos.d/ai-tenancy-rke2.repo"), repositories

    def test_the_administrators_kubeconfig(self, cluster: Cluster) -> None:
        assert cluster.kubeconfig.stat().st_mode & 0o777 == 0o600
        data = yaml.safe_load(cluster.kubeconfig.read_text(encoding="utf-8"))
        assert data["clusters"][0]["cluster"]["server"] == "https://rke2.lab.test:6443"
        assert data["current-context"] == "lab"

    def test_running_it_again_changes_nothing(self, cluster: Cluster) -> None:
        before = cluster.starts()
        run = cluster.unchanged("--diff")
        assert max(launches(run)[host] for host in ALL if host != "server-1") <= LAUNCHES
        assert launches(run)["server-1"] <= LAUNCHES + 2, "it also answers for the cluster and brings the kubeconfig"
        cluster.unchanged("--check", "--diff")
        assert cluster.starts() == before


class TestChanges:
    def test_a_change_on_one_server_restarts_that_one_only(self, cluster: Cluster) -> None:
        before = cluster.starts()
        cluster.hosts["server-2"] = {"rke2_host_config": {"kubelet-arg": ["max-pods=123"]}}
        plan = cluster.good("kubernetes", "--check", "--diff")
        assert cluster.starts() == before
        run = cluster.good("kubernetes", "--diff")
        assert set(changes(plan)) == set(changes(run)) == {"server-2"}
        assert cluster.starts() == {**before, "server-2": before["server-2"] + 1}
        assert cluster.schedulable() == set(ALL)

    def test_what_a_person_cordoned_stays_cordoned(self, cluster: Cluster) -> None:
        cluster.on.kubectl("server-1", "cordon server-2")
        cluster.hosts["server-2"] = {"rke2_host_config": {"kubelet-arg": ["max-pods=124"]}}
        cluster.good("kubernetes")
        assert cluster.schedulable() == set(ALL) - {"server-2"}
        cluster.on.kubectl("server-1", "uncordon server-2")

    def test_labels_and_taints_come_and_go_without_a_restart(self, cluster: Cluster) -> None:
        before = cluster.starts()
        marks = {
            "rke2_node_labels": {"example.com/pool": "acme"},
            "rke2_node_taints": ["example.com/pool=acme:NoSchedule"],
        }
        cluster.hosts["agent-1"] = marks
        cluster.good("kubernetes")
        node = cluster.on.node("server-1", "agent-1")
        assert node["metadata"]["labels"]["example.com/pool"] == "acme"
        assert node["spec"]["taints"] == [{"key": "example.com/pool", "value": "acme", "effect": "NoSchedule"}]
        cluster.unchanged()
        del cluster.hosts["agent-1"]
        cluster.good("kubernetes")
        node = cluster.on.node("server-1", "agent-1")
        assert "example.com/pool" not in node["metadata"]["labels"]
        assert not node["spec"].get("taints")
        assert cluster.starts() == before

    def test_a_run_that_was_killed_before_the_restart_is_finished_by_the_next(self, cluster: Cluster) -> None:
        before = cluster.starts()
        cluster.hosts["server-3"] = {"rke2_host_config": {"kubelet-arg": ["max-pods=125"]}}
        going = cluster.start("kubernetes")
        going.until(lambda: "max-pods=125" in cluster.lab.read("server-3", "/etc/rancher/rke2/config.yaml"), "the file")
        going.kill()
        assert cluster.starts() == before, "it was killed too late for this test"
        cluster.good("kubernetes")
        assert cluster.starts() == {**before, "server-3": before["server-3"] + 1}
        assert cluster.schedulable() == set(ALL)
        cluster.unchanged()

    def test_a_node_that_cannot_be_drained_goes_on_and_the_run_stops(self, cluster: Cluster) -> None:
        cluster.on.kubectl("server-1", "apply -f -", GUARDED)
        cluster.on.kubectl("server-1", "rollout status deployment/guarded --timeout=60s --request-timeout=0")
        before = cluster.starts()
        cluster.hosts["agent-1"] = {"rke2_host_config": {"kubelet-arg": ["max-pods=126"]}, "rke2_drain": {"timeout": 5}}
        run = cluster.run("kubernetes")
        assert "agent-1 cannot be drained" in failures(run)["agent-1"]
        assert cluster.starts() == before
        assert cluster.schedulable() == set(ALL)

        cluster.on.kubectl("server-1", "delete poddisruptionbudget/guarded deployment/guarded")
        cluster.good("kubernetes")
        assert cluster.starts() == {**before, "agent-1": before["agent-1"] + 1}
        cluster.unchanged()

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"rke2_cni": "cilium"}, "cni is canal and cannot become cilium"),
            ({"rke2_cluster_cidr": "10.99.0.0/16"}, "cluster-cidr is 10.62.0.0/16 and cannot become 10.99.0.0/16"),
            ({"rke2_version": "v1.33.13+rke2r2"}, "a downgrade needs a restored snapshot"),
            ({"rke2_version": NEWER}, "use the playbook ai_tenancy.platform.rke2_upgrade"),
            ({"rke2_install_method": "rpm"}, "server-1: RKE2 is installed by tar, rke2_install_method says rpm"),
            ({"rke2_install_method": "tar"}, "agent-2: RKE2 is installed by rpm, rke2_install_method says tar"),
            ({"rke2_token": "short"}, "a secret of at least 16 characters"),
            ({"rke2_version": "v1.20.1+rke2r1"}, "a release of a supported minor"),
            ({"rke2_server_config": {"token": "x"}}, "not here; use rke2_token"),
        ],
    )
    def test_what_is_refused_before_anything_is_touched(self, cluster: Cluster, change: dict, words: str) -> None:
        before = cluster.starts()
        run = cluster.run("kubernetes", **change)
        assert not run.ok
        assert words in run.failure
        assert run.changed == 0
        assert cluster.starts() == before

    def test_an_unreachable_server_stops_what_would_touch_another(self, cluster: Cluster) -> None:
        before = cluster.starts()
        cluster.lab.isolate("server-3")
        try:
            run = cluster.run("kubernetes", rke2_server_config={"debug": True})
        finally:
            cluster.lab.heal("server-3")
        assert "server-3 did not answer, so no server may be touched" in run.failure
        assert cluster.starts() == before
        cluster.on.wait_ready("server-1", *ALL)


class TestLosses:
    def test_a_server_that_lost_its_disk_comes_back_without_a_second_cluster(self, cluster: Cluster) -> None:
        """It is the one where the cluster began."""
        uid = cluster.on.get("server-2", "namespace kube-system")["metadata"]["uid"]
        cluster.lab.wipe("server-1")
        cluster.good("kubernetes")
        cluster.on.wait_ready("server-1", *ALL)
        assert cluster.on.get("server-1", "namespace kube-system")["metadata"]["uid"] == uid
        assert cluster.members("server-2") == set(SERVERS)
        assert '\nserver: "https' in cluster.lab.read("server-1", "/etc/rancher/rke2/config.yaml")
        cluster.unchanged()

    def test_an_agent_that_lost_its_disk_comes_back_by_limit(self, cluster: Cluster) -> None:
        before = cluster.starts()
        cluster.lab.wipe("agent-1")
        cluster.good("kubernetes", "--limit", "agent-1")
        cluster.on.wait_ready("server-1", *ALL)
        assert {host: count for host, count in cluster.starts().items() if host != "agent-1"} == {
            host: count for host, count in before.items() if host != "agent-1"
        }

    def test_after_a_loss_of_power_all_come_up_together(self, cluster: Cluster) -> None:
        for host in SERVERS:
            cluster.on.stop(host)
        cluster.good("kubernetes")
        cluster.on.wait_ready("server-1", *ALL)
        cluster.unchanged()


class TestUpgrade:
    def test_a_wrong_checksum_touches_nothing(self, cluster: Cluster) -> None:
        archive = Path(cluster.lab.artifacts) / NEWER / "rke2.linux-amd64.tar.gz"
        content, before = archive.read_bytes(), cluster.starts()
        archive.unlink()  # the file is a hard link into the cache
        archive.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        try:
            run = cluster.run("rke2_upgrade", rke2_version=NEWER)
        finally:
            archive.write_bytes(content)
        assert "rke2.linux-amd64.tar.gz of v1.35.7+rke2r1 has SHA-256" in run.failure
        assert "Nothing was touched" in run.failure
        assert VERSION in cluster.on.run("server-1", "rke2 --version")
        assert cluster.starts() == before

    def test_the_api_is_never_away(self, cluster: Cluster) -> None:
        before = cluster.starts()
        with Poller(cluster.lab, cluster.kubeconfig) as poller:
            run = cluster.good("rke2_upgrade", rke2_version=NEWER)
        print(f"answers {poller.answers}, failures {len(poller.failures)}, longest gap {poller.longest:.1f} s")
        assert set(cluster.versions().values()) == {NEWER}
        assert cluster.starts() == {host: count + 1 for host, count in before.items()}
        assert cluster.schedulable() == set(ALL)
        assert poller.versions == {VERSION, NEWER}
        assert poller.answers > 50
        assert poller.longest < 5, poller.failures
        assert any("pre-v1.35.7-rke2r1" in name for host in SERVERS for name in snapshots(cluster, host))
        order = [host for _time, host, _event in cluster.moments("start")][-len(ALL) :]
        assert set(order[:3]) == set(SERVERS), "servers before agents"
        assert run.results("rke2_datastore"), "a snapshot first"

    def test_the_new_version_is_the_declared_one(self, cluster: Cluster) -> None:
        cluster.declare(rke2_version=NEWER)
        cluster.unchanged()


def snapshots(cluster: Cluster, host: str) -> list[str]:
    return cluster.on.run(host, "ls /var/lib/rancher/rke2/server/db/snapshots 2>/dev/null", check=False).split()
