# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Looking after a cluster: snapshots and the way back, token, certificates, removal, the end (RKE2-3, RKE2-6, RKE2-9, X-8).

The tests build on each other, and begin with the cluster that is there or with a new one.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from tests.integration.hosts.clusters import AGENTS, NEW_TOKEN, NEWER, SERVERS, TOKEN, VERSION, Cluster
from tests.integration.hosts.site import changes
from tests.integration.hosts.standin import eventually
from tests.lab.hosts import HostLab

ALL = (*SERVERS, *AGENTS)
#: Never the token of any cluster.
OTHER_TOKEN = "5d3f1b9e7c5a3e1d9b7f"
SNAPSHOTS = "/var/lib/rancher/rke2/server/db/snapshots"


@pytest.fixture(scope="module")
def cluster(hosts_lab: HostLab, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """A cluster of the version that the hosts have, or of an older one where they have none."""
    cluster = Cluster(hosts_lab, tmp_path_factory.mktemp("day-two"))
    installed = cluster.on.run("server-1", "rke2 --version", check=False)
    cluster.declare(rke2_version=NEWER if NEWER in installed else VERSION)
    if "/usr/bin/rke2" in cluster.on.run("agent-2", "command -v rke2", check=False):
        cluster.declare(hosts={"agent-2": {"rke2_install_method": "rpm"}})
    cluster.good("kubernetes")
    cluster.on.wait_ready("server-1", *ALL)
    return cluster


class TestSnapshots:
    def test_a_snapshot_and_its_token_come_to_the_control_node(self, cluster: Cluster) -> None:
        cluster.on.kubectl("server-1", "create namespace before-snapshot")
        folder = cluster.directory / "backups"
        extra = {"etcd_snapshot_name": "good", "etcd_snapshot_fetch_dir": str(folder)}
        cluster.good("etcd_snapshot", **extra)
        files = sorted(folder.iterdir())
        assert [file.suffix for file in files] == ["", ".token"]
        assert files[0].stat().st_size > 10_000
        assert files[1].read_text(encoding="utf-8").strip().endswith(TOKEN)
        assert folder.stat().st_mode & 0o777 == 0o700
        assert cluster.good("etcd_snapshot", **extra).changed == 0

    def test_restoring_wants_the_name_and_the_snapshot(self, cluster: Cluster) -> None:
        before = cluster.starts()
        host, path = place(cluster)
        for extra in (
            {"etcd_restore_snapshot": path, "etcd_restore_server": host},
            {"etcd_restore_snapshot": path, "etcd_restore_server": host, "etcd_restore_confirm": "other"},
            {"etcd_restore_snapshot": "/no/such/file", "etcd_restore_server": host, "etcd_restore_confirm": "lab"},
        ):
            run = cluster.run("etcd_restore", **extra)
            assert not run.ok
            assert run.changed == 0
        assert cluster.starts() == before

    def test_what_was_destroyed_is_back(self, cluster: Cluster) -> None:
        host, path = place(cluster)
        cluster.on.kubectl("server-1", "delete namespace before-snapshot --wait=true")
        cluster.on.kubectl("server-1", "create namespace after-snapshot")
        # the worst case: the datastores of two servers are gone
        for other in [one for one in SERVERS if one != host]:
            cluster.on.stop(other)
            cluster.on.run(other, "rm -rf /var/lib/rancher/rke2/server/db/etcd")
        cluster.good("etcd_restore", etcd_restore_snapshot=path, etcd_restore_server=host, etcd_restore_confirm="lab")
        cluster.on.wait_ready(host, *ALL)
        names = {item["metadata"]["name"] for item in cluster.on.get(host, "namespaces")["items"]}
        assert "before-snapshot" in names
        assert "after-snapshot" not in names
        assert cluster.members(host) == set(SERVERS)
        cluster.unchanged()


def place(cluster: Cluster) -> tuple[str, str]:
    """The host that holds the snapshot, and its path there."""
    for host in SERVERS:
        found = cluster.on.run(host, f"ls {SNAPSHOTS}/good-* 2>/dev/null", check=False).split()
        if found:
            return host, found[0]
    raise AssertionError("the snapshot is nowhere")


#: Looks at the command line and the environment of every process, again and again; what to look for comes by its input.
WATCH = """
import glob, os, sys, time
words = [line.strip().encode() for line in sys.stdin]
found = set()
while not os.path.exists("/run/watch-stop"):
    for path in glob.glob("/proc/[0-9]*/cmdline") + glob.glob("/proc/[0-9]*/environ"):
        try:
            data = open(path, "rb").read()
        except OSError:
            continue
        if any(word in data for word in words):
            found.add((path.rsplit("/", 1)[1], data[:60]))
    time.sleep(0.05)
print(sorted(found))
"""


class TestToken:
    def test_a_new_token_that_nobody_sees(self, cluster: Cluster) -> None:
        """Every process of every host is watched meanwhile: command lines and environments."""
        before = cluster.starts()
        with ThreadPoolExecutor(len(ALL)) as pool:
            seen = []
            for host in ALL:
                cluster.on.run(host, "rm -f /run/watch-stop")
                cluster.lab.write(host, "/root/watch.py", WATCH)
                words = f"{TOKEN}\n{NEW_TOKEN}\n"
                watch = partial(cluster.lab.exec, host, "python3", "/root/watch.py", input=words, timeout=900)
                seen.append(pool.submit(watch))
            try:
                cluster.good("rotate_token", rotate_token_new=NEW_TOKEN)
            finally:
                for host in ALL:
                    cluster.on.run(host, "touch /run/watch-stop")
            assert [one.result().stdout.strip() for one in seen] == ["[]"] * len(ALL)
        assert cluster.starts() == {host: count + 1 for host, count in before.items()}
        for host in SERVERS:
            assert cluster.on.supervisor_status(host, "/db/info", f"server:{NEW_TOKEN}") == 200
            assert cluster.on.supervisor_status(host, "/db/info", f"server:{TOKEN}") == 401
        cluster.on.wait_ready("server-1", *ALL)
        cluster.declare(rke2_token=NEW_TOKEN)
        cluster.unchanged()

    def test_tokens_that_count_no_more(self, cluster: Cluster) -> None:
        run = cluster.run("rotate_token", rotate_token_new="9a8b7c6d5e4f3a2b1c0d", rke2_token=OTHER_TOKEN)
        assert "Neither the old nor the new token counts" in run.failure
        assert run.changed == 0


class TestCertificates:
    def test_renewed_one_server_after_the_other(self, cluster: Cluster) -> None:
        before = {host: serial(cluster, host) for host in SERVERS}
        starts = cluster.starts()
        cluster.good("rotate_certificates", rotate_certificates_below_days=100_000)
        assert all(serial(cluster, host) != before[host] for host in SERVERS)
        assert cluster.starts() == {host: count + 1 for host, count in starts.items()}
        cluster.on.wait_ready("server-1", *ALL)

    def test_what_is_good_for_long_is_left_alone(self, cluster: Cluster) -> None:
        run = cluster.good("rotate_certificates", rotate_certificates_below_days=30)
        assert run.changed == 0, changes(run)
        assert "days until the first of" in run.output


def serial(cluster: Cluster, host: str) -> str:
    path = "/var/lib/rancher/rke2/server/tls/client-admin.crt"
    return cluster.on.run(host, f"openssl x509 -noout -serial -in {path}").strip()


class TestRemoval:
    def test_what_is_refused(self, cluster: Cluster) -> None:
        for extra, words in (
            ({"node_remove": "agent-2"}, "node_remove_confirm"),
            ({"node_remove": "agent-9", "node_remove_confirm": "agent-9"}, "a host of the inventory"),
            ({"node_remove": "server-3", "node_remove_confirm": "server-3"}, "there are 2 servers"),
        ):
            run = cluster.run("node_remove", **extra)
            assert words in run.failure
            assert run.changed == 0
        assert cluster.on.ready_nodes("server-1") == set(ALL)

    def test_an_agent_leaves_when_its_volumes_are_detached(self, cluster: Cluster) -> None:
        attachment = {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "VolumeAttachment",
            "metadata": {"name": "held"},
            "spec": {"attacher": "test", "nodeName": "agent-2", "source": {"persistentVolumeName": "pv-held"}},
        }
        cluster.on.kubectl("server-1", "apply -f -", input=json.dumps(attachment))
        extra = {"node_remove": "agent-2", "node_remove_confirm": "agent-2"}
        run = cluster.run("node_remove", **extra, rke2_wait_timeout=10)
        assert "volumes are still attached to agent-2: pv-held" in run.failure
        assert "agent-2" in cluster.on.ready_nodes("server-1")
        cluster.on.kubectl("server-1", "delete volumeattachment held")
        cluster.good("node_remove", **extra)
        cluster.on.wait_ready("server-1", *SERVERS, "agent-1")
        assert cluster.on.run("agent-2", "command -v rke2; ls /etc/rancher", check=False).strip().endswith("directory")

    def test_a_server_leaves_with_its_member(self, cluster: Cluster) -> None:
        cluster.good("node_remove", node_remove="server-3", node_remove_confirm="server-3", node_remove_allow_even=True)
        eventually(
            lambda: cluster.members("server-1", NEW_TOKEN) == {"server-1", "server-2"}, "the members without server-3"
        )
        assert "server-3" not in cluster.on.ready_nodes("server-1")

    def test_it_may_come_back(self, cluster: Cluster) -> None:
        cluster.good("kubernetes")
        cluster.on.wait_ready("server-1", *ALL)
        assert cluster.members("server-1", NEW_TOKEN) == set(SERVERS)


class TestEnd:
    def test_uninstalling_wants_the_name(self, cluster: Cluster) -> None:
        run = cluster.run("rke2_uninstall")
        assert "rke2_uninstall_confirm=lab" in run.failure
        assert run.changed == 0

    def test_nothing_is_left(self, cluster: Cluster) -> None:
        cluster.good("rke2_uninstall", rke2_uninstall_confirm="lab")
        for host in ALL:
            left = cluster.on.run(
                host, "ls -A /etc/rancher /var/lib/rancher/rke2 2>/dev/null; pgrep -a rke2", check=False
            )
            assert left.strip() in ("", "/var/lib/rancher/rke2:"), f"{host}: {left}"
        assert cluster.good("rke2_uninstall", rke2_uninstall_confirm="lab").changed == 0
