# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Drive the laboratory's RKE2 by hand, without roles: install it, configure it, start it, ask it."""

from __future__ import annotations

import json
import shlex
import subprocess
import time
from collections.abc import Callable
from typing import Any

import yaml

from tests.lab.hosts import HostLab

VERSION = "v1.34.10+rke2r1"
TOKEN = "a-token-of-the-tests"
KUBECTL = "/var/lib/rancher/rke2/bin/kubectl"
KUBECONFIG = "/etc/rancher/rke2/rke2.yaml"
IMAGES = "/var/lib/rancher/rke2/agent/images"
#: What all servers must have in common.
NETWORK = {"cluster-cidr": "10.62.0.0/16", "service-cidr": "10.63.0.0/16"}


def eventually(check: Callable[[], Any], what: str, timeout: float = 60, every: float = 0.5) -> Any:
    """Return the first true result of a check. Raises AssertionError with the last result after the timeout (s)."""
    deadline = time.monotonic() + timeout
    while True:
        result = check()
        if result:
            return result
        assert time.monotonic() < deadline, f"{what}: still {result!r} after {timeout:.0f} s"
        time.sleep(every)


class Standin:
    """The stand-in on the hosts of a laboratory."""

    def __init__(self, lab: HostLab) -> None:
        self.lab = lab

    # -- hosts

    def run(self, host: str, command: str, input: str | None = None, check: bool = True) -> str:
        """Return the output of a shell command on a host. Raises AssertionError when it fails and C(check)."""
        result = self.lab.exec(host, "sh", "-c", command, input=input, timeout=180)
        assert not check or result.returncode == 0, f"{host}: {command}\n{result.stdout}{result.stderr}"
        return result.stdout + result.stderr

    def status(self, host: str, command: str) -> int:
        """Return the exit code of a shell command on a host."""
        return self.lab.exec(host, "sh", "-c", command, timeout=180).returncode

    def install(self, host: str, version: str = VERSION, images: bool = True) -> None:
        """Unpack a release over whatever is there, as the tarball method does; nothing is started."""
        url = f"{self.lab.artifacts_url}/{version.replace('+', '%2B')}"
        script = f"set -e; curl -sfS {url}/rke2.linux-amd64.tar.gz | tar xz -C /usr/local; systemctl daemon-reload"
        if images:
            file = "rke2-images.linux-amd64.tar.zst"
            script += f"; mkdir -p {IMAGES}; curl -sfS {url}/{file} -o {IMAGES}/{file}"
        self.run(host, script)

    def configure(self, host: str, **keys: Any) -> None:
        """Write config.yaml; underscores stand for the dashes of keys. The network's ranges are added on servers."""
        content: dict[str, Any] = {"token": TOKEN, **({} if host.startswith("agent") else NETWORK)}
        content.update({key.replace("_", "-"): value for key, value in keys.items()})
        self.lab.write(host, "/etc/rancher/rke2/config.yaml", yaml.safe_dump(content), "0600")

    def faults(self, host: str, **faults: Any) -> None:
        """Make a host do wrong; without faults, right again."""
        self.lab.write(host, "/etc/lab-rke2.yaml", yaml.safe_dump(faults) if faults else "{}\n")

    @staticmethod
    def unit(host: str) -> str:
        """Return the unit of a host."""
        return "rke2-agent" if host.startswith("agent") else "rke2-server"

    def start(self, host: str, wait: bool = True) -> None:
        """Start the unit; C(wait) until it is up."""
        self.run(host, f"systemctl start --no-block {self.unit(host)}")
        if wait:
            self.wait_active(host)

    def restart(self, host: str, wait: bool = True) -> None:
        """Restart the unit."""
        self.run(host, f"systemctl restart --no-block {self.unit(host)}")
        time.sleep(0.5)  # for the job to begin: the unit is active until then
        if wait:
            self.wait_active(host)

    def stop(self, host: str) -> None:
        """Stop the unit, whatever it is doing."""
        self.run(host, f"systemctl stop {self.unit(host)}")

    def wait_active(self, host: str, timeout: float = 120) -> None:
        """Wait until systemd calls the unit active. Raises AssertionError with the end of its journal."""
        deadline = time.monotonic() + timeout
        while self.run(host, f"systemctl is-active {self.unit(host)}", check=False).strip() != "active":
            assert time.monotonic() < deadline, f"{host} does not start:\n{self.log(host)}"
            time.sleep(0.5)

    def log(self, host: str, lines: int = 15) -> str:
        """Return the end of the unit's journal."""
        return self.run(host, f"journalctl --no-pager -o cat -n {lines} -u {self.unit(host)}", check=False)

    def events(self, host: str, *names: str) -> list[dict[str, Any]]:
        """Return what the stand-in noted on a host, in order; C(names): only these events."""
        text = self.run(host, "cat /var/log/lab-rke2.jsonl 2>/dev/null", check=False)
        rows = [json.loads(line) for line in text.splitlines()]
        return [row for row in rows if not names or row["event"] in names]

    # -- cluster

    def kubectl(self, host: str, command: str, input: str | None = None, check: bool = True) -> str:
        """Return the output of kubectl on a server."""
        return self.run(host, f"{KUBECTL} --kubeconfig {KUBECONFIG} --request-timeout=10s {command}", input, check)

    def get(self, host: str, command: str) -> dict[str, Any]:
        """Return what "kubectl get" answers, as data."""
        data: dict[str, Any] = json.loads(self.kubectl(host, f"get {command} -o json"))
        return data

    def ready_nodes(self, host: str) -> set[str]:
        """Return the nodes that are Ready."""
        result = self.lab.exec(host, *shlex.split(f"{KUBECTL} --kubeconfig {KUBECONFIG} get nodes -o json"))
        items = json.loads(result.stdout)["items"] if result.returncode == 0 else []
        return {item["metadata"]["name"] for item in items if condition(item, "Ready") == "True"}

    def wait_ready(self, host: str, *nodes: str) -> None:
        """Wait until exactly these nodes are Ready."""
        eventually(lambda: self.ready_nodes(host) == set(nodes), f"Ready nodes {sorted(nodes)}", 90)

    def node(self, host: str, name: str) -> dict[str, Any]:
        """Return a Node."""
        return self.get(host, f"node {name}")

    def members(self, host: str) -> set[str]:
        """Return the hosts whose etcd members the API's supervisor names."""
        text = self.supervisor(host, "/db/info").stdout
        addresses = {self.lab.address(item.name): item.name for item in self.lab.hosts}
        return {addresses[url.split("//")[1].split(":")[0]] for url in json.loads(text)}

    def supervisor(self, host: str, path: str, user: str = f"server:{TOKEN}") -> subprocess.CompletedProcess[str]:
        """Ask the supervisor of a server; the output is the answer."""
        return self.lab.exec(host, "curl", "-sk", "--fail-with-body", "-u", user, f"https://127.0.0.1:9345{path}")

    def supervisor_status(self, host: str, path: str, user: str) -> int:
        """Return the HTTP status of an answer of the supervisor."""
        text = self.lab.exec(host, "curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}", "-u", user,
                             f"https://127.0.0.1:9345{path}").stdout  # fmt: skip
        return int(text)


def condition(node: dict[str, Any], name: str) -> str:
    """Return the status of a condition of a Node, or an empty text."""
    return next((row["status"] for row in node["status"].get("conditions", ()) if row["type"] == name), "")
