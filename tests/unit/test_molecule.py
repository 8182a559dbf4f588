# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Molecule's scenarios: one for each layer of the platform, thin, and none that is green without having tested something."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
MOLECULE = ROOT / "molecule"
SITE = MOLECULE / "layers" / "inventory" / "group_vars" / "platform_controller"
#: Scenarios that are not of the platform's layers.
OTHERS = {"default", "hosts", "tenants"}


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


VERSIONS = load(ROOT / "roles" / "platform_release" / "vars" / "versions.yml")["__platform_release_versions"]
LAYERS: dict[str, dict[str, list[str]]] = VERSIONS["layers"]
KNOWN: dict[str, dict[str, Any]] = load(SITE / "layers.yml")["lab_known_layers"]

each_layer = pytest.mark.parametrize("layer", LAYERS)


def test_molecule_is_never_green_without_hosts() -> None:
    """Molecule calls "no hosts matched" a success, so each playbook that tests something looks for hosts first."""
    names = ("create", "prepare", "converge", "verify")
    playbooks = [path for name in names for path in MOLECULE.glob(f"*/{name}.yml")]
    assert len(playbooks) >= 9
    for path in playbooks:
        plays = [play.get("ansible.builtin.import_playbook") for play in load(path)]
        assert plays[0] == "../hosts_present.yml", path
        assert path.parent.name != "layers" or plays[1] == "controller_present.yml", path


def test_molecule_brings_every_layer_up() -> None:
    assert load(SITE / "site.yml")["platform_release_layers"] == dict.fromkeys(LAYERS, True)
    assert load(MOLECULE / "platform" / "molecule.yml") == {"ansible": {"env": {"LAYERS": "all"}}}


def test_every_layer_has_a_scenario_and_nothing_else_has() -> None:
    scenarios = {path.parent.name for path in MOLECULE.glob("*/molecule.yml")}
    assert scenarios - OTHERS == {"platform", *LAYERS}
    assert list(KNOWN) == list(LAYERS)


@each_layer
def test_a_scenario_of_a_layer_is_its_name(layer: str) -> None:
    """What it does is in molecule/layers, what differs is data there."""
    assert (ROOT / "roles" / layer / "tasks" / "main.yml").is_file()
    assert [path.name for path in (MOLECULE / layer).iterdir()] == ["molecule.yml"]
    assert load(MOLECULE / layer / "molecule.yml") == {"ansible": {"env": {"LAYERS": layer}}}


@each_layer
def test_what_a_scenario_brings_up_before_is_what_comes_before(layer: str) -> None:
    """Else the order of the platform's layers would not bring it up in time."""
    assert set(KNOWN[layer]["needs"]) <= set(LAYERS[layer].get("after", []))
    for need in KNOWN[layer]["needs"]:
        assert set(KNOWN[need]["needs"]) <= set(KNOWN[layer]["needs"]), f"{need} needs more"


@each_layer
def test_verify_looks_at_releases_of_the_layer(layer: str) -> None:
    """platform_status misses what the site wants and is not there; here it is that each was installed once."""
    charts = [VERSIONS["charts"][chart] for chart in LAYERS[layer].get("charts", [])]
    looked_at = {(release["namespace"], release["name"]) for release in KNOWN[layer]["releases"]}
    assert looked_at <= {(chart["namespace"], chart["release"]) for chart in charts}
    assert bool(looked_at) == bool(charts)
    assert looked_at or KNOWN[layer]["objects"]


@each_layer
def test_what_verify_looks_at_is_complete(layer: str) -> None:
    """A field without a value, or a name that is mistyped, would be looked at by nobody."""
    assert set(KNOWN[layer]) == {"needs", "releases", "objects"}
    for item in KNOWN[layer]["objects"]:
        assert set(item) - {"namespace", "field", "value"} == {"api_version", "kind", "name"}
        assert ("field" in item) == ("value" in item)
