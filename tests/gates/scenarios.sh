#!/usr/bin/env bash
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# Gate: molecule: each layer of the platform by a scenario of its own
set -euo pipefail
failed=()
for file in molecule/*/molecule.yml; do
    scenario=$(basename "$(dirname "$file")")
    case $scenario in default | hosts | platform | tenants) continue ;; esac
    molecule test --scenario-name "$scenario" || failed+=("$scenario")
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "failed: ${failed[*]}"
    exit 1
fi
