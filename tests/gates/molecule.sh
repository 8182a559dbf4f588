#!/usr/bin/env bash
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# Gate: molecule: tenants, all layers of the platform together, and hosts where hosts can run
set -euo pipefail
shared=(--scenario-name tenants)
reason=$(python -m tests.lab.hosts)
if [ -z "$reason" ]; then shared+=(--scenario-name hosts); fi
# Apart: where one scenario shares the laboratory of `default`, Molecule creates no other.
molecule test "${shared[@]}"
molecule test --scenario-name platform
if [ -n "$reason" ]; then echo "left out: scenario hosts: $reason"; fi
