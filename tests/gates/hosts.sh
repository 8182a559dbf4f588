#!/usr/bin/env bash
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# Gate: pytest tests/integration/hosts, on hosts that boot (root, podman)
set -euo pipefail
reason=$(python -c 'from tests.lab.hosts import prerequisites; print(prerequisites.reason())')
if [ -n "$reason" ]; then
    echo "$reason"
    exit 77
fi
later=(--ignore-glob "*/test_rke2_day_two.py" --ignore-glob "*/test_rke2_standin.py") # gate clusters
pytest tests/integration/hosts "${later[@]}"
