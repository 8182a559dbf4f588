#!/usr/bin/env bash
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# Gate: shellcheck on all shell scripts
set -euo pipefail
mapfile -t scripts < <(git ls-files --cached --others --exclude-standard | xargs grep -lE '^#!.*\b(ba)?sh\b')
[ ${#scripts[@]} -gt 0 ]
shellcheck --shell=bash --external-sources "${scripts[@]}"
echo "${#scripts[@]} scripts"
