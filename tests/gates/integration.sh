#!/usr/bin/env bash
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# Gate: pytest tests/integration without hosts, on the laboratory; of the platform's layers all together
set -euo pipefail
ignored=(--ignore tests/integration/hosts)
# What each layer does by itself is the gate "layers".
for file in tests/integration/layers/test_*.py; do
    case $file in
        *_all_layers.py | *_platform.py) ;;
        *) ignored+=(--ignore "$file") ;;
    esac
done
pytest tests/integration "${ignored[@]}"
