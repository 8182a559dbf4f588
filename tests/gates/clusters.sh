#!/usr/bin/env bash
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# Gate: clusters on hosts: restore, tokens, certificates, removal; and the laboratory's own RKE2 (root, podman)
set -euo pipefail
reason=$(python -c 'from tests.lab.hosts import prerequisites; print(prerequisites.reason())')
if [ -n "$reason" ]; then
    echo "$reason"
    exit 77
fi
pytest tests/integration/hosts/test_rke2_day_two.py tests/integration/hosts/test_rke2_standin.py
