# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Which tenants' agents have to be installed or upgraded (CML-4, X-1)."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.ai_tenancy.platform.plugins.filter.platform import FilterModule
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import release
from ansible_collections.ai_tenancy.platform.plugins.modules import tenant_objects

from ..test_requests import check_options
from .helm import revision

filters = FilterModule().filters()
KEY, NAME = "clearml_enterprise_agent", "clearml-enterprise-agent"
VERSIONS: dict[str, Any] = {
    "charts": {
        KEY: {"release": NAME, "namespace": "clearml", "chart": NAME, "version": "6.14.6",
              "sources": {"community": {"oci": f"oci://registry.example.com/{NAME}"}}},
    },
    "trains": {"current": {}},
}  # fmt: skip
CHOICE: dict[str, Any] = {"train": "current", "source": "community", "overrides": {}, "charts_dir": ""}


def wanted(tenant: str, version: str = "6.14.6", **values: Any) -> dict[str, Any]:
    return {
        "tenant": tenant,
        "state": "present",
        "placement": "tenant",
        "host_namespace": f"t-{tenant}",
        "release": NAME,
        "namespace": "clearml",
        "version": version,
        "values": {"agentk8sglue": {"createQueues": False, **values}},
        "secret": "clearml-agent-credentials",
    }


def found(tenant: str, *revisions: dict[str, Any]) -> dict[str, Any]:
    for each in revisions:
        each["metadata"]["namespace"] = "clearml"
    return {"item": tenant, "releases": [release.observe(revisions, [("clearml", NAME)])[0].as_dict()]}


def installed(status: str = "deployed", version: str = "6.14.6", **values: Any) -> dict[str, Any]:
    glue = {"agentk8sglue": {"createQueues": False, **values}}
    return revision(1, status, NAME, chart=NAME, version=version, values=glue)


def due(releases: list[dict[str, Any]], *results: dict[str, Any], **choice: Any) -> dict[str, dict[str, Any]]:
    extra = choice.pop("extra", None)
    listed = filters["platform_due"](releases, {"results": list(results)}, VERSIONS, KEY, {**CHOICE, **choice}, extra)
    return {item["tenant"]: item for item in listed}


def test_only_what_differs_is_due() -> None:
    tenants = [wanted("same"), wanted("new"), wanted("older"), wanted("broken"), wanted("values", x=1), wanted("away")]
    answer = due(
        tenants,
        found("same", installed()),
        found("new"),
        found("older", installed(version="6.12.0")),
        found("broken", installed("pending-upgrade")),
        found("values", installed(x=2)),
        {"item": "away", "failed": True},
    )
    assert {tenant: item["decision"]["steps"] for tenant, item in answer.items()} == {
        "new": ["apply"],
        "older": ["apply"],
        "broken": ["repair", "apply"],
        "values": ["apply"],
    }
    assert answer["older"]["decision"]["reasons"] == ["version 6.12.0 -> 6.14.6"]
    assert answer["new"]["override"] == {KEY: {"version": "6.14.6"}}


def test_each_tenant_has_its_own_version_and_the_sites_values() -> None:
    overrides = {KEY: {"sha256": "0" * 64}, "other": {"version": "1.0.0"}}
    answer = due([wanted("acme", "6.13.0")], found("acme"), overrides=overrides, extra={"agentk8sglue": {"more": 1}})
    assert answer["acme"]["override"] == {**overrides, KEY: {"sha256": "0" * 64, "version": "6.13.0"}}
    assert answer["acme"]["values"] == {"agentk8sglue": {"createQueues": False, "more": 1}}


def test_one_that_is_switched_off_is_removed_where_it_is() -> None:
    off = [{**wanted(tenant), "state": "absent"} for tenant in ("there", "never", "hanging")]
    answer = due(off, found("there", installed()), found("never"), found("hanging", installed("uninstalling")))
    assert {tenant: item["decision"]["steps"] for tenant, item in answer.items()} == {
        "there": ["remove"],
        "hanging": ["repair", "remove"],
    }


def test_a_downgrade_wants_consent() -> None:
    newer = found("acme", installed(version="6.15.0"))
    assert "is a downgrade" in due([wanted("acme")], newer)["acme"]["decision"]["refusal"]
    assert due([wanted("acme")], newer, allow_downgrade=True)["acme"]["decision"]["steps"] == ["apply"]


def test_mistakes_come_as_one_message() -> None:
    with pytest.raises(AnsibleFilterError, match="platform_release_train: 'old' is not allowed"):
        due([wanted("acme")], found("acme"), train="old")


@pytest.mark.parametrize("workload", [False, True])
def test_what_is_asked_for_fits_the_module(workload: bool) -> None:
    (item,) = filters["platform_inside"]([wanted("acme")], workload)
    check_options(item, tenant_objects.ARGUMENT_SPEC["tenants"]["options"], "tenants")
    assert (item["namespace"], item["inside"], item["secrets"]) == ("t-acme", "clearml", ["clearml-agent-credentials"])
    waits = [wait["labels"] for stage in item["stages"] for wait in stage["wait"]]
    assert waits == ([f"app.kubernetes.io/instance={NAME}"] if workload else [])


def test_credentials_that_the_chart_wants_as_values_are_read_from_the_secret() -> None:
    gateway = {**wanted("acme"), "credential_values": {"clearml.apiKey": "agentk8sglue_key"}}
    (item,) = filters["platform_inside"]([gateway])
    check_options(item, tenant_objects.ARGUMENT_SPEC["tenants"]["options"], "tenants")
    assert item["secrets"] == []
    assert item["releases"][0]["secret_values"] == {
        "secret": "clearml-agent-credentials",
        "keys": {"clearml.apiKey": "agentk8sglue_key"},
        "digest": None,
    }


def test_a_chart_that_reads_a_secret_at_its_start_gets_a_digest_of_it() -> None:
    (item,) = filters["platform_inside"]([{**wanted("acme"), "credentials_digest": "a.b"}])
    check_options(item, tenant_objects.ARGUMENT_SPEC["tenants"]["options"], "tenants")
    assert item["secrets"] == ["clearml-agent-credentials"]
    assert item["releases"][0]["secret_values"]["digest"] == "a.b"


def test_values_of_another_registry_are_no_difference_twice() -> None:
    paths = [{"path": "agentk8sglue.image.registry", "value": "{host}"}]
    versions = {**VERSIONS, "charts": {KEY: {**VERSIONS["charts"][KEY], "registry_values": paths}}}
    choice = {**CHOICE, "registry": {"host": "registry.example.com", "mode": "values"}}
    apply = filters["platform_due"]
    (item,) = apply([wanted("acme")], {"results": [found("acme", installed())]}, versions, KEY, choice)
    assert item["values"]["agentk8sglue"]["image"] == {"registry": "registry.example.com"}
    there = found("acme", installed(image={"registry": "registry.example.com"}))
    assert apply([wanted("acme")], {"results": [there]}, versions, KEY, choice) == []
