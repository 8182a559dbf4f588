# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""From tenants to the values of their ClearML agents (CML-4): pure, for all tenants at once.

Names of values: the vendor's documentation of clearml-enterprise-agent 6.14. The chart is not public.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import Problems
from ..platform import semver
from ..requests import AGENT_CREDENTIALS
from .site import Site, Tenant, check_role, version_of

#: Release, and its namespace inside the tenant's virtual cluster; on the host it is the tenant's own.
RELEASE, NAMESPACE = "clearml-enterprise-agent", "clearml"
#: The oldest chart whose values are known; and the first with the newer name for what the dashboard shows.
OLDEST, REPORTS_ANEW = "6.0.0", "6.10.3"

#: What a pod template may have: documented for the vendor's chart, or in the open chart 5.3.2 to which that goes back.
TEMPLATE_KEYS = (
    "affinity",
    "annotations",
    "containerSecurityContext",
    "env",
    "extraVolumeMounts",
    "extraVolumes",
    "fileMounts",
    "hostAliases",
    "initContainers",
    "labels",
    "nodeSelector",
    "podSecurityContext",
    "priorityClassName",
    "resources",
    "runtimeClassName",
    "schedulerName",
    "tolerations",
    "volumeMounts",
    "volumes",
)
#: The device that the agent counts by itself. For others each pod says in a label how many it has.
COUNTED = "nvidia.com/gpu"
_LABEL = "clear.ml/resource-usage"
_LABEL_FIELD = f"metadata|labels|{_LABEL}"
#: An annotation of the agent's pod: it reads its credentials at its start only, so another pair must start it anew.
CREDENTIALS_DIGEST = "agentk8sglue.annotations.checksum/credentials"


def check(settings: Mapping[str, Any]) -> Problems:
    """Collect what is wrong with the settings of the role clearml_agent, without its prefix, as far as no tenant is asked."""
    problems = Problems()
    check_role("clearml_agent", settings, OLDEST, problems)
    return problems


def releases(tenants: Sequence[Tenant], site: Site) -> list[dict[str, Any]]:
    """The agents of these tenants. tenants: as C(TenantsFile.to_dict) gives them; those without ClearML are left out.

    Each with C(tenant), C(state) (C(absent) where the agent is switched off), C(placement) (C(tenant): inside its virtual
    cluster, C(host): in its namespace), C(release), C(namespace), C(host_namespace), C(version), C(values), C(secret), the
    name of the Secret in the tenant's namespace on the host that must be in that namespace before, and C(credentials_digest),
    the value that changes with it.
    Raises ConfigError with every mistake of all tenants.
    """
    problems = Problems()
    site.check(problems)
    found = [_release(tenant, site, problems) for tenant in tenants if tenant["clearml"]["enabled"]]
    problems.raise_if_any("ClearML agents")
    return found


def _release(tenant: Tenant, site: Site, problems: Problems) -> dict[str, Any]:
    agent = tenant["clearml"]["agent"]
    version = agent["chart_version"] or site.versions.get("agent") or ""
    place = f"tenants[{tenant['id']}].clearml.agent.chart_version" if agent["chart_version"] else "site.versions.agent"
    parsed = version_of(place, version, OLDEST, problems)
    return {
        "tenant": tenant["id"],
        "state": "present" if agent["enabled"] else "absent",
        "host_namespace": tenant["namespace"],
        "placement": agent["placement"],
        "release": RELEASE,
        "namespace": tenant["namespace"] if agent["placement"] == "host" else NAMESPACE,
        "version": version,
        "values": values(tenant, site, parsed, problems),
        "secret": AGENT_CREDENTIALS,
        "credentials_digest": CREDENTIALS_DIGEST,
    }


def values(tenant: Tenant, site: Site, version: semver.SemVer, problems: Problems) -> dict[str, Any]:
    """The values of one tenant's agent. Its credentials are in a Secret, never in here."""
    agent, devices = tenant["clearml"]["agent"], sum(tenant["quota"]["accelerators"].values())
    at_most, shown = (devices if agent[name] == "auto" else agent[name] for name in ("max_gpus", "report_max"))
    labelled = any(queue["gpu"] and queue["resource"] != COUNTED for queue in tenant["clearml"]["queues"])
    monitored: dict[str, Any] = {"maxResources": at_most}
    if labelled:
        monitored.update(minResourcesFieldName=_LABEL_FIELD, maxResourcesFieldName=_LABEL_FIELD)
    glue: dict[str, Any] = {
        "apiServerUrlReference": site.url("api"),
        "fileServerUrlReference": site.url("files"),
        "webServerUrlReference": site.url("app"),
        # The queues are made by clearml_queue, which also knows when one has to go.
        "createQueues": False,
        "queues": _queues(tenant, labelled, problems),
        "monitoredResources": monitored,
    }
    if version < semver.parse(REPORTS_ANEW):
        glue["dashboardReportMaxGpu"] = shown
    else:
        glue["orchestrationDashboard"] = {"reportType": "aggregate", "gpu": {"reportMax": shown}}
    if site.pod_template:
        glue["basePodTemplate"] = dict(site.pod_template)
    result: dict[str, Any] = {"clearml": {"existingAgentk8sglueSecret": AGENT_CREDENTIALS}, "agentk8sglue": glue}
    if site.pull_secrets:
        result["imageCredentials"] = {"extraImagePullSecrets": site.secret_list()}
    return result


def _queues(tenant: Tenant, labelled: bool, problems: Problems) -> dict[str, Any]:
    found = {}
    for position, queue in enumerate(tenant["clearml"]["queues"]):
        place = f"tenants[{tenant['id']}].clearml.queues[{position}].template"
        settings: dict[str, Any] = {"templateOverrides": _template(queue, labelled, place, problems)}
        if queue["max_pods"] is not None:
            settings["queueSettings"] = {"maxPods": queue["max_pods"]}
        found[queue["name"]] = settings
    return found


def _template(queue: Mapping[str, Any], labelled: bool, place: str, problems: Problems) -> dict[str, Any]:
    """The pod template of a queue: what was declared, and the devices of one job."""
    template, resource = dict(queue["template"] or {}), queue["resource"]
    for key in sorted(set(template) - set(TEMPLATE_KEYS)):
        problems.add(f"{place}.{key}", template[key], f"one of {', '.join(TEMPLATE_KEYS)}")
    resources = dict(template.get("resources") or {})
    for kind in ("limits", "requests"):
        for name in resources.get(kind) or {}:
            if name == resource:
                problems.add(f"{place}.resources.{kind}.{name}", resources[kind][name], "not here; gpu says it")
    if queue["gpu"]:
        # Kubernetes takes the limit of a device as its request too.
        resources["limits"] = {**(resources.get("limits") or {}), resource: queue["gpu"]}
    if resources:
        template["resources"] = resources
    if labelled:
        template["labels"] = {**(template.get("labels") or {}), _LABEL: str(queue["gpu"])}
    return template
