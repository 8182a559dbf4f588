# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Which server begins the cluster, and which join: a datastore that exists anywhere wins, always.

RKE2 ignores C(server) once a datastore is on disk, and a server without C(server) and without datastore begins a new
cluster. So the one thing that must never happen is that a host loses its disk and is then started as the first server,
beside a cluster that is alive (RKE2 documentation, high availability).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Optional

from .facts import Facts


@dataclass(frozen=True)
class Choice:
    """name: the server that has no C(server) key; empty when all have one. fresh: it will create the datastore.

    refusal: why nothing may be started; empty when it may.
    """

    name: str = ""
    fresh: bool = False
    refusal: str = ""


def choose(
    servers: Mapping[str, Optional[Facts]], agents: Mapping[str, Optional[Facts]], in_play: Sequence[str]
) -> Choice:
    """Choose the seed. servers, agents: all of the inventory in its order, None for a host that did not answer.

    in_play: hosts that this run may change.
    """
    holders = {name: facts for name, facts in servers.items() if facts and facts.datastore}
    clusters = {facts.ca_hash for facts in holders.values() if facts.ca_hash}
    if len(clusters) > 1:
        return Choice(refusal=f"The servers {', '.join(holders)} hold datastores of different clusters. {_SPLIT}")
    if holders:
        return Choice(next((name for name, facts in holders.items() if facts.is_seed), ""))
    return _new_cluster(servers, agents, in_play)


_SPLIT = "Decide which one counts, and uninstall RKE2 on the others (playbook node_remove or rke2-uninstall.sh)."


def _new_cluster(
    servers: Mapping[str, Optional[Facts]], agents: Mapping[str, Optional[Facts]], in_play: Sequence[str]
) -> Choice:
    silent = [name for name, facts in servers.items() if facts is None]
    if silent:
        return Choice(
            refusal=f"No server has a datastore, but {', '.join(silent)} did not answer and may have one. "
            "A new cluster is begun only when every server was looked at."
        )
    joined = [name for name, facts in agents.items() if facts and facts.joined]
    if joined:
        return Choice(
            refusal=f"No server has a datastore, but {', '.join(joined)} belong to a cluster. Restore it from a snapshot "
            "(playbook etcd_restore), or uninstall RKE2 on these agents before a new cluster is begun."
        )
    first = next(iter(servers), "")
    if first not in in_play:
        return Choice(refusal=f"There is no cluster yet; it begins on {first}, which --limit leaves out.")
    return Choice(first, fresh=True)
