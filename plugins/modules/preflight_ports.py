#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible).

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight_ports
short_description: Connect to the ports of other hosts for real, and measure latency and clocks
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Tries the ports of peers on which M(ai_tenancy.platform.preflight_facts) listens there, and TCP ports that other programs
    hold. With all hosts as each other's peers, every port is tried in both directions.
  - Ends the listener of this host with O(phase=close).
options:
  phase:
    description: V(connect) tries the peers, V(close) ends the listener of this host.
    type: str
    choices: [connect, close]
    required: true
  peers:
    description: Whom to connect to.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the peer in the result.
        type: str
        required: true
      address:
        description: Its address or DNS name.
        type: str
        required: true
      full_name:
        description: Its DNS name; resolved when it is set.
        type: str
      opened:
        description: Ports on which our listener answers there.
        type: list
        elements: str
        default: []
      busy:
        description: Ports that other programs hold there. UDP ports among them cannot be tried.
        type: list
        elements: str
        default: []
  timeout:
    description: Seconds for each attempt.
    type: float
    default: 3
extends_documentation_fragment:
  - ai_tenancy.platform.attributes.info
seealso:
  - module: ai_tenancy.platform.preflight_facts
"""

EXAMPLES = r"""
- name: Try the API server's port on another host
  ai_tenancy.platform.preflight_ports:
    phase: connect
    peers:
      - name: server-1
        address: 192.0.2.11
        opened: [6443/tcp]

- name: End the listener
  ai_tenancy.platform.preflight_ports:
    phase: close
"""

RETURN = r"""
peers:
  description: By name of the peer, the error of each port (empty when it was reached), latency and clock offset.
  returned: when O(phase=connect)
  type: dict
  sample:
    server-1:
      ports: {6443/tcp: '', 9345/tcp: timed out}
      latency_ms: 0.21
      clock_offset_s: 0.0004
      resolved: [192.0.2.11]
closed:
  description: Whether there was a listener to end.
  returned: when O(phase=close)
  type: bool
"""

from ansible_collections.ai_tenancy.platform.plugins.module_utils.host.preflight import ports
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import Context, Report, run_module

ARGUMENT_SPEC = {
    "phase": {"type": "str", "choices": ["connect", "close"], "required": True},
    "peers": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "address": {"type": "str", "required": True},
            "full_name": {"type": "str"},
            "opened": {"type": "list", "elements": "str", "default": []},
            "busy": {"type": "list", "elements": "str", "default": []},
        },
    },
    "timeout": {"type": "float", "default": 3},
}


def work(context: Context) -> Report:
    """Connect or close; neither changes the host."""
    if context.params["phase"] == "close":
        return Report(values={"closed": ports.close()})
    return Report(values={"peers": ports.connect(context.params["peers"], context.params["timeout"])})


def main() -> None:
    """Entry point of the module."""
    run_module(ARGUMENT_SPEC, work)


if __name__ == "__main__":
    main()
