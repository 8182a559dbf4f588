#!/usr/bin/env bash
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# Gate: ruff: rules and format; vermin: plugins run on Python 3.9
set -euo pipefail
ruff check --no-cache .
ruff format --no-cache --check .
vermin --quiet --no-tips --target=3.9- --violations --no-parse-comments plugins
