#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible).

from __future__ import annotations

DOCUMENTATION = r"""
module: sles_firewall
short_description: Open the ports of an RKE2 node in firewalld, from the port table, in one launch
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Ports for nodes stand in zones by the nodes' addresses, C(rke2-servers) and C(rke2-nodes), that are ours as a whole. Ports for
    clients stand in the default zone, the networks of pods and services in the zone C(trusted); there things are only added.
  - SSH stays open in all of them. firewalld is started, now and at boot, after its zones were written.
options:
  roles:
    description: What the host is for, V(server) or V(agent).
    type: list
    elements: str
    required: true
  cni:
    description: Network plug-in.
    type: str
    default: canal
  servers:
    description: Addresses of all servers.
    type: list
    elements: str
    default: []
  agents:
    description: Addresses of all agents.
    type: list
    elements: str
    default: []
  trusted:
    description: Networks of pods and services.
    type: list
    elements: str
    default: [10.42.0.0/16, 10.43.0.0/16]
  ssh_port:
    description: Port on which Ansible logs in.
    type: int
    default: 22
  client_ports:
    description: Further ports that are open for everybody, such as V(8443/tcp).
    type: list
    elements: str
    default: []
  embedded_registry:
    description: Also open what RKE2's embedded registry needs.
    type: bool
    default: false
extends_documentation_fragment:
  - ai_tenancy.platform.attributes
notes:
  - The documentation of RKE2 says that firewalld conflicts with canal; M(ai_tenancy.platform.preflight_report) warns.
"""

EXAMPLES = r"""
- name: Open the ports of a server
  ai_tenancy.platform.sles_firewall:
    roles: [server]
    cni: cilium
    servers: [192.0.2.11, 192.0.2.12, 192.0.2.13]
    agents: [192.0.2.21]
"""

RETURN = r"""
zones:
  description: The wanted zones.
  returned: always
  type: dict
  sample:
    rke2-nodes: {sources: [192.0.2.21], ports: [10250/tcp, 8472/udp], services: [ssh], protocols: []}
"""

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import Problems
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.host import firewall as rules
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.plan import CHANGE, Step
from ansible_collections.ai_tenancy.platform.plugins.module_utils.host.firewall import UNIT, Firewall
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import (
    Context,
    ItemResult,
    Report,
    run_module,
)

_STRINGS = {"type": "list", "elements": "str", "default": []}
ARGUMENT_SPEC = {
    "roles": {"type": "list", "elements": "str", "required": True},
    "cni": {"type": "str", "default": "canal"},
    "servers": _STRINGS,
    "agents": _STRINGS,
    "trusted": {"type": "list", "elements": "str", "default": ["10.42.0.0/16", "10.43.0.0/16"]},
    "ssh_port": {"type": "int", "default": 22},
    "client_ports": _STRINGS,
    "embedded_registry": {"type": "bool", "default": False},
}


def work(context: Context) -> Report:
    """Compare what is in the files and what is in force with the wanted zones."""
    params = context.params
    problems = Problems()
    rules.parse_request(params, problems)
    problems.raise_if_any("firewall")
    names = ("roles", "servers", "agents", "trusted", "client_ports")
    request = rules.Request(
        cni=params["cni"],
        ssh_port=params["ssh_port"],
        embedded_registry=params["embedded_registry"],
        **{name: tuple(params[name]) for name in names},
    )
    wall = Firewall(context.machine)
    wanted = rules.zones(request, wall.default_zone())
    steps = rules.compare(wanted, wall.permanent())
    stale = wall.unit.running and bool(rules.compare(wanted, wall.now()))
    if not (wall.unit.running and wall.unit.starts_at_boot) or (stale and not steps):
        before = {"running": wall.unit.running, "boot": wall.unit.starts_at_boot, "in_force": not stale}
        steps.append(Step(CHANGE, "service", UNIT, before=before, after=dict.fromkeys(before, True)))
    if steps and not context.check_mode:
        wall.apply(steps, reload=stale or bool(steps))
    values = {"zones": {name: zone.as_dict() for name, zone in wanted.items()}}
    return Report([ItemResult("firewall", steps)], values=values)


def main() -> None:
    """Entry point of the module."""
    run_module(ARGUMENT_SPEC, work)


if __name__ == "__main__":
    main()
