# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The command scripts/benchmark."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks import hosts, layers, table, tenants
from tests.benchmarks.hosts import HostContest
from tests.benchmarks.layers import LayerContest
from tests.benchmarks.tenants import TenantContest
from tests.benchmarks.timing import Measured
from tests.lab import Lab
from tests.lab.description import PROJECT
from tests.lab.progress import Progress

REPORTS = PROJECT / "reports"


def parser() -> argparse.ArgumentParser:
    """Return the command line's grammar."""
    top = argparse.ArgumentParser(prog="scripts/benchmark", description="Measure the collection beside other ways.")
    top.add_argument("--tenants", type=int, default=100, metavar="N", help="default: %(default)s")
    top.add_argument(
        "--hosts", type=int, metavar="N", help="measure the playbooks for hosts: 3 servers and N agents (root)"
    )
    top.add_argument("--layers", action="store_true", help="measure the playbook for all layers of the platform")
    top.add_argument("--first", type=int, default=3, metavar="ROUNDS", help="first runs of each (default: %(default)s)")
    top.add_argument("--again", type=int, default=5, metavar="ROUNDS", help="unchanged runs (default: %(default)s)")
    top.add_argument("--name", default="bench", help="the laboratory (default: %(default)s)")
    top.add_argument("--keep", action="store_true", help="leave the laboratory up, for the next benchmark")
    return top


def main() -> int:
    """Bring the laboratory up, measure, write the table; 1 when a goal is missed."""
    options = parser().parse_args()
    with tempfile.TemporaryDirectory(prefix="ai-tenancy-benchmark-") as directory:
        if options.layers:
            return measure_layers(options, Path(directory))
        if options.hosts is None:
            return measure_tenants(options, Path(directory))
        return measure_hosts(options, Path(directory))


def measure_tenants(options: argparse.Namespace, directory: Path) -> int:
    """Measure the host-side phase of many tenants."""
    progress = Progress()
    lab = Lab.up(options.name, progress, nodes=options.tenants, inner_api=False, clearml=False)
    try:
        contest = TenantContest(lab, options.tenants, directory, progress)
        contest.learn()
        contest.first(options.first)
        contest.again(options.again)
        contest.launches()
    finally:
        if not options.keep:
            lab.down()
    return report("benchmark", contest.measured, list(tenants.goals(contest.measured)), tenants.lines(contest.measured))


def measure_hosts(options: argparse.Namespace, directory: Path) -> int:
    """Measure unchanged runs of the playbooks for hosts."""
    progress = Progress()
    lab = HostContest.laboratory(options.name, 3, options.hosts, progress)
    try:
        contest = HostContest(lab, directory, progress)
        contest.converge()
        contest.again(options.again)
    finally:
        if not options.keep:
            lab.down()
    return report("benchmark-hosts", contest.measured, hosts.goals(contest.measured), hosts.lines(contest.measured))


def measure_layers(options: argparse.Namespace, directory: Path) -> int:
    """Measure unchanged runs over all layers."""
    progress = Progress()
    lab = Lab.up(f"{options.name}-layers", progress)
    try:
        contest = LayerContest(lab, directory, progress)
        with contest.played():
            contest.converge()
            contest.again(options.again)
    finally:
        if not options.keep:
            lab.down()
    return report("benchmark-layers", contest.measured, layers.goals(contest.measured), layers.lines(contest.measured))


def report(name: str, measured: Measured, goals: Sequence[table.Goal], lines: Sequence[str]) -> int:
    """Write data and table, show the table; 1 when a goal is missed."""
    text = "\n".join(lines) + "\n"
    REPORTS.mkdir(exist_ok=True)
    (REPORTS / f"{name}.json").write_text(json.dumps(table.as_data(measured, goals), indent=2) + "\n", encoding="utf-8")
    (REPORTS / f"{name}.txt").write_text(text, encoding="utf-8")
    print(f"\n{text}\nwritten to {REPORTS}/{name}.txt and {name}.json")
    return 0 if all(goal.reached for goal in goals) else 1


if __name__ == "__main__":
    sys.exit(main())
