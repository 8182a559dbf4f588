#!/usr/bin/env bash
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# Gate: molecule: every scenario; that of hosts only where hosts can run
set -euo pipefail
if [ -z "$(find molecule -mindepth 2 -maxdepth 2 -name molecule.yml ! -path '*/default/*')" ]; then
    echo "no scenario yet"
    exit 77
fi
options=()
reason=$(python -m tests.lab.hosts)
if [ -n "$reason" ]; then options+=(--exclude hosts); fi
molecule test --all "${options[@]}"
if [ -n "$reason" ]; then echo "left out: scenario hosts: $reason"; fi
