# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Every layer of the platform by one playbook, from an empty cluster to an empty cluster: X-1, X-4, X-5, PLAT-1 to PLAT-10.

The site is that of molecule's scenarios. What each layer does by itself, its own file tests.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.layers.conftest import PlatformSite
from tests.integration.layers.helm_controller import HelmController
from tests.integration.layers.releases import Release
from tests.lab import Lab
from tests.lab.description import PROJECT

pytestmark = pytest.mark.lab

#: Words in the names of variables that are secrets.
SECRET = ("password", "secret", "seed", "api_key", "license", "hash")


def declared() -> dict[str, Any]:
    """The variables of a site that has every layer."""
    variables = PROJECT / "molecule" / "layers" / "inventory" / "group_vars" / "platform_controller"
    return dict(yaml.safe_load((variables / "site.yml").read_text(encoding="utf-8")))


def secrets_of(variables: dict[str, Any]) -> list[str]:
    """Every text in these variables that stands under a name of a secret."""
    found: list[str] = []
    for name, value in variables.items():
        if isinstance(value, dict):
            found += secrets_of(value)
        elif isinstance(value, str) and any(word in name for word in SECRET):
            found.append(value)
    return found


@pytest.fixture
def everything(site: PlatformSite, platform_lab: Lab, helm: Path, tmp_path: Path) -> Iterator[PlatformSite]:
    """A site with every layer; what a failed test left is taken out."""
    site.variables.update(declared(), platform_release_wait_timeout=300)
    with HelmController(platform_lab, helm, tmp_path / "rke2"):
        yield site
        site.take_out(*declared()["platform_release_layers"], confirm=",".join(releases(platform_lab)))


def releases(lab: Lab) -> set[str]:
    """The releases of Helm that are there, without those that RKE2 brings itself."""
    items = lab.api().request("GET", "/api/v1/secrets?labelSelector=owner%3Dhelm")["items"]
    return {item["metadata"]["labels"]["name"] for item in items if item["metadata"]["namespace"] != "kube-system"}


def test_every_layer_comes_stays_changes_and_goes(everything: PlatformSite, platform_lab: Lab) -> None:
    layers = list(everything.variables["platform_release_layers"])
    secrets = secrets_of(declared())
    assert len(layers) >= 12
    assert len(secrets) >= 15

    plan = everything.bring("--check", "--diff")
    assert plan.changed > 0
    assert releases(platform_lab) == set()

    run = everything.bring("--diff")
    there = releases(platform_lab)
    assert len(there) >= len(layers)

    again = everything.bring()
    assert again.changed == 0
    assert again.launches.count("helm_release_info") == 1
    after = everything.bring("--check", "--diff")
    assert after.changed == 0

    everything.variables["suse_storage_replicas"] = 2
    before = platform_lab.api().request("GET", "/api/v1/secrets?labelSelector=owner%3Dhelm")["items"]
    changed = everything.bring("--diff")
    now = platform_lab.api().request("GET", "/api/v1/secrets?labelSelector=owner%3Dhelm")["items"]
    assert {item["metadata"]["name"] for item in now} - {item["metadata"]["name"] for item in before} == {
        "sh.helm.release.v1.longhorn.v2"
    }
    assert Release(platform_lab, "longhorn-system", "longhorn").values()["persistence"]["defaultClassReplicaCount"] == 2

    everything.take_out(*layers, confirm=",".join(there))
    assert releases(platform_lab) == set()
    for told in (plan, run, again, after, changed):
        assert [secret for secret in secrets if secret in told.output or json.dumps(secret)[1:-1] in told.output] == []
