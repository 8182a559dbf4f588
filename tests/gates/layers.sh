#!/usr/bin/env bash
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# Gate: each layer of the platform by itself: settings, refusals, faults, upgrades
set -euo pipefail
layers=tests/integration/layers
exec pytest "$layers" --ignore "$layers"/test_all_layers.py --ignore "$layers"/test_platform.py
