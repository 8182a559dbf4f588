# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Benchmarks: how long the collection takes beside kubectl and kubernetes.core, as ratios. See README.md."""
