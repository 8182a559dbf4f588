#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible).

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight_report
short_description: Judge what was found on all hosts, in one table
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Runs every check of preflight over the facts of all hosts, each by itself and all together. Runs once, on the controller.
  - Returns one table, and writes the findings with all facts as JSON when O(path) is set. It does not fail because of a
    finding; see RV(counts).
  - Changes no host. The file is a log of this run and does not count as a change, so that it is written in check mode too.
options:
  hosts:
    description:
      - The hosts by their inventory names. Each is a mapping with C(roles) (V(server), V(agent), V(clearml)), C(address),
        C(gpu), C(longhorn), C(facts) of M(ai_tenancy.platform.preflight_facts), C(peers) of
        M(ai_tenancy.platform.preflight_ports), and C(trouble) where the host could not be asked.
    type: dict
    required: true
  stage:
    description:
      - V(before) the hosts are prepared, findings that the role sles_prepare removes are for information only.
      - V(after) they count in full.
    type: str
    choices: [before, after]
    default: before
  skip:
    description: Ids of checks to leave out. An unknown id is refused.
    type: list
    elements: str
    default: []
  path:
    description: Where to write the findings as JSON; folders are made. No file when empty.
    type: path
  cni:
    description: Network plug-in, as RKE2's C(cni).
    type: raw
    default: canal
  cluster_cidr:
    description: Network of the pods; with two families a list, or text with a comma.
    type: raw
    default: 10.42.0.0/16
  service_cidr:
    description: Network of the services; with two families a list, or text with a comma.
    type: raw
    default: 10.43.0.0/16
  api_endpoint:
    description: DNS name or address under which nodes register.
    type: str
  rke2_version:
    description: Wanted release of RKE2.
    type: str
  install_method:
    description: How RKE2 is to be installed.
    type: str
    choices: [auto, tar, rpm]
    default: auto
  firewall:
    description: What the role sles_prepare does about the firewall.
    type: str
    choices: [firewalld, disabled, unmanaged]
    default: firewalld
  airgapped:
    description: Whether the hosts are cut off from the internet.
    type: bool
    default: false
  airgap_urls:
    description: Addresses that must not be reached when O(airgapped=true).
    type: list
    elements: str
    default: []
  names:
    description: DNS names that must resolve on every host.
    type: list
    elements: str
    default: []
  urls:
    description: Addresses that must be reached from every host.
    type: list
    elements: str
    default: []
  data_path:
    description: Where RKE2 keeps its data.
    type: str
    default: /var/lib/rancher
  longhorn_path:
    description: Where Longhorn keeps its data.
    type: str
    default: /var/lib/longhorn
  not_looked_at:
    description: Hosts of the inventory that are not part of this run.
    type: list
    elements: str
    default: []
  max_latency_ms:
    description: Longest round trip between servers, in milliseconds.
    type: float
  max_clock_offset:
    description: Largest difference between clocks, in seconds.
    type: float
  minimum_sizes:
    description: Own minimum sizes by role (V(server), V(agent), V(clearml)), each with C(cpus), C(memory_gb), C(disk_gb).
    type: dict
    default: {}
extends_documentation_fragment:
  - ai_tenancy.platform.attributes.info
seealso:
  - module: ai_tenancy.platform.preflight_facts
  - module: ai_tenancy.platform.preflight_ports
"""

EXAMPLES = r"""
- name: Judge
  ai_tenancy.platform.preflight_report:
    hosts: "{{ dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars, 'preflight_entry'))) }}"
    api_endpoint: k8s.example.com
    rke2_version: v1.35.7+rke2r1
    skip: [group.product_uuid]
  run_once: true
  delegate_to: localhost
"""

RETURN = r"""
table:
  description: The findings as lines of text.
  returned: always
  type: list
  elements: str
findings:
  description: The findings, errors first.
  returned: always
  type: list
  elements: dict
  sample:
    - check: group.servers
      host: (all hosts)
      severity: error
      found: '2 servers: server-1, server-2'
      needed: '1 (lab), 3, 5 or 7: etcd needs a majority'
      fix: add a server, or move one to rke2_agents
counts:
  description: Number of findings by severity.
  returned: always
  type: dict
  sample: {error: 1, warning: 0, info: 2}
"""

import json

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import Problems
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.preflight import report, request
from ansible_collections.ai_tenancy.platform.plugins.module_utils.files import write_private
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import Context, Report, run_module

_LIST = {"type": "list", "elements": "str", "default": []}
ARGUMENT_SPEC = {
    "hosts": {"type": "dict", "required": True},
    "stage": {"type": "str", "choices": ["before", "after"], "default": "before"},
    "skip": _LIST,
    "path": {"type": "path"},
    "cni": {"type": "raw", "default": "canal"},
    "cluster_cidr": {"type": "raw", "default": "10.42.0.0/16"},
    "service_cidr": {"type": "raw", "default": "10.43.0.0/16"},
    "api_endpoint": {"type": "str"},
    "rke2_version": {"type": "str"},
    "install_method": {"type": "str", "choices": ["auto", "tar", "rpm"], "default": "auto"},
    "firewall": {"type": "str", "choices": ["firewalld", "disabled", "unmanaged"], "default": "firewalld"},
    "airgapped": {"type": "bool", "default": False},
    "airgap_urls": _LIST,
    "names": _LIST,
    "urls": _LIST,
    "data_path": {"type": "str", "default": "/var/lib/rancher"},
    "longhorn_path": {"type": "str", "default": "/var/lib/longhorn"},
    "not_looked_at": _LIST,
    "max_latency_ms": {"type": "float"},
    "max_clock_offset": {"type": "float"},
    "minimum_sizes": {"type": "dict", "default": {}},
}


def work(context: Context) -> Report:
    """Check the input, judge, keep, tell. Whether errors end the play is the caller's choice."""
    params = context.params
    problems = Problems()
    skip = report.parse_skip(params["skip"], problems)
    site = request.parse_site(params, problems)
    hosts = request.with_what_peers_know(request.parse_hosts(params["hosts"], problems))
    problems.raise_if_any("preflight")
    result = report.run_checks(hosts, site, skip)
    if params["path"]:
        evidence = {**result.as_dict(), "facts": {host.name: host.facts for host in hosts}}
        evidence["peers"] = {host.name: host.peers for host in hosts}
        write_private(params["path"], json.dumps(evidence, indent=2, sort_keys=True, default=str) + "\n")
    lines = report.table(result)
    values = {
        "table": lines,
        "counts": result.counts,
        "findings": [finding.as_dict() for finding in result.findings],
    }
    return Report(values=values)


def main() -> None:
    """Entry point of the module."""
    run_module(ARGUMENT_SPEC, work)


if __name__ == "__main__":
    main()
