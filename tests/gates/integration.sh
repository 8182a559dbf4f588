#!/usr/bin/env bash
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# Gate: pytest tests/integration without hosts, on the laboratory
set -euo pipefail
if [ -z "$(find tests/integration -name 'test_*.py' 2>/dev/null)" ]; then
    echo "no integration tests yet"
    exit 77
fi
pytest tests/integration --ignore tests/integration/hosts
