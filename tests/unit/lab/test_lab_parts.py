# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What a laboratory runs and starts with, from its description alone."""

from __future__ import annotations

import ipaddress
import json
import re
from pathlib import Path

import pytest

from tests.lab import description, fleet, parts
from tests.lab.description import Description, Options
from tests.lab.errors import LabError


def lab(**options: object) -> Description:
    binaries = {name: Path("/cache") / name for name in ("kube", "kwok", "standins")}
    return Description("unit", 9, Path("/state"), Options().changed(**options), binaries)


def test_every_part_listens_on_the_laboratory_s_address_only() -> None:
    listening = re.compile(r"--(bind-address|address|listen-address|server-address|listen-\w+-urls)=(.*)")
    for part in parts.all_parts(lab()):
        for argument in part.argv:
            if match := listening.match(argument):
                assert "127.77.9.1" in match[2], argument
        assert part.health is None or "//127.77.9.1:" in part.health


def test_no_port_needs_root() -> None:
    assert min(description.PORTS.values()) >= 1024


def test_the_api_server_has_rke2_s_settings() -> None:
    argv = parts.kube_apiserver(lab()).argv
    assert "--authorization-mode=Node,RBAC" in argv
    assert "--enable-admission-plugins=NodeRestriction" in argv
    assert "--service-cluster-ip-range=10.43.0.0/16" in argv
    assert "--service-node-port-range=30000-32767" in argv
    assert "--anonymous-auth=false" in argv


def test_extra_admission_plugins_are_added_to_the_standard_one() -> None:
    argv = parts.kube_apiserver(lab(extra_admission=("PodTolerationRestriction",))).argv
    assert "--enable-admission-plugins=NodeRestriction,PodTolerationRestriction" in argv


def test_switches_reach_their_parts() -> None:
    small = lab(inner_api=False, clearml=False)
    assert "--no-inner-api" in parts.k3k(small).argv
    assert "--no-inner-api" not in parts.k3k(lab()).argv
    assert [part.name for part in parts.all_parts(small)] == [name for name in parts.BUILDERS if name != "clearml"]


def test_the_description_survives_being_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AI_TENANCY_LAB_ROOT", str(tmp_path))
    original = Description("x", 3, tmp_path / "x", Options(nodes=7, extra_admission=("A",)), {"kube": Path("/k")})
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "lab.json").write_text(json.dumps(original.to_json([])), encoding="utf-8")
    assert description.load("x") == original
    assert description.names() == ["x"]


@pytest.mark.parametrize("name", ["", "..", "a/b", "A", "-a", "a-", "x" * 41])
def test_a_name_that_is_no_directory_is_refused(name: str) -> None:
    with pytest.raises(LabError, match="name: "):
        description.state_dir(name)


def test_all_wrong_options_are_told_at_once() -> None:
    with pytest.raises(LabError, match=r"nodes: 0 .*k3k_stop: -1"):
        Options(nodes=0, k3k_stop=-1)


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(LabError, match="unknown option: colour"):
        Options().changed(colour="red")


def test_the_fleet_has_every_kind_of_accelerator() -> None:
    nodes = fleet.nodes(Options())
    total = {
        resource: sum(int(node["status"]["allocatable"].get(resource, 0)) for node in nodes)
        for resource in ("nvidia.com/gpu", "nvidia.com/mig-1g.10gb", "amd.com/gpu")
    }
    assert total == {"nvidia.com/gpu": 32, "nvidia.com/mig-1g.10gb": 56, "amd.com/gpu": 8}
    assert any(not [key for key in node["status"]["allocatable"] if "gpu" in key] for node in nodes)


@pytest.mark.parametrize("wanted", [1, 4, 100, 256, 300, 1000])
def test_a_fleet_of_any_size_has_pod_networks_that_do_not_overlap(wanted: int) -> None:
    nodes = fleet.nodes(Options(nodes=wanted))
    assert sum(node["metadata"]["name"].startswith("gpu-a-") for node in nodes) == wanted
    networks = [ipaddress.ip_network(node["spec"]["podCIDR"]) for node in nodes]
    assert len(set(networks)) == len(nodes)
    assert all(network.subnet_of(ipaddress.ip_network("10.42.0.0/16")) for network in networks)  # type: ignore[arg-type]
    for node, network in zip(nodes, networks, strict=True):
        assert int(node["status"]["allocatable"]["pods"]) < network.num_addresses


def test_the_delays_of_the_stages_are_the_options() -> None:
    delays = {
        stage["metadata"]["name"]: stage["spec"].get("delay", {}).get("durationMilliseconds")
        for stage in fleet.stages(Options(k3k_server_start=60, k3k_stop=0.5))
    }
    assert delays["pod-server-ready"] == 60000
    assert delays["pod-stop"] == 500


def test_longhorn_is_the_default_storage_class() -> None:
    key = "storageclass.kubernetes.io/is-default-class"
    defaults = {item["metadata"]["name"]: item["metadata"]["annotations"][key] for item in fleet.storage_classes()}
    assert defaults == {"longhorn": "true", "unserved": "false"}
