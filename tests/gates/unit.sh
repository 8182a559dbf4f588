#!/usr/bin/env bash
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# Gate: pytest tests/unit, without laboratory
set -euo pipefail
pytest -n 2 tests/unit
