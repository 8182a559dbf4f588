# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""A cluster that the playbooks of the collection bring up on hosts of the laboratory, and ways to look at it."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import ssl
import tempfile
import time
from pathlib import Path
from typing import Any, Self

import yaml

from tests.integration.hosts.site import HostSite, changes
from tests.integration.hosts.standin import Standin
from tests.integration.playbooks.runner import Going, Run
from tests.lab.background import Background
from tests.lab.hosts import HostLab
from tests.lab.rke2 import release

VERSION, NEWER = "v1.34.10+rke2r1", "v1.35.7+rke2r1"
SERVERS = ("server-1", "server-2", "server-3")
AGENTS = ("agent-1", "agent-2")
TOKEN, NEW_TOKEN = "7f3c1e9a5b2d4c6e8f0a", "1c8e6a4f2b0d9e7c5a3f"
S3_SECRET = "s3-secret-of-the-tests"
ENDPOINT = "rke2.lab.test"


def variables(lab: HostLab, directory: Path) -> dict[str, Any]:
    """What a site without a way out declares."""
    return {
        "rke2_version": VERSION,
        "rke2_token": TOKEN,
        "rke2_cluster_name": "lab",
        "rke2_api_endpoint": ENDPOINT,
        "rke2_artifact_source": lab.artifacts_url,
        "rke2_airgap": True,
        "rke2_rpm_repository": f"{lab.artifacts_url}/rpm/",
        "rke2_rpm_key": f"{lab.artifacts_url}/rpm/public.key",
        "rke2_etcd_snapshot": {"schedule": "0 */6 * * *", "retention": 3},
        "rke2_wait_timeout": 240,
        "rke2_serial_agents": "100%",
        "rke2_kubeconfig_dest": str(directory / "kubeconfig.yaml"),
    }


class Cluster(HostSite):
    """One cluster; playbooks run with an inventory of its own. on: the stand-in's side, to look at what happened."""

    def __init__(self, lab: HostLab, directory: Path) -> None:
        super().__init__(lab, directory, (TOKEN, NEW_TOKEN, S3_SECRET))
        release.build(lab.artifacts)
        self.on = Standin(lab)
        self.kubeconfig = directory / "kubeconfig.yaml"
        self.inventory = directory / "cluster.yml"
        self.declared = variables(lab, directory)
        self.hosts: dict[str, dict[str, Any]] = {}

    def declare(self, hosts: dict[str, dict[str, Any]] | None = None, **changes: Any) -> None:
        """Change variables of the cluster for good. hosts: what single hosts declare from now on."""
        self.declared.update(changes)
        self.hosts = self.hosts if hosts is None else hosts

    def start(self, playbook: str, *arguments: str, **extra: Any) -> Going:
        """Start a playbook with the cluster's inventory; see L(HostSite.start)."""
        inventory = {"all": {"hosts": self.hosts, "children": {"rke2_cluster": {"vars": self.declared}}}}
        self.inventory.touch(mode=0o600)
        self.inventory.write_text(yaml.safe_dump(inventory), encoding="utf-8")
        return super().start(playbook, "-i", str(self.inventory), *arguments, **extra)

    def unchanged(self, *arguments: str) -> Run:
        """Run C(kubernetes) where nothing may be due."""
        run = self.good("kubernetes", *arguments)
        assert run.changed == 0, changes(run)
        return run

    def starts(self) -> dict[str, int]:
        """How often RKE2 was started on each host since it was installed."""
        return {host.name: len(self.on.events(host.name, "start")) for host in self.lab.hosts}

    def versions(self, host: str = "server-1") -> dict[str, str]:
        """Node -> version of its kubelet."""
        nodes = self.on.get(host, "nodes")["items"]
        return {node["metadata"]["name"]: node["status"]["nodeInfo"]["kubeletVersion"] for node in nodes}

    def members(self, host: str, token: str = TOKEN) -> set[str]:
        """The hosts whose etcd members a server names."""
        answer = self.on.supervisor(host, "/db/info", f"server:{token}")
        addresses = {self.lab.address(name): name for name in SERVERS}
        return {addresses[url.split("//")[1].split(":")[0]] for url in json.loads(answer.stdout)}

    def schedulable(self, host: str = "server-1") -> set[str]:
        """Nodes that take pods."""
        nodes = self.on.get(host, "nodes")["items"]
        return {node["metadata"]["name"] for node in nodes if not node["spec"].get("unschedulable")}

    def moments(self, *events: str) -> list[tuple[str, str, str]]:
        """Time, host and name of these events on all hosts, in order."""
        found = [
            (event["time"], host.name, event["event"])
            for host in self.lab.hosts
            for event in self.on.events(host.name, *events)
        ]
        return sorted(found)


class Poller(Background):
    """Asks the API through the balancer all the time, as a client with the administrator's kubeconfig does.

    One question that fails is asked again within two seconds, as every client of Kubernetes does; gaps are what is left.
    """

    def __init__(self, lab: HostLab, kubeconfig: Path) -> None:
        super().__init__(pause=0.3)
        data = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        user, cluster = data["users"][0]["user"], data["clusters"][0]["cluster"]
        self._context = ssl.create_default_context(
            cadata=base64.b64decode(cluster["certificate-authority-data"]).decode()
        )
        with tempfile.NamedTemporaryFile() as pair:
            pair.write(base64.b64decode(user["client-certificate-data"]) + base64.b64decode(user["client-key-data"]))
            pair.flush()
            self._context.load_cert_chain(pair.name)
        self._address = lab.gateway
        self._last = time.monotonic()
        self.answers = 0
        self.failures: list[str] = []
        self.longest = 0.0
        self.versions: set[str] = set()

    def __enter__(self) -> Self:
        self._last = time.monotonic()
        return super().__enter__()

    def again(self) -> None:
        """Ask once, and note how long there was no answer."""
        try:
            self.versions.add(self._ask())
            self.answers += 1
            now = time.monotonic()
            self.longest, self._last = max(self.longest, now - self._last), now
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.failures.append(repr(error))

    def _ask(self) -> str:
        address, context = self._address, self._context

        class Through(http.client.HTTPSConnection):
            """Connects to the balancer's address and checks the certificate for its name."""

            def connect(self) -> None:
                raw = socket.create_connection((address, 6443), 5)
                self.sock = context.wrap_socket(raw, server_hostname=ENDPOINT)

        connection = Through(ENDPOINT, 6443, timeout=5)
        connection.request("GET", "/version")
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status != 200:
            raise ValueError(f"{answer.status} {text[:100]!r}")
        return str(json.loads(text)["gitVersion"])
