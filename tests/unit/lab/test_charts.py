# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The stand-in charts, and the values that the roles give, against what is known of the real charts (PLAT-10)."""

from __future__ import annotations

import re
import tarfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.nested import put
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import rancher
from tests.lab.charts import keys, pack
from tests.lab.charts.pack import HERE, names

ROOT = Path(__file__).resolve().parents[3]
VERSIONS: dict[str, Any] = yaml.safe_load(
    (ROOT / "roles" / "platform_release" / "vars" / "versions.yml").read_text(encoding="utf-8")
)["__platform_release_versions"]
#: Chart -> the role that gives its values, the variable in which they stand (none: it gets no values), and the settings by which there are others.
CHARTS: dict[str, tuple[str, str, list[dict[str, Any]]]] = {
    "cert_manager": ("cert_manager", "__cert_manager_all_values", [{}]),
    "metallb": (
        "metallb",
        "__metallb_all_values",
        [{}, {"metallb_mode": "frr"}, {"metallb_load_balancer_class": "example.com/lb"}],
    ),
    "longhorn": (
        "suse_storage",
        "__suse_storage_all_values",
        [{}, {"suse_storage_data_path": "/data", "suse_storage_backup_target": "s3://b@r/",
              "suse_storage_backup_credentials": {"AWS_ACCESS_KEY_ID": "x"}}],
    ),
    "k3k": ("k3k", "__k3k_all_values", [{}, {"k3k_server_image": "registry.example.com/rancher/k3s"}]),
    "gpu_operator": (
        "gpu_operator",
        "__gpu_operator_all_values",
        [{"gpu_operator_profile": "reference"},
         {"gpu_operator_profile": "cdi", "gpu_operator_time_slicing": {"shared-4": {"replicas": 4}},
          "__gpu_operator_configs": {"whole": {}},  # by a filter of the collection, which is not at hand here
          "gpu_operator_tolerations": [{"key": "x"}], "gpu_operator_pull_secrets": [{"name": "mirror"}]}],
    ),
    "amd_gpu_operator": ("gpu_operator", "__gpu_operator_amd_all_values", [{}]),
    "intel_device_plugins_operator": ("gpu_operator", "", [{}]),
    "intel_device_plugins_gpu": ("gpu_operator", "__gpu_operator_intel_all_values", [{}]),
    "harbor": (
        "suse_registry",
        "__suse_registry_all_values",
        [{"suse_registry_url": "https://registry.example.com"},
         {"suse_registry_url": "https://registry.example.com", "suse_registry_tls": "existing",
          "suse_registry_s3": {"bucket": "b", "region": "r", "regionendpoint": "https://s3.example.com"},
          "suse_registry_database": {"host": "db.example.com", "username": "harbor"},
          "suse_registry_redis": {"addr": "valkey.example.com:6379"}, "suse_registry_redis_password": "x",
          "suse_registry_service_monitor": True}],
    ),
    "rancher": (
        "rancher",
        "__rancher_all_values",
        [{}, {"rancher_tls_source": "letsEncrypt"}, {"rancher_tls_source": "secret", "rancher_tls_ca": "PEM"},
         {"rancher_airgap": True, "rancher_replicas": 2}],
    ),
    "rancher_backup_crd": ("rancher", "", [{}]),
    "rancher_backup": (
        "rancher",
        "__rancher_backup_all_values",
        [{"rancher_backup_s3": dict.fromkeys(rancher.S3_FIELDS, "x"), "rancher_backup_s3_credentials": {"accessKey": "x"}},
         {"rancher_backup_volume": "backups"}],
    ),
    "neuvector_crd": ("suse_security", "", [{}]),
    "neuvector": (
        "suse_security",
        "__suse_security_all_values",
        [{}, {"suse_security_manager_host": "security.example.com"}, {"suse_security_storage_class": ""}],
    ),
    "suse_ai_deployer": (
        "suse_ai",
        "__suse_ai_all_values",
        [{"suse_ai_seed": "x"},
         {"suse_ai_openai_url": "https://models.example.com/v1", "suse_ai_openai_key": "x", "suse_ai_models": ["gemma:2b"],
          "suse_ai_storage_class": "fast", "suse_ai_gpus": 2, "suse_ai_login": {"username": "x", "password": "x"}},
         {"platform_airgap": True, "suse_ai_extra_ca": "PEM"}],
    ),
    "suse_observability": (
        "suse_observability",
        "__suse_observability_all_values",
        [{"suse_observability_url": "https://observability.example.com"},
         {"suse_observability_url": "https://observability.example.com", "suse_observability_storage_class": "fast",
          "platform_release_registry": {"host": "registry.example.com", "mode": "values"}}],
    ),
    "suse_observability_agent": (
        "suse_observability",
        "__suse_observability_agent_all_values",
        [{}, {"suse_observability_gpu_metrics": False, "suse_observability_ca": "PEM", "suse_observability_logs": False}],
    ),
    "clearml_enterprise": (
        "clearml_server",
        "__clearml_server_all_values",
        [{"clearml_server_base_domain": "clearml.example.com"},
         {"clearml_server_base_domain": "clearml.example.com", "clearml_server_mongodb": "bundled",
          "clearml_server_storage_class": "fast", "clearml_server_supervisor": True,
          "clearml_server_supervisor_email": "platform@example.com", "clearml_server_extra_ca": {"company": "PEM"}}],
    ),
}  # fmt: skip
CASES = [
    pytest.param(chart, {"platform_profile": profile, **settings}, id=f"{chart}-{profile}-{number}")
    for chart, (_role, variable, variants) in CHARTS.items()
    if variable
    for profile in ("lab", "production")
    for number, settings in enumerate(variants)
]
#: Workloads that a real chart has with its defaults, and no role turns on.
NOT_STOOD_FOR = {
    ("Deployment", "metallb-frr-k8s-statuscleaner"),
}
#: In the facts because the real chart names them, but nothing that a bundle could carry: a placeholder, an image whose
#: version each virtual cluster says in the tenants file, and one of a pod for "helm test".
NO_IMAGES = {"docker.io/myUserName/driverImage", "rancher/k3s", "busybox"}


def values_of(chart: str, settings: dict[str, Any]) -> dict[str, Any]:
    """The values that a role gives to a chart, as Ansible works them out."""
    role, variable, _variants = CHARTS[chart]
    loader = DataLoader()
    loader.set_basedir(str(ROOT / "roles" / role))
    variables: dict[str, Any] = {}
    for part in ("defaults", "vars"):
        variables.update(
            loader.load_from_file(str(ROOT / "roles" / role / part / "main.yml"), trusted_as_template=True)
        )
    variables.update(settings)
    return dict(Templar(loader=loader, variables=variables).template(variables[variable]))


def known_of(chart: str) -> dict[str, str]:
    entry = VERSIONS["charts"][chart]
    return keys.recorded(entry["chart"], entry["version"])


#: Keys that a chart's templates take from a map as a whole; its values.yaml has them as comments only.
COMMENTED = {"harbor": {"persistence.imageChartStorage.s3.regionendpoint": "string"}}


def facts_of(chart: str) -> dict[str, Any]:
    entry = VERSIONS["charts"][chart]
    try:
        return keys.facts(entry["chart"], entry["version"])
    except FileNotFoundError:
        pytest.skip("the facts of the real charts (../shared/reference/charts) are not at hand")


def production_of(facts: dict[str, Any]) -> dict[str, Any]:
    """What further values change; nothing for a chart that has no values, such as one of definitions."""
    return dict(facts.get("production_profile") or {})


def seen(chart: str) -> str:
    """Skip what only those can tell who have seen the chart itself."""
    if VERSIONS["charts"][chart]["chart"] in {*keys.DOCUMENTED, *keys.NOT_RENDERED}:
        pytest.skip("nobody has seen what this chart makes; only its documentation or its defaults were read")
    return chart


def test_every_layer_is_looked_at() -> None:
    layers = VERSIONS["layers"].items()
    used = {(key, layer) for layer, entry in layers for key in entry.get("charts", [])}
    assert used == {(chart, role) for chart, (role, _variable, _variants) in CHARTS.items()}
    assert {key for key, entry in VERSIONS["charts"].items() if not entry.get("per_tenant")} == set(CHARTS)
    assert names() == sorted(entry["chart"] for entry in VERSIONS["charts"].values())


@pytest.mark.parametrize(("chart", "settings"), CASES)
def test_a_role_gives_no_value_that_the_chart_does_not_know(chart: str, settings: dict[str, Any]) -> None:
    values = values_of(chart, settings)
    assert values
    assert keys.unknown(values, {**known_of(chart), **COMMENTED.get(chart, {})}) == []


@pytest.mark.parametrize("chart", sorted(VERSIONS["charts"]))
def test_the_values_for_registries_and_pull_secrets_are_known(chart: str) -> None:
    entry = VERSIONS["charts"][chart]
    paths = [setting["path"] for setting in entry.get("registry_values") or []]
    paths += (entry.get("pull_secret_values") or {}).get("paths", [])
    assert paths or not entry["images"]
    nested: dict[str, Any] = {}
    for path in paths:
        put(nested, path, "x")
    assert keys.unknown(nested, known_of(chart)) == []


@pytest.mark.parametrize(
    ("profile", "mode", "storage_class"),
    [
        ("lab", "", "fast"),
        ("production", "", "longhorn-rwx"),
        ("lab", "ReadWriteMany", "longhorn-rwx"),
        ("production", "ReadWriteOnce", "fast"),
    ],
)
def test_the_class_of_the_files_follows_how_many_pods_share_them(profile: str, mode: str, storage_class: str) -> None:
    own = {"fileserver": {"storage": {"data": {"accessMode": mode}}}} if mode else {}
    settings = {"clearml_server_profile": profile, "clearml_server_storage_class": "fast", "clearml_server_values": own}
    values = values_of("clearml_enterprise", {"clearml_server_base_domain": "clearml.example.com", **settings})
    assert values["fileserver"]["storage"]["data"]["class"] == storage_class


#: Settings that nobody may see, by chart.
HIDDEN: dict[str, dict[str, Any]] = {
    "suse_ai_deployer": {
        "suse_ai_login": {"username": "robot", "password": "hidden-token"},
        "suse_ai_seed": "hidden-seed",
        "suse_ai_openai_url": "https://models.example.com/v1",
        "suse_ai_openai_key": "hidden-key",
    },
    "suse_observability": {
        "suse_observability_api_key": "hidden-key",
        "suse_observability_license": "hidden-licence",
        "suse_observability_admin_password_hash": "hidden-hash",
    },
    "suse_observability_agent": {"suse_observability_api_key": "hidden-key"},
}


@pytest.mark.parametrize("profile", ["lab", "production"])
@pytest.mark.parametrize("chart", sorted(HIDDEN))
def test_no_secret_is_in_the_values(chart: str, profile: str) -> None:
    values = values_of(chart, {"platform_profile": profile, **HIDDEN[chart]})
    assert values
    assert "hidden" not in str(values)


def test_a_key_that_a_chart_does_not_know_is_seen() -> None:
    known = {"a.b": "string", "free": "map", "list": "list"}
    values = {"a": {"b": "x", "c": 1}, "free": {"any": {"thing": 1}}, "list": [1], "other": {}, "a.b": {"deeper": 1}}
    assert keys.unknown(values, known) == ["a.c", "other", "a.b.deeper"]


def test_keys_of_subcharts_stand_below_the_name_that_their_values_have() -> None:
    entry = [{"key": "global.imageRegistry", "type": "string"}, {"key": "list[]", "type": "list"}]
    facts = {"value_keys": [], "subchart_value_keys": {"a/b": entry, "milvus/apache-kafka": entry}}
    known = keys.keys_of(facts)
    assert set(known) == {
        f"{above}.{key}" for above in ("a.b", "milvus.kafka") for key in ("global.imageRegistry", "list")
    }
    assert keys.unknown({"global": {"imageRegistry": "x", "other": "x"}, "a": {"b": {"list": []}}}, known) == [
        "global.other"
    ]


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
    seen(chart)
    assert (entry["kubernetes"] or None) == real["kubeVersion"]
    assert stand_in.get("kubeVersion") == real["kubeVersion"]


@pytest.mark.parametrize("chart", sorted(VERSIONS["charts"]))
def test_the_recorded_keys_are_those_of_the_real_chart(chart: str) -> None:
    assert known_of(chart) == keys.keys_of(facts_of(chart))


@pytest.mark.parametrize("chart", sorted(VERSIONS["charts"]))
def test_every_image_of_the_real_chart_is_listed_for_the_bundle(chart: str) -> None:
    real = facts_of(seen(chart))
    images = {*real["images"], *(real.get("images_in_args_env_or_custom_resources") or [])} - NO_IMAGES
    images |= {image for image in production_of(real).get("images_added", []) if "example.test" not in image}
    assert images or real["crds"]
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
    facts = facts_of(seen(chart))
    real = named(chart, workloads([*facts["objects"], *production_of(facts).get("objects_added", [])]))
    others = [item for variant in (facts.get("variants") or {}).values() for item in variant.get("objects_added") or []]
    assert stand_in or not real
    assert stand_in <= real | named(chart, workloads(others))
    assert real - stand_in <= NOT_STOOD_FOR


def named(chart: str, found: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """With the names that our release gives where a chart puts that of its release before them."""
    render, release = facts_of(chart)["render"]["release"], VERSIONS["charts"][chart]["release"]
    return {(kind, re.sub(rf"^{re.escape(render)}-", f"{release}-", title)) for kind, title in found}


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
