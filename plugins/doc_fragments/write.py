# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Options of every module that writes objects to Kubernetes."""

from __future__ import annotations


class ModuleDocFragment:
    """The counterpart of C(WRITE_OPTIONS) in C(module_utils/module.py)."""

    DOCUMENTATION = r"""
options:
  force_conflicts:
    description:
      - Take over fields that another field manager owns. Without it the module fails and names that manager.
    type: bool
    default: false
  concurrency:
    description: How many items are worked on, and so how many requests are under way, at the same time.
    type: int
    default: 16
notes:
  - Objects are written by server-side apply with the field manager C(ai-tenancy). Only fields that this collection sets
    are compared and changed.
"""
