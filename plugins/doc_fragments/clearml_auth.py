# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""How a module reaches the ClearML API server."""

from __future__ import annotations


class ModuleDocFragment:
    """The counterpart of C(CLEARML_OPTIONS) in C(module_utils/module.py)."""

    DOCUMENTATION = r"""
options:
  api_url:
    description:
      - URL of the ClearML API server, for example V(https://api.example.com). Not the web page; redirects are not followed.
      - Taken from the environment variable E(CLEARML_API_HOST) when not set.
    type: str
    required: true
  access_key:
    description:
      - Access key of the platform's credential (role C(system); the API server's own C(apiserver_key)).
      - Taken from the environment variable E(CLEARML_API_ACCESS_KEY) when not set. Needed unless O(token) is set.
    type: str
  secret_key:
    description:
      - Secret key of the platform's credential.
      - Taken from the environment variable E(CLEARML_API_SECRET_KEY) when not set. Needed unless O(token) is set.
    type: str
  token:
    description: A bearer token of the platform, instead of O(access_key) and O(secret_key). It is not renewed when it expires.
    type: str
  ca_path:
    description: PEM file with the CA that signed the certificate of O(api_url). The system's CAs count when not set.
    type: path
  api_validate_certs:
    description:
      - Whether the certificate of O(api_url) is checked. Leave it on; O(ca_path) is the way for an own CA.
      - Taken from the environment variable E(CLEARML_API_HOST_VERIFY_CERT) when not set.
    type: bool
    default: true
  timeout:
    description: Seconds to wait for each answer.
    type: int
    default: 30
  retries:
    description:
      - How often a call is repeated after a fault (no answer, HTTP 429, 500, 502, 503, 504), with growing pauses, all
        together at most a minute. V(Retry-After) is honoured.
      - A call that creates something is not repeated blindly; the server is asked first whether it was done.
    type: int
    default: 5
requirements:
  - urllib3 >= 2.0
notes:
  - TLS 1.2 or newer. The secret key travels once per run, to log in; then a bearer token is used.
"""
