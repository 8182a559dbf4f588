# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""How a module reaches the API of Harbor."""

from __future__ import annotations


class ModuleDocFragment:
    """The counterpart of C(HARBOR_OPTIONS) in C(module_utils/module.py)."""

    DOCUMENTATION = r"""
options:
  api_url:
    description:
      - URL of the registry, for example V(https://registry.example.com). Redirects are not followed.
      - Taken from the environment variable E(HARBOR_URL) when not set.
    type: str
    required: true
  api_user:
    description:
      - Somebody who administers Harbor, or a robot that may do what is asked for.
      - Taken from the environment variable E(HARBOR_USERNAME) when not set.
    type: str
    default: admin
  api_password:
    description:
      - The password or the secret that belongs to O(api_user). Needed.
      - Taken from the environment variable E(HARBOR_PASSWORD) when not set.
    type: str
  ca_path:
    description: PEM file with the CA that signed the certificate of O(api_url). The system's CAs count when not set.
    type: path
  api_validate_certs:
    description: Whether the certificate of O(api_url) is checked. Leave it on; O(ca_path) is the way for an own CA.
    type: bool
    default: true
  timeout:
    description: Seconds to wait for each answer.
    type: int
    default: 30
  retries:
    description:
      - How often a request is repeated after a fault (no answer, HTTP 429, 500, 502, 503, 504, a page instead of data), with
        growing pauses, all together at most a minute. V(Retry-After) is honoured.
      - What makes something is not repeated blindly; the registry is asked first whether it was done.
    type: int
    default: 5
requirements:
  - urllib3 >= 2.0
notes:
  - TLS 1.2 or newer. The login travels with each request, as Harbor's API wants it.
"""
