# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The administrator's kubeconfig: RKE2 writes it with the loopback address and the name C(default) everywhere."""

from __future__ import annotations

import re

from .places import API_PORT

_LOOPBACK = re.compile(r"(?m)^(\s*(?:- )?server:\s*)\"?https://(?:127\.0\.0\.1|\[::1\]|localhost):\d+\"?\s*$")
_NAMES = re.compile(r"(?m)^(\s*(?:- )?(?:cluster|user|name|current-context):\s*)\"?default\"?\s*$")


def for_administrator(text: str, address: str, name: str) -> str:
    """Return the kubeconfig for use from outside. address: of the API. name: of cluster, user and context.

    Raises ValueError when the text is not what RKE2 writes.
    """
    host = f"[{address}]" if ":" in address else address
    changed, count = _LOOPBACK.subn(rf"\g<1>https://{host}:{API_PORT}", text)
    if count != 1:
        raise ValueError("this is not a kubeconfig as RKE2 writes it: it has no single loopback address")
    return _NAMES.sub(rf"\g<1>{name}", changed)
