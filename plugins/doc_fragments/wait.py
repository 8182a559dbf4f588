# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Options of every module that waits, with the names that kubernetes.core uses."""

from __future__ import annotations


class ModuleDocFragment:
    """The counterpart of C(WAIT_OPTIONS) in C(module_utils/module.py)."""

    DOCUMENTATION = r"""
options:
  wait:
    description: Wait until what was changed is in effect.
    type: bool
    default: true
  wait_sleep:
    description: Longest pause between two looks, in seconds. The first looks come faster.
    type: int
    default: 5
  wait_timeout:
    description: How long to wait for all items together, in seconds.
    type: int
    default: 600
"""
