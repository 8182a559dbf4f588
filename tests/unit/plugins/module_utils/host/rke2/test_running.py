# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Starting and waiting: the chain of a node's readiness, what the start read, and one diagnosis when it fails (RKE2-4)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import StuckError, WaitTimeoutError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2 import places
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2.files import Settings
from ansible_collections.ai_tenancy.platform.plugins.module_utils.host.machine import Machine
from ansible_collections.ai_tenancy.platform.plugins.module_utils.host.rke2 import looking, running
from ansible_collections.ai_tenancy.platform.plugins.module_utils.host.rke2.running import Running
from ansible_collections.ai_tenancy.platform.plugins.module_utils.host.rke2.writing import Files

from .machines import Answer, last_start, machine, waiting

VERSION = "v1.34.10+rke2r1"


def node(ready: str = "True", voter: str = "True", version: str = VERSION) -> dict[str, Any]:
    return {
        "metadata": {
            "name": "n1",
            "labels": {"node-role.kubernetes.io/etcd": "true", "node-role.kubernetes.io/control-plane": "true"},
        },
        "status": {
            "conditions": [{"type": "Ready", "status": ready}, {"type": "EtcdIsVoter", "status": voter}],
            "nodeInfo": {"kubeletVersion": version},
        },
    }


class Host:
    """A server whose unit comes up when it is told to. stages: what is shown, one look after the other."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.machine, self.played = machine(root)
        self.nodes = [node()]
        self.api = "ok"
        self.supervisor = True
        self.journal = ""
        self.unit = {"LoadState": "loaded", "ActiveState": "active", "SubState": "running", "InvocationID": "new"}
        self.unit.update({"NRestarts": "0", "MainPID": "7", "UnitFileState": "enabled"})
        self.played.units["rke2-server.service"] = self.unit
        self.played.answers["kubectl"] = self._kubectl
        self.played.answers["journalctl"] = lambda _argv: (0, self.journal, "")
        self.played.answers["/proc/7/exe --version"] = lambda _argv: (0, f"rke2 version {VERSION} (a)", "")
        monkeypatch.setattr(running, "supervisor_answers", lambda: self.supervisor)
        for path, text in (
            (f"{places.BIN}/kubectl", "x"),
            (places.KUBECONFIG, "x"),
            ("/proc/sys/kernel/hostname", "N1\n"),
        ):
            self.machine.write(path, text)

    def _kubectl(self, argv: list[str]) -> Answer:
        if "--raw=/readyz" in argv:
            return (0, self.api, "") if self.api == "ok" else (1, "", self.api)
        return 0, json.dumps({"items": self.nodes}), ""

    def service(self) -> Running:
        return Running(self.machine, "server", VERSION)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path, monkeypatch)


def files(machine_: Machine) -> None:
    Files(machine_, False).converge(Settings("server", {"token-file": places.TOKEN}, "geheim-geheim-1234"))


def test_a_ready_server_and_what_its_start_read(host: Host, tmp_path: Path) -> None:
    files(host.machine)
    host.service().wait(waiting())
    record = last_start(tmp_path)
    assert record["version"] == VERSION
    assert sorted(record["files"]) == [places.CONFIG, places.TOKEN]
    assert record["files"] == looking.digests_on_disk(host.machine, "server")
    assert (tmp_path / places.LAST_START.lstrip("/")).stat().st_mode & 0o777 == 0o600
    assert "geheim" not in json.dumps(record)


def test_files_of_others_are_no_part_of_what_a_start_read(host: Host) -> None:
    files(host.machine)
    host.machine.write(places.REGISTRIES, "mirrors: {}\n")
    assert places.REGISTRIES not in looking.digests_on_disk(host.machine, "server")


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"unit": {"ActiveState": "activating", "SubState": "start"}}, "the unit is activating (start)"),
        ({"supervisor": False}, "the supervisor does not answer on port 9345"),
        ({"api": "[-]etcd failed"}, "the API server is not ready: [-]etcd failed"),
        ({"nodes": []}, "there is no Node n1 yet"),
        ({"nodes": [node(ready="False")]}, "Node n1 is not Ready"),
        ({"nodes": [node(voter="False")]}, "etcd on n1 has no vote yet"),
        ({"nodes": [node(version="v1.33.13+rke2r2")]}, "the kubelet of n1 is v1.33.13+rke2r2"),
    ],
)
def test_each_link_of_the_chain_is_waited_for_and_named(host: Host, change: dict[str, Any], missing: str) -> None:
    host.unit.update(change.pop("unit", {}))
    for name, value in change.items():
        setattr(host, name, value)
    host.journal = "dial tcp 10.0.0.1:9345: connect: connection refused"
    with pytest.raises(WaitTimeoutError) as caught:
        host.service().wait(waiting())
    assert f"rke2-server.service is not ready after 10 s ({missing})" in str(caught.value)
    assert "does not reach the server that it joins" in str(caught.value)
    assert not host.machine.exists(places.LAST_START)


def test_the_old_process_does_not_pass_for_the_new_one(host: Host) -> None:
    service = host.service()
    service.begin(restart=True)
    with pytest.raises(WaitTimeoutError, match="the old process has not ended yet"):
        service.wait(waiting())
    host.unit["InvocationID"] = "newer"
    service.wait(waiting())


def test_a_start_is_queued_and_never_blocks(host: Host) -> None:
    host.service().begin(restart=False)
    assert host.played.ran("systemctl", "start", "--no-block", "rke2-server.service")
    assert not any(call[:2] == ["systemctl", "start"] and "--no-block" not in call for call in host.played.calls)


def test_a_cause_that_lasts_ends_the_wait(host: Host) -> None:
    service = host.service()
    service.begin(restart=False)
    host.unit.update({"ActiveState": "activating", "SubState": "auto-restart", "NRestarts": "2"})
    host.journal = 'level=fatal msg="failed to validate token: token CA hash does not match"'
    with pytest.raises(StuckError, match="does not accept this node's token"):
        service.wait(waiting(1000.0))


def test_a_cause_that_passes_does_not(host: Host) -> None:
    service = host.service()
    service.begin(restart=False)
    host.unit.update({"ActiveState": "activating", "SubState": "auto-restart", "NRestarts": "9"})
    host.journal = "etcdserver: too many learner members in cluster"
    with pytest.raises(WaitTimeoutError, match="joining at the same time"):
        service.wait(waiting())


def test_the_other_unit_does_not_start_at_boot(host: Host) -> None:
    host.unit["UnitFileState"] = "disabled"
    host.played.units["rke2-agent.service"] = {"LoadState": "loaded", "UnitFileState": "enabled"}
    assert host.service().enable()
    assert host.played.ran("disable", "rke2-agent.service")
    assert host.played.ran("enable", "rke2-server.service")


def test_looking_at_a_server(host: Host, tmp_path: Path) -> None:
    files(host.machine)
    (tmp_path / places.DATASTORE.lstrip("/") / "member/wal").mkdir(parents=True)
    host.machine.write(places.SERVER_TOKEN, f"K10{'ab' * 32}::server:geheim-geheim-1234\n")
    host.machine.write("/usr/local/bin/rke2", f"rke2 version {VERSION} (a)\n")
    host.machine.write("/etc/os-release", 'ID="sles"\nVERSION_ID="15.7"\n')
    host.machine.write(f"{places.CONFIG_D}/50-rancher.yaml", "tls-san: [x]\nfoo: bar\n")
    found = looking.look(host.machine, ["nodes", "certificates", "snapshots"], 0)
    assert (found["node_name"], found["type"], found["installed"], found["running"]) == (
        "n1",
        "server",
        VERSION,
        VERSION,
    )
    assert (found["datastore"], found["ca_hash"], found["api_ready"]) == (True, "ab" * 32, True)
    assert found["nodes"][0]["voter"] is True
    assert found["overrides"] == {"tls-san": "50-rancher.yaml"}
    assert found["os"] == {"id": "sles", "version": "15.7", "variant": ""}
    assert "geheim" not in json.dumps(found)


def test_looking_at_a_host_without_anything(tmp_path: Path) -> None:
    found = looking.look(machine(tmp_path)[0], ["nodes", "certificates", "snapshots"], 0)
    assert (found["installed"], found["type"], found["datastore"], found["joined"]) == ("", "", False, False)
    assert (found["nodes"], found["certificates"], found["snapshots"], found["files"]) == ([], [], [], {})


def test_a_unit_that_never_wrote_has_no_cursor(host: Host) -> None:
    host.played.answers["journalctl"] = lambda argv: (0, "-- No entries --\n", "")
    host.service().begin(restart=False)
    service = host.service()
    service.begin(restart=False)
    host.unit.update({"ActiveState": "failed"})
    host.played.answers["journalctl"] = lambda argv: (1, "", "bad") if "--after-cursor" in str(argv) else (0, "", "")
    with pytest.raises(StuckError, match="its journal is empty"):
        service.wait(waiting())
    assert not any("--after-cursor" in str(call) for call in host.played.calls)
