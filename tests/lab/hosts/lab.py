# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Bring a host laboratory up, use it, heal it, take it down: the Python interface for tests and for the command."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import address, description, manager, process
from ..errors import LabError
from ..progress import Progress
from . import disks, files, guards, network, parts, podman, prerequisites, snapshots, spec
from .spec import REGCODE, Description, HostSpec

#: Seconds until a host must have booted. A busy machine with 2 cores needs a tenth of it.
BOOT_TIMEOUT = 90.0

#: Seconds that a host gets for an orderly end.
STOP_TIMEOUT = 20


@dataclass(frozen=True)
class Registration:
    """How hosts register. url: of the server. ca_file: its authority, on this machine. regcode: the code it accepts."""

    url: str
    ca_file: Path
    regcode: str


class HostLab:
    """A host laboratory that is up.

    name, state (directory), inventory (directory), hosts, gateway (address of the machine in the hosts' network).
    site: file of variables for a whole installation.
    repository_url: signed RPM-MD repository with all packages.
    artifacts: directory that is served at artifacts_url. balancer: address of the load balancer.
    rmt, scc, mlm: Registration; that of mlm has the URL of the bootstrap script and an activation key as the code.
    Hosts are named as in their HostSpec.
    """

    def __init__(self, lab: Description) -> None:
        self._lab = lab
        self.name, self.state, self.hosts = lab.name, lab.state, lab.hosts
        self.gateway = self.balancer = lab.gateway
        self.inventory, self.site = lab.inventory, lab.site
        self.repository_url = "http://repo.lab.test/repo/all"
        self.artifacts = lab.www / "artifacts"
        self.artifacts_url = spec.ARTIFACTS_URL
        self.rmt = Registration("https://rmt.lab.test", lab.pki / "rmt-ca.crt", REGCODE)
        self.mlm = Registration(
            "https://mlm.lab.test/pub/bootstrap/bootstrap.sh", self.rmt.ca_file, spec.ACTIVATION_KEY
        )
        self.scc = Registration("https://scc.suse.com", lab.pki / "public-ca.crt", REGCODE)

    @classmethod
    def find(cls, name: str = "default") -> HostLab:
        """Return a laboratory that was brought up before. Raises LabError when there is none of that name."""
        lab = spec.load(name)
        if lab is None:
            known = ", ".join(spec.names()) or "none"
            raise LabError(f"there is no host laboratory {name!r} (there are: {known})")
        return cls(lab)

    @classmethod
    def up(cls, name: str = "default", hosts: Sequence[HostSpec] = (), progress: Progress | None = None,
           rke2: bool = True) -> HostLab:  # fmt: skip
        """Bring a laboratory up, or heal the one that is.

        hosts: none means those that a known laboratory has. rke2: with the stand-in's releases and Kubernetes binary.
        Raises LabError: the machine cannot run hosts, other hosts than those of the known laboratory, a host that
        does not boot, a guard that is not in force.
        """
        progress = progress or Progress(quiet=True)
        prerequisites.ensure(progress)
        with manager.locked(name):
            lab = files.prepare(name, tuple(hosts), rke2, progress)
            instance = cls(lab)
            with progress.step("make the network and the guards"):
                guards.Sysctls().keep(lab.state, len(lab.hosts))
                guards.make_cgroups(lab)
                network.ensure(lab)
                parts.write_configurations(lab)
            with progress.step("start " + ", ".join(parts.all_parts(lab))):
                instance.start_services()
            with progress.step(f"boot {len(lab.hosts)} hosts"):
                instance._each(host.name for host in lab.hosts)
        return instance

    # -- hosts

    def _each(self, names: Iterable[str], action: Callable[[str], None] | None = None) -> None:
        """Do something with hosts at the same time; without an action, boot those that do not run."""
        with ThreadPoolExecutor(max_workers=4) as pool:
            for outcome in [pool.submit(action or self._boot, name) for name in names]:
                outcome.result()

    def _boot(self, name: str, image_name: str | None = None) -> None:
        """Make a host's container unless it is there, start it, see that the guards hold, wait until it has booted."""
        container = self._lab.container(name)
        if not podman.exists("container", container):
            create(self._lab, name, image_name or self._lab.images[self._lab.host(name).sles])
        if not self.running(name):
            podman.run("start", container)
        guards.check_clock(container)
        self.wait_booted(name)
        self._authorise(name)

    def _authorise(self, name: str) -> None:
        """Let the laboratory's key log in as root, and give the host the authorities that every machine trusts."""
        public = (self._lab.ssh / "id_ed25519.pub").read_text(encoding="utf-8")
        authority = (self._lab.pki / "public-ca.crt").read_text(encoding="utf-8")
        script = (
            "read -r key; keys=/root/.ssh/authorized_keys; ca=/usr/share/ca-certificates/lab-public.crt; umask 022; "
            '[ -s $keys ] || { echo "$key" >$keys; chmod 600 $keys; }; '
            "[ -s $ca ] || { cat >$ca; echo lab-public.crt >>/etc/ca-certificates.conf; "
            "update-ca-certificates >/dev/null 2>&1; }"
        )
        podman.run("exec", "--interactive", self._lab.container(name), "sh", "-c", script, stdin=public + authority)

    def wait_booted(self, name: str, timeout: float = BOOT_TIMEOUT) -> None:
        """Wait until systemd has started everything. Raises LabError with the failed units or the last state."""
        deadline = time.monotonic() + timeout
        state = ""
        while time.monotonic() < deadline and state not in ("running", "degraded"):
            # It waits by itself, once systemd answers at all; the outer limit is for a host that never gets there.
            result = self.exec(name, "timeout", f"{timeout:.0f}", "systemctl", "is-system-running", "--wait")
            state = result.stdout.strip() or result.stderr.strip()
            time.sleep(0 if state in ("running", "degraded") else 0.3)
        if state != "running":
            failed = self.exec(name, "systemctl", "--failed", "--plain", "--no-legend").stdout.strip()
            raise LabError(f"host {name} is {state or 'silent'!r} after {timeout:.0f} s\n{failed}")

    def running(self, name: str) -> bool:
        """Tell whether a host runs."""
        form = podman.run("inspect", "--format", "{{.State.Running}}", self._lab.container(name)).stdout.strip()
        return form == "true"

    def address(self, host: str) -> str:
        """Return a host's address."""
        return self._lab.address(host)

    def exec(self, host: str, *argv: str, input: str | None = None,
             timeout: float | None = None) -> subprocess.CompletedProcess[str]:  # fmt: skip
        """Run a command in a host as root, without SSH, and return its result whatever the exit code.

        input: text for its standard input. timeout: seconds.
        """
        options = ["--interactive"] if input is not None else []
        return podman.run("exec", *options, self._lab.container(host), *argv, check=False, stdin=input, timeout=timeout)

    def ssh_command(self, host: str) -> list[str]:
        """Return the command line that logs in to a host as root; a command may follow."""
        values = parts.connection(self._lab)
        options = shlex.split(values["ansible_ssh_common_args"])
        return ["ssh", *options, "-i", values["ansible_ssh_private_key_file"], f"root@{self.address(host)}"]

    def read(self, host: str, path: str) -> str:
        """Return the text of a file in a host. Raises LabError when it cannot be read."""
        result = self.exec(host, "cat", path)
        if result.returncode:
            raise LabError(f"{host}: {result.stderr.strip()}")
        return result.stdout

    def write(self, host: str, path: str, text: str, mode: str = "0644") -> None:
        """Write a file in a host. Raises LabError when it cannot be written."""
        script = 'mkdir -p "$(dirname "$1")" && cat >"$1" && chmod "$2" "$1"'
        result = self.exec(host, "sh", "-c", script, "sh", path, mode, input=text)
        if result.returncode:
            raise LabError(f"{host}: {result.stderr.strip()}")

    def start(self, host: str) -> None:
        """Switch a host on, and wait until it has booted."""
        self._boot(host)

    def stop(self, host: str) -> None:
        """Shut a host down in an orderly way; it stays off."""
        podman.run("stop", "--time", str(STOP_TIMEOUT), self._lab.container(host))

    def restart(self, host: str) -> None:
        """Reboot a host in an orderly way, and wait until it has booted."""
        self.stop(host)
        self.start(host)

    def kill(self, host: str) -> None:
        """Cut a host's power; it stays off."""
        podman.run("stop", "--time", "0", self._lab.container(host))

    def isolate(self, host: str) -> None:
        """Pull a host's network cable."""
        network.plug(self._lab, host, connected=False)

    def heal(self, host: str) -> None:
        """Plug a host's network cable in again."""
        network.plug(self._lab, host, connected=True)

    def wipe(self, host: str) -> None:
        """Replace a host by a fresh one of the same name and address, as if its disks had been replaced."""
        self._discard(host)
        disks.recreate(self._lab, host)
        self._boot(host)

    def _discard(self, host: str) -> None:
        """Remove a host's container, its volumes, and what is known of its SSH key."""
        container = self._lab.container(host)
        podman.remove("container", [container] if podman.exists("container", container) else [])
        podman.remove("volume", [name for name in self._lab.volumes(host) if podman.exists("volume", name)])
        known = self._lab.ssh / "known_hosts"
        if known.exists():
            network.command("ssh-keygen", "-R", self.address(host), "-f", str(known), check=False)

    # -- snapshots

    def snapshot(self, label: str, hosts: Sequence[str] = ()) -> None:
        """Keep the state of hosts (default: all) under a label; they are shut down for it and boot again."""
        names = self._names(hosts)
        self._each(names, self.stop)
        self._each(names, lambda name: snapshots.save(self._lab, label, name))
        systems = self.state / "registration.json"
        if systems.exists():
            shutil.copy(systems, snapshots.directory(self._lab, label) / systems.name)
        self._each(names)

    def restore(self, label: str, hosts: Sequence[str] = ()) -> None:
        """Put hosts (default: all) back to a snapshot, and boot them. Raises LabError when there is none."""
        names = self._names(hosts)

        def put_back(name: str) -> None:
            self._discard(name)
            self._boot(name, snapshots.load(self._lab, label, name))

        if label not in self.snapshots():
            raise LabError(f"there is no snapshot {label!r} (there are: {', '.join(self.snapshots()) or 'none'})")
        systems = snapshots.directory(self._lab, label) / "registration.json"
        if systems.exists():
            shutil.copy(systems, self.state / systems.name)
        self._each(names, put_back)

    def snapshots(self) -> list[str]:
        """Return the labels of the snapshots that there are."""
        return snapshots.labels(self._lab)

    def _names(self, hosts: Sequence[str]) -> list[str]:
        """Return the given host names, checked, or all."""
        return [self._lab.host(name).name for name in hosts] or [host.name for host in self.hosts]

    # -- services

    def start_services(self) -> None:
        """Start those of the laboratory's services that do not run."""
        for part in parts.all_parts(self._lab).values():
            if process.look(self._lab, part.name).state != "running":
                process.end_all(lambda name=part.name: process.of_part(self._lab, name))
                process.start(self._lab, part)

    def start_service(self, name: str) -> None:
        """Start one of dns, web, ntp, balancer."""
        process.start(self._lab, parts.all_parts(self._lab)[name])

    def stop_service(self, name: str) -> None:
        """Stop one of dns, web, ntp, balancer."""
        process.stop(self._lab, name)

    def kill_service(self, name: str) -> None:
        """Let one of dns, web, ntp, balancer crash."""
        process.kill(self._lab, name)

    def status(self) -> dict[str, process.PartState]:
        """Return the state of each service, then of each host: running, stopped or crashed."""
        states = {name: process.look(self._lab, name) for name in parts.all_parts(self._lab)}
        for host in self.hosts:
            there = podman.exists("container", self._lab.container(host.name))
            state = "running" if there and self.running(host.name) else "stopped" if there else "crashed"
            cause = "" if there else "its container is gone"
            states[host.name] = process.PartState(host.name, state, cause=cause)
        return states

    def requests(self) -> list[dict[str, Any]]:
        """Return what was asked of the web server: time, name, method, path, status, client."""
        path = self._lab.log("requests").with_suffix(".jsonl")
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]

    def registrations(self) -> dict[str, Any]:
        """Return the systems that the registration servers know, by login: hostname, server, products, labels."""
        path = self.state / "registration.json"
        return json.loads(path.read_text(encoding="utf-8"))["systems"] if path.exists() else {}

    def change_registrations(self, forget: bool = False, fault: str = "") -> None:
        """Let the registration servers lose all systems (C(forget)), and fail ("garbage", "unavailable") or not ("")."""
        systems = {} if forget else self.registrations()
        text = json.dumps({"systems": systems, "fault": fault})
        (self.state / "registration.json").write_text(text, encoding="utf-8")

    def down(self) -> None:
        """End everything, remove the laboratory's data but the logs, and put the machine back as it was."""
        remove(self.name)


def create(lab: Description, name: str, image_name: str) -> None:
    """Make a host's container and its volumes; it does not run yet."""
    label = f"{podman.LABEL}={lab.state}"
    mounts: dict[str, str] = {
        "/sys/fs/cgroup": "/sys/fs/cgroup:ro",
        str(lab.host_files(name)): "/opt/lab/host:ro",
        **lab.volumes(name),
    }
    if lab.kube:
        mounts[str(lab.kube)] = "/opt/lab/bin/kube:ro"
    for volume in lab.volumes(name):
        if not podman.exists("volume", volume):
            podman.run("volume", "create", "--label", label, volume)
    podman.run(
        "create", "--name", lab.container(name), "--hostname", name, "--label", label,
        "--network", lab.network, "--ip", lab.address(name),
        "--mac-address", lab.hardware_address(name), "--no-hosts", "--dns", lab.gateway, "--dns-search", spec.DOMAIN,
        "--privileged", "--security-opt", f"seccomp={guards.seccomp_file()}", "--systemd=always",
        "--tmpfs", "/tmp", "--restart=always", "--stop-timeout", str(STOP_TIMEOUT),
        *(item for source, target in mounts.items() for item in ("--volume", f"{source}:{target}")),
        image_name,
    )  # fmt: skip


def remove(name: str) -> None:
    """End a laboratory and put the machine back as it was. Nothing happens when there is none.

    Raises LabError with everything that could not be put back; what could, is.
    """
    try:
        lab = spec.load(name)
    except LabError:  # its file is damaged
        directory = description.state_dir(name).resolve()
        lab = Description(name, address.allocate(directory, free=network.free), directory, (), Path(), {})
    if lab is None:
        return
    with manager.locked(name), guards.all_tried() as attempt:
        attempt(lambda: podman.remove("container", podman.labelled("container", lab.state)))
        attempt(lambda: process.end_all(lambda: process.of_lab(lab.state)))
        attempt(lambda: podman.remove("volume", podman.labelled("volume", lab.state)))
        attempt(lambda: podman.remove("image", podman.labelled("image", lab.state)))
        attempt(lambda: network.remove(lab))
        attempt(lambda: guards.remove_cgroups(lab))
        attempt(lambda: disks.remove(lab.state))
        attempt(lambda: guards.Sysctls().restore(lab.state))
        attempt(lambda: address.release(lab.state))
        attempt(lambda: files.remove(lab.state))
