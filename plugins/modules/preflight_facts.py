#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible).

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight_facts
short_description: Read all of a host that decides whether a Kubernetes node can run on it
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Reads system, size, disks, kernel, security, software, names, network, time and what can be reached, in one launch.
  - With O(listen) it also leaves a small process behind that listens on those of these ports that are free, so that
    M(ai_tenancy.platform.preflight_ports) can try them from other hosts. The process ends by itself.
  - Judges nothing; M(ai_tenancy.platform.preflight_report) does.
options:
  paths:
    description: Paths whose file system, size and free room are wanted; they need not exist.
    type: list
    elements: str
    default: [/, /var/lib/rancher, /var/lib/longhorn]
  names:
    description: DNS names to resolve, forward and back.
    type: list
    elements: str
    default: []
  urls:
    description: Addresses to reach by HTTP or HTTPS. Every HTTP answer counts as reached, an error status too.
    type: list
    elements: str
    default: []
  repositories:
    description: Also try the enabled repositories of zypper.
    type: bool
    default: true
  timeout:
    description: Seconds for each of O(urls).
    type: float
    default: 10
  controller_time:
    description: Seconds since 1970 on the controller, to compare the clock.
    type: float
    default: 0
  listen:
    description: Ports to listen on when they are free, such as V(6443/tcp).
    type: list
    elements: str
    default: []
  listen_seconds:
    description: After how many seconds the listener ends by itself.
    type: int
    default: 300
extends_documentation_fragment:
  - ai_tenancy.platform.attributes.info
seealso:
  - module: ai_tenancy.platform.preflight_ports
  - module: ai_tenancy.platform.preflight_report
"""

EXAMPLES = r"""
- name: Read the host
  ai_tenancy.platform.preflight_facts:
    names: [k8s.example.com]
    urls: [https://registry.example.com/v2/]
  register: facts
"""

RETURN = r"""
facts:
  description: What was read, by topic.
  returned: always
  type: dict
  sample:
    architecture: x86_64
    cpus: 16
    memory: 67430211584
    os: {id: sles, version: '15.7', name: SUSE Linux Enterprise Server 15 SP7, variant: ''}
"""

from ansible_collections.ai_tenancy.platform.plugins.module_utils.host.preflight import network, ports, system
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import Context, Report, run_module

ARGUMENT_SPEC = {
    "paths": {"type": "list", "elements": "str", "default": ["/", "/var/lib/rancher", "/var/lib/longhorn"]},
    "names": {"type": "list", "elements": "str", "default": []},
    "urls": {"type": "list", "elements": "str", "default": []},
    "repositories": {"type": "bool", "default": True},
    "timeout": {"type": "float", "default": 10},
    "controller_time": {"type": "float", "default": 0},
    "listen": {"type": "list", "elements": "str", "default": []},
    "listen_seconds": {"type": "int", "default": 300},
}


def work(context: Context) -> Report:
    """Read, then listen: what is in use must be seen before our own listener is."""
    params, machine = context.params, context.machine
    clock = network.read_time(machine, params["controller_time"])
    own_names = network.read_names(machine)
    repositories = network.read_repositories(machine) if params["repositories"] else []
    indexes = {one["url"]: one["url"].rstrip("/") + "/repodata/repomd.xml" for one in repositories}
    indexes = {url: index for url, index in indexes.items() if url.startswith(("http://", "https://"))}
    reached = network.reach([*params["urls"], *indexes.values()], params["timeout"])
    facts = {
        **system.read_system(machine),
        "swap": system.read_swap(machine),
        "storage": system.read_storage(machine, params["paths"]),
        **system.read_kernel(machine),
        "security": system.read_security(machine),
        **system.read_software(machine),
        "gpus": system.read_gpus(machine),
        "names": own_names,
        "network": network.read_network(machine),
        "time": clock,
        "dns": network.resolve([own_names["full"], *params["names"]]),
        "urls": {url: reached[url] for url in params["urls"]},
        "repositories": [{**one, **reached.get(indexes.get(one["url"], ""), {})} for one in repositories],
    }
    facts["listener"] = ports.listen(params["listen"], params["listen_seconds"]) if params["listen"] else {}
    # What others hold on the loopback only, such as RKE2's metrics of etcd, no peer is meant to reach.
    inside = {f"{one['port']}/{one['protocol']}" for one in facts["network"]["listening"] if one["loopback"]}
    if inside & set(facts["listener"].get("busy", ())):
        facts["listener"]["busy"] = [spec for spec in facts["listener"]["busy"] if spec not in inside]
    return Report(values={"facts": facts})


def main() -> None:
    """Entry point of the module."""
    run_module(ARGUMENT_SPEC, work)


if __name__ == "__main__":
    main()
