# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The stand-in charts, and the values that the roles give, against what is known of the real charts (PLAT-10)."""

from __future__ import annotations

import tarfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from tests.lab.charts import keys, pack
from tests.lab.charts.pack import HERE, names

ROOT = Path(__file__).resolve().parents[3]
VERSIONS: dict[str, Any] = yaml.safe_load(
    (ROOT / "roles" / "platform_release" / "vars" / "versions.yml").read_text(encoding="utf-8")
)["__platform_release_versions"]
#: Layer -> key of its chart, and the settings by which its role gives further values.
LAYERS = {
    "cert_manager": ("cert_manager", [{}]),
    "metallb": ("metallb", [{}, {"metallb_mode": "frr"}, {"metallb_load_balancer_class": "example.com/lb"}]),
    "suse_storage": (
        "longhorn",
        [{}, {"suse_storage_data_path": "/data", "suse_storage_backup_target": "s3://b@r/",
              "suse_storage_backup_credentials": {"AWS_ACCESS_KEY_ID": "x"}}],
    ),
    "k3k": ("k3k", [{}, {"k3k_server_image": "registry.example.com/rancher/k3s"}]),
}  # fmt: skip
CASES = [
    pytest.param(layer, {**settings, f"{layer}_profile": profile}, id=f"{layer}-{profile}-{number}")
    for layer, (_chart, variants) in LAYERS.items()
    for profile in ("lab", "production")
    for number, settings in enumerate(variants)
]


def values_of(layer: str, settings: dict[str, Any]) -> dict[str, Any]:
    """The values that the role of a layer gives, as Ansible works them out."""
    loader = DataLoader()
    loader.set_basedir(str(ROOT / "roles" / layer))
    variables: dict[str, Any] = {}
    for part in ("defaults", "vars"):
        variables.update(
            loader.load_from_file(str(ROOT / "roles" / layer / part / "main.yml"), trusted_as_template=True)
        )
    variables.update(settings)
    return dict(Templar(loader=loader, variables=variables).template(variables[f"__{layer}_all_values"]))


def known_of(chart: str) -> dict[str, str]:
    entry = VERSIONS["charts"][chart]
    return keys.recorded(entry["chart"], entry["version"])


def facts_of(chart: str) -> dict[str, Any]:
    entry = VERSIONS["charts"][chart]
    try:
        return keys.facts(entry["chart"], entry["version"])
    except FileNotFoundError:
        pytest.skip("the facts of the real charts (../shared/reference/charts) are not at hand")


def test_every_layer_is_looked_at() -> None:
    assert {layer: entry["charts"] for layer, entry in VERSIONS["layers"].items()} == {
        layer: [chart] for layer, (chart, _variants) in LAYERS.items()
    }
    assert names() == sorted(entry["chart"] for entry in VERSIONS["charts"].values())


@pytest.mark.parametrize(("layer", "settings"), CASES)
def test_a_role_gives_no_value_that_the_chart_does_not_know(layer: str, settings: dict[str, Any]) -> None:
    values = values_of(layer, settings)
    assert values
    assert keys.unknown(values, known_of(LAYERS[layer][0])) == []


@pytest.mark.parametrize("chart", sorted(VERSIONS["charts"]))
def test_the_values_for_registries_and_pull_secrets_are_known(chart: str) -> None:
    entry = VERSIONS["charts"][chart]
    paths = [setting["path"] for setting in entry["registry_values"]] + entry["pull_secret_values"]["paths"]
    nested: dict[str, Any] = {}
    for path in paths:
        *above, last = path.split(".")
        place = nested
        for key in above:
            place = place.setdefault(key, {})
        place[last] = "x"
    assert keys.unknown(nested, known_of(chart)) == []


def test_a_key_that_a_chart_does_not_know_is_seen() -> None:
    known = {"a.b": "string", "free": "map", "list": "list"}
    values = {"a": {"b": "x", "c": 1}, "free": {"any": {"thing": 1}}, "list": [1], "other": {}, "a.b": {"deeper": 1}}
    assert keys.unknown(values, known) == ["a.c", "other", "a.b.deeper"]


@pytest.mark.parametrize("name", names())
def test_a_stand_in_takes_only_keys_of_the_real_chart(name: str) -> None:
    values = yaml.safe_load((HERE / name / "values.yaml").read_text(encoding="utf-8"))
    chart = yaml.safe_load((HERE / name / "Chart.yaml").read_text(encoding="utf-8"))
    assert keys.unknown(values, keys.recorded(chart["name"], chart["version"])) == []


@pytest.mark.parametrize("chart", sorted(VERSIONS["charts"]))
def test_a_stand_in_has_name_and_versions_of_the_real_chart(chart: str) -> None:
    entry = VERSIONS["charts"][chart]
    stand_in = yaml.safe_load((HERE / entry["chart"] / "Chart.yaml").read_text(encoding="utf-8"))
    assert (stand_in["version"], stand_in["appVersion"]) == (entry["version"], entry["app_version"])
    real = facts_of(chart)["chart"]
    assert stand_in["version"].removeprefix("v") == str(real["version"]).removeprefix("v")
    assert (entry["kubernetes"] or None) == real["kubeVersion"]
    assert stand_in.get("kubeVersion") == real["kubeVersion"]


@pytest.mark.parametrize("chart", sorted(VERSIONS["charts"]))
def test_the_recorded_keys_are_those_of_the_real_chart(chart: str) -> None:
    assert known_of(chart) == keys.keys_of(facts_of(chart))


@pytest.mark.parametrize("chart", sorted(VERSIONS["charts"]))
def test_every_image_of_the_real_chart_is_listed_for_the_bundle(chart: str) -> None:
    real = facts_of(chart)
    images = {*real["images"], *(real.get("images_in_args_env_or_custom_resources") or [])}
    # k3k names k3s without a version: it is that of each virtual cluster, which the tenants file says.
    images.discard("rancher/k3s")
    assert images
    assert images - set(VERSIONS["charts"][chart]["images"]) == set()


def workloads(items: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {
        (item["kind"], item["name"]) for item in items if item["kind"] in ("Deployment", "DaemonSet", "StatefulSet")
    }


@pytest.mark.parametrize("name", names())
def test_the_workloads_of_a_stand_in_are_those_of_the_real_chart(name: str) -> None:
    """Names and kinds are what the roles wait for. metallb: with its defaults, that is with FRR."""
    chart = next(key for key, entry in VERSIONS["charts"].items() if entry["chart"] == name)
    text = (HERE / name / "objects.tpl").read_text(encoding="utf-8")
    lines = [line.strip(" -") for line in text.splitlines()]
    stand_in = {
        (kind.split(": ")[1], title.split(": ")[1])
        for kind, title in pairwise(lines)
        if kind.startswith("kind: ") and title.startswith("name: ")
    }
    real = workloads(facts_of(chart)["objects"])
    assert stand_in
    assert stand_in <= real
    assert real - stand_in <= {("Deployment", "metallb-frr-k8s-statuscleaner")}


@pytest.mark.parametrize("name", names())
def test_a_packed_chart_is_one_folder_and_the_same_bytes_each_time(name: str, tmp_path: Path) -> None:
    first, second = pack(name, tmp_path / "a"), pack(name, tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as archive:
        inner = archive.getnames()
    assert {f"{name}/Chart.yaml", f"{name}/values.yaml", f"{name}/templates/objects.yaml"} <= set(inner)
    assert not [path for path in inner if path.endswith("operator.yaml")]


def test_another_version_for_tests_of_upgrades(tmp_path: Path) -> None:
    path = pack("longhorn", tmp_path, "1.11.3")
    assert path.name == "longhorn-1.11.3.tgz"
    with tarfile.open(path) as archive:
        member = archive.extractfile("longhorn/Chart.yaml")
        assert member is not None
        assert yaml.safe_load(member.read())["appVersion"] == "1.11.3"
