# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What the command scripts/lab does with a host laboratory."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import re
import shlex
import time

from ..errors import LabError
from ..progress import Progress
from . import spec
from .lab import HostLab, remove


def add_options(up: argparse.ArgumentParser) -> None:
    """Add the options of host laboratories to the grammar of C(up)."""
    up.add_argument("--hosts", metavar="N|S+A", help="a host laboratory: N servers, or S servers and A agents (root)")
    up.add_argument("--sles", choices=spec.SLES_RELEASES, default="15.7", help="release of the hosts (%(default)s)")


def counts(text: str) -> tuple[int, int]:
    """Return servers and agents of a text such as "3+2" or "1". Raises LabError."""
    match = re.fullmatch(r"(\d{1,3})(?:\+(\d{1,3}))?", text)
    if match is None:
        raise LabError(f"--hosts: {text!r} is not allowed; allowed: a number, or servers+agents such as 3+2")
    return int(match[1]), int(match[2] or 0)


def up(arguments: argparse.Namespace) -> int:
    """Start or heal a host laboratory and say how to use it."""
    begin = time.monotonic()
    lab = HostLab.up(arguments.name, spec.standard(*counts(arguments.hosts), arguments.sles), Progress())
    choice = "" if lab.name == "default" else f" --name {lab.name}"
    print(f"host laboratory {lab.name!r} is up after {time.monotonic() - begin:.1f} s: {', '.join(addresses(lab))}")
    print(f"  use it    ansible all -i {os.path.relpath(lab.inventory)} -m ping")
    print(f"  enter     scripts/lab ssh{choice} {lab.hosts[0].name}")
    print(f"  end it    scripts/lab down{choice}")
    return 0


def addresses(lab: HostLab) -> list[str]:
    """Return name and address of each host."""
    return [f"{host.name} {lab.address(host.name)}" for host in lab.hosts]


def down(name: str) -> None:
    """End a host laboratory and put the machine back as it was."""
    remove(name)


def status(arguments: argparse.Namespace) -> int:
    """Show the state of each service and host. Return 1 when one has crashed."""
    lab = HostLab.find(arguments.name)
    states = lab.status()
    good = all(state.state != "crashed" for state in states.values())
    if arguments.json:
        parts = {name: dataclasses.asdict(state) for name, state in states.items()}
        print(json.dumps({"name": lab.name, "ok": good, "inventory": str(lab.inventory), "parts": parts}, indent=2))
        return 0 if good else 1
    print(f"host laboratory {lab.name!r}, inventory {os.path.relpath(lab.inventory)}")
    for name, state in states.items():
        place = lab.address(name) if any(host.name == name for host in lab.hosts) else lab.gateway
        word = state.state.upper() if state.state == "crashed" else state.state
        print(f"  {name:24} {word:10} {place:16} {state.cause}".rstrip())
    return 0 if good else 1


def control(arguments: argparse.Namespace) -> int:
    """Do to one host what the command says; start, stop, kill and restart go for a service too."""
    lab = HostLab.find(arguments.name)
    name = arguments.part
    services = set(lab.status()) - {host.name for host in lab.hosts}
    if name not in services or arguments.command in ("wipe", "isolate", "heal"):
        getattr(lab, arguments.command)(name)
    elif arguments.command == "kill":
        lab.kill_service(name)
    else:
        if arguments.command in ("stop", "restart"):
            lab.stop_service(name)
        if arguments.command in ("start", "restart"):
            lab.start_service(name)
    return 0


def add_commands(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    """Add the commands that only host laboratories have."""
    log_in = commands.add_parser("ssh", parents=[common], help="log in to a host")
    log_in.add_argument("host")
    log_in.add_argument("arguments", nargs=argparse.REMAINDER, help="a command, instead of a shell")
    for name, text in (
        ("wipe", "replace a host by a fresh one"),
        ("isolate", "pull a host's network cable"),
        ("heal", "plug a host's network cable in again"),
    ):
        commands.add_parser(name, parents=[common], help=text).add_argument("part", metavar="host")
    for name, text in (("snapshot", "keep the state of hosts"), ("restore", "put hosts back to a snapshot")):
        command = commands.add_parser(name, parents=[common], help=text)
        command.add_argument("label")
        command.add_argument("hosts", nargs="*", metavar="host", help="(default: all)")


def keep(arguments: argparse.Namespace) -> int:
    """Take a snapshot, or put hosts back to one."""
    lab = HostLab.find(arguments.name)
    with Progress().step(f"{arguments.command} {arguments.label}"):
        getattr(lab, arguments.command)(arguments.label, arguments.hosts)
    return 0


def env(arguments: argparse.Namespace) -> int:
    """Print shell lines that make Ansible use the laboratory."""
    print(f"export ANSIBLE_INVENTORY={shlex.quote(str(HostLab.find(arguments.name).inventory))}")
    return 0


def ssh(arguments: argparse.Namespace) -> int:
    """Become ssh to a host of the laboratory."""
    lab = HostLab.find(arguments.name)
    argv = lab.ssh_command(arguments.host)
    os.execvp(argv[0], [*argv, *arguments.arguments])  # noqa: S606 - no shell is wanted here


def listing() -> None:
    """List the host laboratories."""
    for name in spec.names():
        lab = HostLab.find(name)
        bad = [part for part, state in lab.status().items() if state.state == "crashed"]
        place = f"{len(lab.hosts)} hosts, {lab.gateway}/24"
        print(f"{name:20} {place:28} {'crashed: ' + ', '.join(bad) if bad else 'ok'}")


#: The commands of add_commands.
ACTIONS = {"ssh": ssh, "wipe": control, "isolate": control, "heal": control, "snapshot": keep, "restore": keep}
