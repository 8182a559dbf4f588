# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The command scripts/benchmark."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.benchmarks import table
from tests.benchmarks.contest import Contest
from tests.lab import Lab
from tests.lab.description import PROJECT
from tests.lab.progress import Progress

REPORTS = PROJECT / "reports"


def parser() -> argparse.ArgumentParser:
    """Return the command line's grammar."""
    top = argparse.ArgumentParser(prog="scripts/benchmark", description="Measure the host-side phase beside kubectl.")
    top.add_argument("--tenants", type=int, default=100, metavar="N", help="default: %(default)s")
    top.add_argument("--first", type=int, default=3, metavar="ROUNDS", help="first runs of each (default: %(default)s)")
    top.add_argument("--again", type=int, default=5, metavar="ROUNDS", help="unchanged runs (default: %(default)s)")
    top.add_argument("--name", default="bench", help="the laboratory (default: %(default)s)")
    top.add_argument("--keep", action="store_true", help="leave the laboratory up, for the next benchmark")
    return top


def main() -> int:
    """Bring the laboratory up, measure, write the table; 1 when a goal is missed."""
    options = parser().parse_args()
    progress = Progress()
    lab = Lab.up(options.name, progress, nodes=options.tenants, inner_api=False, clearml=False)
    try:
        with tempfile.TemporaryDirectory(prefix="ai-tenancy-benchmark-") as directory:
            contest = Contest(lab, options.tenants, Path(directory), progress)
            contest.learn()
            contest.first(options.first)
            contest.again(options.again)
            contest.launches()
    finally:
        if not options.keep:
            lab.down()
    data, text = table.as_data(contest.measured), "\n".join(table.lines(contest.measured)) + "\n"
    REPORTS.mkdir(exist_ok=True)
    (REPORTS / "benchmark.json").write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    (REPORTS / "benchmark.txt").write_text(text, encoding="utf-8")
    print(f"\n{text}\nwritten to {REPORTS}/benchmark.txt and benchmark.json")
    return 0 if all(goal["reached"] for goal in data["goals"]) else 1


if __name__ == "__main__":
    sys.exit(main())
