# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The filters by which the roles of the platform choose charts, decide about releases, and report.

What they need is imported inside: Ansible loads all filters of the collection anew for every task that uses one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, Optional

from ansible.errors import AnsibleFilterError

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import ConfigError


def platform_chart(
    versions: Any,
    key: str,
    train: str = "current",
    source: str = "community",
    overrides: Optional[Mapping[str, Any]] = None,
    charts_dir: str = "",
) -> dict[str, Any]:
    """One chart as it is to be installed."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import catalogue

    try:
        return catalogue.chart(versions, key, train, source, overrides, charts_dir)
    except ConfigError as error:
        raise AnsibleFilterError(str(error)) from error


def platform_registry_values(
    chart: Mapping[str, Any], registry: Mapping[str, Any], pull_secrets: Sequence[str] = ()
) -> dict[str, Any]:
    """Values for another registry and for pull secrets, in the chart's own form."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import catalogue

    return catalogue.registry_values(chart, registry, pull_secrets)


def platform_decision(
    observed: Mapping[str, Any],
    chart: Mapping[str, Any],
    values: Optional[Mapping[str, Any]] = None,
    state: str = "present",
    kubernetes: str = "",
    allow_downgrade: bool = False,
    confirm: str = "",
    backup_of: str = "",
) -> dict[str, Any]:
    """What a release needs."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import decision

    wanted = decision.Wanted.of_chart(
        chart,
        values or {},
        state=state,
        kubernetes=chart.get("kubernetes") or "",
        allow_downgrade=allow_downgrade,
        confirmed=chart["release"] in [name.strip() for name in confirm.split(",")],
        backup_of=backup_of,
    )
    return decision.decide(wanted, observed, kubernetes).as_dict()


def platform_inside(wanted: Sequence[Mapping[str, Any]], workload: bool = False) -> list[dict[str, Any]]:
    """What tenant_objects is asked for."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import due

    return due.inside(wanted, workload)


def platform_due(
    wanted: Sequence[Mapping[str, Any]],
    found: Mapping[str, Any],
    versions: Mapping[str, Any],
    key: str,
    choice: Mapping[str, Any],
    extra: Optional[Mapping[str, Any]] = None,
) -> list[dict[str, Any]]:
    """The releases of tenants that are not as wanted."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import due

    try:
        return due.due(versions, key, wanted, found.get("results") or [], choice, extra)
    except ConfigError as error:
        raise AnsibleFilterError(str(error)) from error


def platform_masked(text: str, contents: Sequence[str]) -> str:
    """A text without the values of files."""
    import yaml

    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.redact import Redactor, texts_in

    return Redactor(texts_in([yaml.safe_load(content) for content in contents])).text(text)


def platform_pairs(
    versions: Any,
    charts: Sequence[Mapping[str, Any]],
    kubernetes: str = "",
    observed: Optional[Mapping[str, Any]] = None,
) -> list[str]:
    """What does not go together."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import catalogue

    chosen = {**catalogue.installed(versions, observed or {}), **{chart["key"]: chart for chart in charts}}
    return catalogue.check_pairs(versions, chosen, kubernetes)


def platform_fetch_trouble(said: str, reference: str) -> str:
    """What it means that a chart cannot be had."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import catalogue

    return catalogue.fetch_trouble(reference, said)


def platform_layer_order(layers: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """The wanted layers, each after those that it needs."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import layers as core_layers

    try:
        return core_layers.order(layers, wanted)
    except ConfigError as error:
        raise AnsibleFilterError(str(error)) from error


def platform_blocked(names: Sequence[str], layers: Mapping[str, Any], failed: Sequence[str]) -> dict[str, str]:
    """The layers that cannot be installed because one that they need failed, each with why."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import layers as core_layers

    return core_layers.blocked(layers, names, failed)


def platform_waves(layers: Mapping[str, Any], chosen: Sequence[str], due: Sequence[str]) -> list[list[str]]:
    """The layers that are due, in groups that may come up side by side."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import layers as core_layers

    return core_layers.waves(layers, chosen, due)


def platform_turns(charts: Sequence[str], phase: str = "all") -> list[dict[str, Any]]:
    """The steps by which a layer brings up its releases."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import layers as core_layers

    return core_layers.turns(list(charts), phase)


def platform_refused(ahead: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The layers that cannot be, each with why."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import layers as core_layers

    return core_layers.refused(ahead)


def platform_status_table(charts: Sequence[Mapping[str, Any]], releases: Sequence[Mapping[str, Any]]) -> list[str]:
    """The table of releases, as lines."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import layers as core_layers
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.report import lines

    return lines(core_layers.status_rows(charts, releases))


def platform_releases(versions: Any) -> list[dict[str, str]]:
    """Every release that a chart of the file of versions can become."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import catalogue

    return catalogue.releases(versions)


def platform_lacking(
    requires: Mapping[str, Any], cluster: Mapping[str, Any], observed: Optional[Mapping[str, Any]] = None
) -> list[str]:
    """What a layer needs and the cluster does not have."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import layers as core_layers

    return core_layers.lacking(requires, cluster, observed)


def platform_removal_problems(
    removed: Sequence[str], layers: Mapping[str, Any], wanted: Mapping[str, Any]
) -> list[str]:
    """Why layers cannot be removed."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import layers as core_layers

    return core_layers.removal_problems(layers, removed, wanted)


def platform_failure_text(failed: Mapping[str, str], chosen: Sequence[str], check_mode: bool = False) -> str:
    """The last message of a run in which layers failed."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import layers as core_layers

    return core_layers.failure_text(failed, chosen, check_mode)


def platform_status_charts(
    versions: Any,
    declared: Mapping[str, Sequence[str]],
    train: str = "current",
    source: str = "community",
    overrides: Optional[Mapping[str, Any]] = None,
) -> list[dict[str, Any]]:
    """The charts of all layers, for the table."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import catalogue

    try:
        return catalogue.status_charts(versions, declared, train, source, overrides or {})
    except ConfigError as error:
        raise AnsibleFilterError(str(error)) from error


def platform_status_ill(charts: Sequence[Mapping[str, Any]], releases: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is wanted and not healthy."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import layers as core_layers

    return core_layers.ill(charts, releases)


def platform_objects_of(
    specs: Mapping[str, Any], api_version: str, kind: str, namespace: Optional[str] = None, field: str = "spec"
) -> list[dict[str, Any]]:
    """Objects of one kind, from their specs by name."""
    place = {} if namespace is None else {"namespace": namespace}
    return [
        {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, **place}, field: spec}
        for name, spec in specs.items()
    ]


def platform_setting_problems(settings: Mapping[str, Any], layer: str) -> str:
    """What is wrong with the settings of a layer, as one message; empty when nothing is."""
    from importlib import import_module

    core = "ansible_collections.ai_tenancy.platform.plugins.module_utils.core"
    # Only the layer's own is imported: all of them take longer than the check.
    modules = {
        "clearml_agent": "clearml.agent",
        "clearml_gateway": "clearml.gateway",
        "clearml_server": "clearml.server",
        "gpu_operator": "platform.gpu_operator",
        "ingress": "platform.ingress",
        "rancher": "platform.rancher",
        "suse_ai": "platform.suse_ai",
        "suse_observability": "platform.suse_observability",
        "suse_registry": "platform.registry",
        "suse_security": "platform.suse_security",
    }
    if layer not in modules:
        raise AnsibleFilterError(f"layer: {layer!r} is not allowed; allowed: one of {', '.join(modules)}")
    # Of rancher's settings, certificates may have expired.
    now = [datetime.now(timezone.utc)] if layer == "rancher" else []
    problems = list(import_module(f"{core}.{modules[layer]}").check(settings, *now))
    return str(ConfigError(f"Settings of {layer}", problems)) if problems else ""


def platform_suse_security_configuration(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The initial configuration of SUSE Security."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import suse_security

    return suse_security.initial_configuration(settings)


def platform_device_plugin_configs(sharing: Mapping[str, Any], mig_strategy: str = "none") -> dict[str, Any]:
    """The configurations of NVIDIA's device plug-in by name."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import gpu_operator

    return gpu_operator.device_plugin_configs(sharing, mig_strategy)


def platform_labelled_nodes(labels: Mapping[str, Mapping[str, str]]) -> list[dict[str, Any]]:
    """Nodes with nothing but labels, to be applied."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import gpu_operator

    return gpu_operator.labelled_nodes(labels)


def platform_rollouts(names: Sequence[str], kind: str, minimum: int = 1) -> list[dict[str, Any]]:
    """Waits for workloads of one kind, by their names."""
    return [{"api_version": "apps/v1", "kind": kind, "name": name, "minimum": minimum} for name in names]


def platform_ingress_values(controller: str, settings: Mapping[str, Any], chart_version: str = "") -> dict[str, Any]:
    """Values for RKE2's chart of an ingress controller."""
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import ingress

    made = ingress.values(controller, settings, chart_version)
    return {"values": made, "digest": ingress.digest_of(made), "kind": ingress.workload_kind(controller, made)}


class FilterModule:
    """What Ansible finds here."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name of each filter and its function."""
        return {
            "platform_blocked": platform_blocked,
            "platform_chart": platform_chart,
            "platform_decision": platform_decision,
            "platform_device_plugin_configs": platform_device_plugin_configs,
            "platform_due": platform_due,
            "platform_failure_text": platform_failure_text,
            "platform_fetch_trouble": platform_fetch_trouble,
            "platform_ingress_values": platform_ingress_values,
            "platform_labelled_nodes": platform_labelled_nodes,
            "platform_inside": platform_inside,
            "platform_lacking": platform_lacking,
            "platform_layer_order": platform_layer_order,
            "platform_masked": platform_masked,
            "platform_objects_of": platform_objects_of,
            "platform_pairs": platform_pairs,
            "platform_refused": platform_refused,
            "platform_registry_values": platform_registry_values,
            "platform_releases": platform_releases,
            "platform_removal_problems": platform_removal_problems,
            "platform_rollouts": platform_rollouts,
            "platform_setting_problems": platform_setting_problems,
            "platform_status_charts": platform_status_charts,
            "platform_status_ill": platform_status_ill,
            "platform_status_table": platform_status_table,
            "platform_suse_security_configuration": platform_suse_security_configuration,
            "platform_turns": platform_turns,
            "platform_waves": platform_waves,
        }
