#!/usr/bin/env bash
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# Gate: molecule: every scenario
set -euo pipefail
if [ -z "$(find molecule -mindepth 2 -maxdepth 2 -name molecule.yml ! -path '*/default/*')" ]; then
    echo "no scenario yet"
    exit 77
fi
molecule test --all
