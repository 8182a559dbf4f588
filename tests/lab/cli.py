# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The command scripts/lab."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence

from . import description, manager
from .errors import LabError
from .hosts import cli as hosts
from .hosts import spec as hosts_spec
from .manager import Lab, Status
from .process import log_tail
from .progress import Progress


def parser() -> argparse.ArgumentParser:
    """Return the command line's grammar."""
    defaults = description.Options()
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--name", default="default", help="which laboratory (default: %(default)s)")
    top = argparse.ArgumentParser(prog="scripts/lab", description="The laboratory: Kubernetes with played GPU nodes.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    up = commands.add_parser("up", parents=[common], help="start a laboratory, or heal the one that runs")
    up.add_argument("--no-inner-api", dest="inner_api", action="store_false", default=None,
                    help="virtual clusters without an API server of their own (for large numbers)")  # fmt: skip
    up.add_argument("--no-clearml", dest="clearml", action="store_false", default=None,
                    help="without the ClearML stand-in")  # fmt: skip
    up.add_argument("--nodes", type=int, metavar="N", help=f"NVIDIA nodes with 8 GPUs (default: {defaults.nodes})")
    up.add_argument("--k3k-server-start", type=float, metavar="SECONDS",
                    help=f"until a k3k server is ready (default: {defaults.k3k_server_start:g}; real: 60)")  # fmt: skip
    up.add_argument("--k3k-stop", type=float, metavar="SECONDS",
                    help=f"until a deleted pod is gone (default: {defaults.k3k_stop:g}; real: 30)")  # fmt: skip
    up.add_argument("--k3k-backoff-scale", type=float, metavar="X",
                    help=f"factor on k3k's retry delays (default: {defaults.k3k_backoff_scale:g}; real: 1)")  # fmt: skip
    up.add_argument("--extra-admission", action="append", metavar="PLUGIN",
                    help="a further admission plugin, such as PodTolerationRestriction (repeat for more)")  # fmt: skip
    hosts.add_options(up)

    down = commands.add_parser("down", parents=[common], help="end a laboratory and remove its data")
    down.add_argument("--all", action="store_true", help="all laboratories of this clone")
    status = commands.add_parser("status", parents=[common], help="show each part; exit code 1 when one has crashed")
    status.add_argument("--json", action="store_true", help="for programs")
    logs = commands.add_parser("logs", parents=[common], help="show the end of the logs")
    logs.add_argument("part", nargs="?", help="only this part, and more of it")
    logs.add_argument("-f", "--follow", action="store_true", help="go on showing what is written")
    for name, text in (
        ("start", "start a part"),
        ("stop", "end a part in an orderly way"),
        ("kill", "let a part crash (SIGKILL)"),
        ("restart", "stop a part and start it"),
    ):
        commands.add_parser(name, parents=[common], help=text).add_argument("part")
    commands.add_parser(
        "env", parents=[common], help='print shell lines to use a laboratory: eval "$(scripts/lab env)"'
    )
    kubectl = commands.add_parser("kubectl", parents=[common], help="run kubectl against a laboratory")
    kubectl.add_argument(
        "arguments", nargs=argparse.REMAINDER, help="command and options of kubectl, the command first"
    )
    hosts.add_commands(commands, common)
    commands.add_parser("list", help="list the laboratories of this clone")
    return top


def up(arguments: argparse.Namespace) -> int:
    """Start or heal a laboratory and say how to use it."""
    if arguments.hosts:
        return hosts.up(arguments)
    extra = tuple(arguments.extra_admission) if arguments.extra_admission else None
    options = {
        field.name: getattr(arguments, field.name)
        for field in dataclasses.fields(description.Options)
        if field.name != "extra_admission"
    }
    begin = time.monotonic()
    lab = Lab.up(arguments.name, progress=Progress(), extra_admission=extra, **options)
    choice = "" if lab.name == "default" else f" --name {lab.name}"
    print(f"laboratory {lab.name!r} is up after {time.monotonic() - begin:.1f} s: {lab.api_url}")
    print(f'  use it    eval "$(scripts/lab env{choice})"')
    print(f"  see it    scripts/lab status{choice}")
    print(f"  end it    scripts/lab down{choice}")
    return 0


def down(arguments: argparse.Namespace) -> int:
    """End one laboratory or all."""
    names = [*description.names(), *hosts_spec.names()] if arguments.all else [arguments.name]
    for name in names:
        with Progress().step(f"end laboratory {name!r}"):
            (hosts.down if of_hosts(name) else manager.remove)(name)
    return 0


def of_hosts(name: str) -> bool:
    """Tell whether a laboratory is one of hosts."""
    return name in hosts_spec.names()


def status(arguments: argparse.Namespace) -> int:
    """Show the state of each part. Return 1 when a part has crashed or is not healthy."""
    if of_hosts(arguments.name):
        return hosts.status(arguments)
    lab = Lab.find(arguments.name)
    states = lab.status()
    good = all(state.ok for state in states.values())
    if arguments.json:
        parts = {
            name: {**dataclasses.asdict(state.process), "unhealthy": state.unhealthy} for name, state in states.items()
        }
        content = {"name": lab.name, "ok": good, "api_url": lab.api_url, "kubeconfig": str(lab.kubeconfig)}
        print(json.dumps({**content, "parts": parts}, indent=2))
    else:
        print(f"laboratory {lab.name!r} at {lab.api_url}")
        for name, state in states.items():
            print("\n".join(status_lines(name, state)))
    return 0 if good else 1


def status_lines(name: str, state: Status) -> list[str]:
    """Return the lines about one part: the state, and the last log lines of one that has crashed."""
    process = state.process
    if process.state == "running":
        text = f"pid {process.pid}, {state.unhealthy or state.healthy}"
        word = "running" if not state.unhealthy else "UNHEALTHY"
    else:
        text = process.cause
        word = process.state.upper() if process.state == "crashed" else process.state
    return [f"  {name:24} {word:10} {text}".rstrip(), *(f"      {line}" for line in process.log_tail)]


def logs(arguments: argparse.Namespace) -> int:
    """Show the end of one log or of all."""
    state = description.state_dir(arguments.name)
    wanted = f"{arguments.part}.log" if arguments.part else "*.log"
    files = sorted((state / "logs").glob(wanted))
    if not files:
        there = ", ".join(path.stem for path in sorted((state / "logs").glob("*.log"))) or "none"
        raise LabError(f"no log of {arguments.part or 'any part'} in {state}/logs; there are: {there}")
    if arguments.follow:
        return subprocess.call(["tail", "-n", "20", "-F", *map(str, files)])
    for path in files:
        if len(files) > 1:
            print(f"==> {path.stem} <==")
        print("\n".join(log_tail(path, 10 if len(files) > 1 else 100)))
    return 0


def control(arguments: argparse.Namespace) -> int:
    """Start, stop, kill or restart one part."""
    if of_hosts(arguments.name):
        return hosts.control(arguments)
    lab = Lab.find(arguments.name)
    if arguments.command in ("stop", "restart"):
        lab.stop(arguments.part)
    if arguments.command == "kill":
        lab.kill(arguments.part)
    if arguments.command in ("start", "restart"):
        lab.start(arguments.part)
    print("\n".join(status_lines(arguments.part, lab.status()[arguments.part])))
    return 0


def env(arguments: argparse.Namespace) -> int:
    """Print shell lines that make kubectl and the playbooks use the laboratory."""
    if of_hosts(arguments.name):
        return hosts.env(arguments)
    lab = Lab.find(arguments.name)
    values = {"KUBECONFIG": str(lab.kubeconfig), "K8S_AUTH_KUBECONFIG": str(lab.kubeconfig)}
    if lab.clearml:
        values["AI_TENANCY_CLEARML_URL"] = lab.clearml["url"]
        values["AI_TENANCY_CLEARML_CA_FILE"] = lab.clearml["ca_file"]
        values["AI_TENANCY_CLEARML_CREDENTIALS_FILE"] = lab.clearml["credentials_file"]
    for key, value in values.items():
        print(f"export {key}={shlex.quote(value)}")
    return 0


def kubectl(arguments: argparse.Namespace) -> int:
    """Become kubectl, as administrator of the laboratory unless the arguments name another kubeconfig."""
    lab = Lab.find(arguments.name)
    os.environ["KUBECONFIG"] = str(lab.kubeconfig)
    given = arguments.arguments[1:] if arguments.arguments[:1] == ["--"] else arguments.arguments
    os.execv(lab.kube, [str(lab.kube), "kubectl", *given])  # noqa: S606 - no shell is wanted here


def listing(arguments: argparse.Namespace) -> int:
    """List the laboratories."""
    for name in description.names():
        lab = Lab.find(name)
        bad = [part for part, state in lab.status().items() if not state.ok]
        print(f"{name:20} {lab.api_url:28} {'crashed: ' + ', '.join(bad) if bad else 'ok'}")
    hosts.listing()
    return 0


ACTIONS = {
    "up": up, "down": down, "status": status, "logs": logs, "env": env, "kubectl": kubectl, "list": listing,
    "start": control, "stop": control, "kill": control, "restart": control,
    **hosts.ACTIONS,
}  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 0 good, 1 something failed, 2 wrong use (by argparse)."""
    arguments = parser().parse_args(argv)
    try:
        return ACTIONS[arguments.command](arguments)
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # scripts/lab logs | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:  # no space, no permission, the API server gone in the middle
        print(f"error: {error}; see scripts/lab status, scripts/lab logs", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; what was started goes on: scripts/lab status, scripts/lab down", file=sys.stderr)
        return 130
