# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What Longhorn can still take, by the rule of its own scheduler (PLAT-3)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import RemoteError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import storage_capacity as capacity
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform.storage_capacity import Settings
from tests.lab.longhorn import GI, condition, disk, node, setting, storage_class

#: Longhorn's, but without the quarter of each disk that it keeps free.
PLAIN = Settings(minimal_available=0)


def rooms(*objects: Any, settings: Settings = PLAIN) -> dict[str, int]:
    """What each disk still takes, in GiB, by node/disk."""
    nodes = capacity.nodes_of(objects, settings)
    return {f"{found.node}/{found.name}": found.room // GI for owner in nodes for found in owner.disks}


def one(*objects: Any, settings: Settings = PLAIN, **parameters: str) -> capacity.VolumeClass:
    """What a class with these parameters finds on these nodes."""
    (found,) = capacity.classes_of([storage_class(**parameters)], capacity.nodes_of(objects, settings), settings)
    return found


@given(
    size=st.integers(0, 4000),
    free=st.integers(0, 4000),
    scheduled=st.integers(0, 9000),
    reserved=st.integers(0, 4000),
    more=st.integers(1, 9000),
    over=st.sampled_from([0, 50, 100, 150, 200]),
    minimal=st.sampled_from([0, 10, 25, 100]),
)
def test_a_replica_has_room_exactly_when_longhorn_would_schedule_it(
    size: int, free: int, scheduled: int, reserved: int, more: int, over: int, minimal: int
) -> None:
    """IsSchedulableToDisk, written down once more as Longhorn has it, for a volume without data."""
    settings = Settings(over_provisioning=over, minimal_available=minimal)
    (owner,) = capacity.nodes_of([node("n", disk(size, free, scheduled, reserved))], settings)
    allowed = (
        size > 0
        and free > 0
        and free * GI > int(float(size * GI) * float(minimal) / 100)
        and (more + scheduled) * GI <= int(float((size - reserved) * GI) * float(over) / 100)
    )
    (found,) = owner.disks
    assert (more * GI <= found.room) is allowed
    assert found.schedulable is (found.room > 0) is not bool(found.why)
    assert owner.schedulable is found.schedulable


def test_a_disk_says_why_it_takes_nothing() -> None:
    pressure = condition("Schedulable", "Disk d1 has 1 available", reason="DiskPressure")
    ready = {"type": "Ready", "status": "True"}
    nodes = [
        node("a", disk(100, 20, 0, 0, [ready, pressure])),
        node("b", disk(100, 90, 95, 5)),
        node("c", disk(allowScheduling=False, evictionRequested=True)),
        node("d", disk(conditions=[condition("Ready", "", reason="NoDiskInfo"), pressure])),
        node("e", disk(conditions=[ready, pressure])),
        node("f", disk(size=0, conditions=[])),
        node("g", disk(conditions=[])),
    ]
    why = {found.name: found.disks[0].why for found in capacity.nodes_of(nodes, Settings())}
    assert why == {
        "a": ("only 20Gi of 100Gi are free, and Longhorn keeps 25 % free",),
        "b": ("95Gi are scheduled, and 95Gi may be",),
        "c": ("scheduling is switched off for the disk", "its replicas are being evicted"),
        "d": ("not Ready: NoDiskInfo",),
        "e": ("not Schedulable: Disk d1 has 1 available",),
        "f": ("not Ready: Longhorn has not said so yet",),
        "g": ("not Ready: Longhorn has not said so yet",),
    }
    assert set(rooms(*nodes, settings=Settings()).values()) == {0}


def test_a_node_that_takes_nothing_says_why_and_its_disks_have_no_room() -> None:
    leaving = node("d", disk())
    leaving["metadata"]["deletionTimestamp"] = "2026-11-22T00:00:00Z"
    cordoned = [{"type": "Ready", "status": "True"}, condition("Schedulable", "Kubernetes node is cordoned")]
    nodes = [
        node("a", disk(), conditions=[condition("Ready", "", reason="KubernetesNodeNotReady")]),
        node("b", disk(), conditions=cordoned),
        node("c", disk(), allowScheduling=False),
        leaving,
        node("e"),
    ]
    found = {entry.name: entry for entry in capacity.nodes_of(nodes, PLAIN)}
    assert {name: entry.why for name, entry in found.items()} == {
        "a": ("not Ready: KubernetesNodeNotReady",),
        "b": ("not Schedulable: Kubernetes node is cordoned",),
        "c": ("scheduling is switched off for the node",),
        "d": ("it is being deleted",),
        "e": (),
    }
    assert not any(entry.schedulable for entry in found.values())
    assert rooms(*nodes) == {"a/d1": 0, "b/d1": 0, "c/d1": 0, "d/d1": 0}


def test_what_longhorn_knows_of_a_disk_that_nobody_wants_does_not_count() -> None:
    """A disk stays in the status until it is gone; Longhorn schedules nothing to it."""
    leaving = node("a", disk(), disk())
    del leaving["spec"]["disks"]["d2"]
    assert rooms(leaving) == {"a/d1": 100}


def test_settings_are_read_as_longhorn_writes_them() -> None:
    found = Settings.of(
        [
            setting("storage-over-provisioning-percentage", "200"),
            setting("storage-minimal-available-percentage", "10"),
            setting("replica-soft-anti-affinity", "true"),
            setting("replica-zone-soft-anti-affinity", "false"),
            setting("default-replica-count", '{"v1":"2","v2":"1"}'),
        ]
    )
    assert (found.over_provisioning, found.minimal_available) == (200, 10)
    assert (found.soft_nodes, found.soft_zones, found.soft_disks) == (True, False, True)
    assert found.replicas == {"v1": 2, "v2": 1}
    assert Settings.of([setting("default-replica-count", "2")]).replicas == {"v1": 2, "v2": 2}
    defaults = Settings.of([])
    assert (defaults.over_provisioning, defaults.minimal_available, defaults.replicas) == (100, 25, {"v1": 3, "v2": 3})
    with pytest.raises(RemoteError, match="Setting storage-over-provisioning-percentage: 'much' is no whole number"):
        Settings.of([setting("storage-over-provisioning-percentage", "much")])


def test_replicas_of_one_volume_lie_on_different_nodes() -> None:
    three = [node("a", disk(), disk()), node("b", disk(50, 50)), node("c", disk(30, 30))]
    found = one(*three)
    assert (found.apart, found.places, found.largest, found.in_all) == ("nodes", 3, 30 * GI, 30 * GI)
    assert one(*three[:2]).in_all == one(*three[:2]).largest == 0
    two = one(*three, numberOfReplicas="2")
    # b and c take 80 together, and a has more than that; no volume can be larger than the disk of b.
    assert (two.largest, two.in_all) == (50 * GI, 80 * GI)


def test_replicas_share_nodes_or_disks_only_where_that_is_allowed() -> None:
    alone = [node("a", disk(100, 100), disk(60, 60))]
    soft = Settings(minimal_available=0, soft_nodes=True)
    found = one(*alone, settings=soft)
    assert (found.apart, found.largest, found.in_all) == ("anywhere", 50 * GI, 160 * GI // 3)
    hard = one(*alone, settings=soft, replicaDiskSoftAntiAffinity="disabled", numberOfReplicas="2")
    assert (hard.apart, hard.places, hard.largest, hard.in_all) == ("disks", 2, 60 * GI, 60 * GI)
    by_class = one(*alone, replicaSoftAntiAffinity="enabled")
    assert (by_class.apart, by_class.largest) == ("anywhere", 50 * GI)
    zones = [node("a", disk(), zone="z1"), node("b", disk(), zone="z1"), node("c", disk(), zone="z2")]
    apart = one(*zones, settings=soft, replicaZoneSoftAntiAffinity="disabled")
    assert (apart.apart, apart.places, apart.largest) == ("zones", 2, 0)


def test_tags_and_engines_decide_where_a_class_goes() -> None:
    nodes = [
        node("a", disk(10, 10, tags=["ssd", "fast"]), tags=["storage"]),
        node("b", disk(20, 20)),
        node("c", disk(40, 40, diskType="block")),
    ]
    single = {"numberOfReplicas": "1"}
    assert one(*nodes, **single).in_all == 30 * GI
    assert one(*nodes, **single, diskSelector="ssd, fast").in_all == 10 * GI
    assert one(*nodes, **single, nodeSelector="storage", diskSelector="hdd").in_all == 0
    assert one(*nodes, **single, dataEngine="v2").in_all == 40 * GI
    shy = Settings(minimal_available=0, tagged_disks=False)
    assert one(*nodes, **single, settings=shy).in_all == 20 * GI
    assert one(*nodes, **single, settings=shy, diskSelector="ssd").in_all == 10 * GI


def test_a_class_without_a_number_of_replicas_has_longhorns() -> None:
    assert one(node("a", disk()), numberOfReplicas="").replicas == 3
    two = Settings(replicas={"v1": 2, "v2": 1})
    assert one(node("a", disk()), settings=two, numberOfReplicas="").replicas == 2
    with pytest.raises(RemoteError, match="StorageClass longhorn: numberOfReplicas: 'some' is no whole number"):
        one(numberOfReplicas="some")


def test_classes_of_others_are_left_out_and_the_newest_default_counts() -> None:
    other = {**storage_class("local-path", default=True), "provisioner": "rancher.io/local-path"}
    found = capacity.classes_of(
        [
            storage_class("old", default=True, created="2026-01-01T00:00:00Z"),
            storage_class("new", default=True, created="2026-02-01T00:00:00Z"),
            other,
            storage_class("another"),
        ],
        [],
        PLAIN,
    )
    assert [(entry.name, entry.default) for entry in found] == [("another", False), ("new", True), ("old", False)]


some_rooms = st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=3), max_size=6)


@given(groups=some_rooms, replicas=st.integers(1, 4))
def test_small_volumes_fill_what_is_there(groups: list[list[int]], replicas: int) -> None:
    """Volumes of one unit, each put onto the groups with the most room, which is the best way: as many fit as is told."""
    left, made = [sum(group) for group in groups], 0
    while sum(1 for room in left if room) >= replicas:
        left.sort(reverse=True)
        left = [room - 1 for room in left[:replicas]] + left[replicas:]
        made += 1
    assert capacity.volumes_in_all(groups, replicas, True) == made


@given(groups=some_rooms, replicas=st.integers(1, 4), apart=st.booleans())
def test_the_largest_volume_fits_and_no_larger_one_does(groups: list[list[int]], replicas: int, apart: bool) -> None:
    groups = groups if apart else [[room] for group in groups for room in group]

    def fits(size: int) -> bool:
        if apart:
            return sum(1 for rooms in groups if any(room >= size for room in rooms)) >= replicas
        return sum(room // size for rooms in groups for room in rooms) >= replicas

    largest = capacity.largest_volume(groups, replicas, apart)
    assert largest == max((size for size in range(1, 13) if fits(size)), default=0)
    assert largest <= capacity.volumes_in_all(groups, replicas, apart)


@given(st.lists(st.integers(0, 500), min_size=1, max_size=5), st.integers(0, 4))
def test_one_more_replica_or_one_node_less_never_gives_more(sizes: list[int], position: int) -> None:
    nodes = [node(f"n{number}", disk(size, size)) for number, size in enumerate(sizes)]
    fewer = [entry for number, entry in enumerate(nodes) if number != position]
    for replicas in (1, 2, 3):
        more, less = (one(*group, numberOfReplicas=str(replicas)) for group in (nodes, fewer))
        third = one(*fewer, numberOfReplicas=str(replicas + 1))
        assert more.largest >= less.largest >= third.largest
        assert more.in_all >= less.in_all >= third.in_all


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0"), (1023, "1023"), (1024, "1Ki"), (100 * GI, "100Gi"), (1536 * GI, "1.5Ti"), (-2 * GI, "-2Gi"), (2**70, "1048576Pi")],
)  # fmt: skip
def test_amounts_for_people(amount: int, text: str) -> None:
    assert capacity.shown(amount) == text
