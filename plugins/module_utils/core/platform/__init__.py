# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The layers between Kubernetes and ClearML: which charts, what a Helm release needs, and when a layer is healthy."""

from __future__ import annotations
