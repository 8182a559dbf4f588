#!/usr/bin/env bash
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# Gate: pytest tests/integration/hosts, on hosts that boot (root, podman)
#
# usage: hosts.sh [FILE...]      these test files instead of all but those of the gate clusters
set -euo pipefail
reason=$(python -m tests.lab.hosts)
if [ -n "$reason" ]; then
    echo "$reason"
    exit 77
fi
if [ $# -eq 0 ]; then
    set -- tests/integration/hosts
    for file in day_two standin scale; do set -- "$@" --ignore-glob "*/test_rke2_$file.py"; done
fi
pytest "$@"
