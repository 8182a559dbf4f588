#!/usr/bin/env bash
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# Gate: mypy --strict on the pure core
set -euo pipefail
cd "$STAGE"
MYPYPATH=. mypy --config-file "$ROOT/pyproject.toml" --cache-dir "$ROOT/.mypy_cache" \
    "ansible_collections/$NAMESPACE/$NAME/plugins/module_utils/core"
