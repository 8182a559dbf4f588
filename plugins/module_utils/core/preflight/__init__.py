# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Preflight: what must be true of hosts before Kubernetes is put on them, as one small pure function per check."""

from __future__ import annotations
