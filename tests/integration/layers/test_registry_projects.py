# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Projects, robot accounts and promotion in the layer of the registry (PLAT-5, X-1, X-4 to X-7).

Kubernetes is real; Harbor's API is a stand-in on this machine.
"""

from __future__ import annotations

import base64
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.k3k_host import Kube
from tests.integration.layers.conftest import PlatformSite
from tests.integration.layers.releases import Release
from tests.integration.layers.test_suse_registry import PAIRS, SECRETS
from tests.integration.playbooks.runner import Run
from tests.lab import Lab
from tests.lab.harbor.inprocess import PASSWORD, Running, running
from tests.lab.pki import Authority

pytestmark = pytest.mark.lab

NAMESPACE = "registry-users"
SECRET = f"/api/v1/namespaces/{NAMESPACE}/secrets/robot-ci"
PROMOTION = {"repository": "team/shop", "reference": "2.4.1", "from": "staging", "to": "production"}


@pytest.fixture(scope="module")
def namespace(platform_lab: Lab) -> Iterator[Kube]:
    """A namespace for logins, which takes its time to go: one for all tests."""
    instance = Kube.from_file(platform_lab.kubeconfig)
    instance.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    yield instance
    instance.delete(f"/api/v1/namespaces/{NAMESPACE}")


@pytest.fixture
def kube(namespace: Kube) -> Iterator[Kube]:
    """The API, and no login in the namespace."""
    yield namespace
    namespace.delete(SECRET)


@pytest.fixture
def harbor(tmp_path: Path) -> Iterator[Running]:
    """The stand-in under a name, as an Ingress wants it."""
    directory = tmp_path / "harbor"
    directory.mkdir()
    authority = Authority(directory, "ca").ensure()
    authority.issue("server", "localhost", names=("localhost",))
    pair = (directory / "server.crt", directory / "server.key")
    with running(directory, host="localhost", pair=pair, ca_file=authority.certificate_file) as server:
        yield server


@pytest.fixture
def site(site: PlatformSite, harbor: Running, kube: Kube, tmp_path: Path) -> PlatformSite:
    """A site with an external Harbor, two projects, and two robots: one in a Secret, one in a file."""
    site.variables.update(
        platform_release_layers={"suse_registry": True},
        suse_registry_mode="external",
        suse_registry_url=harbor.url,
        suse_registry_ca_path=str(harbor.ca_file),
        suse_registry_api_password=PASSWORD,
        suse_registry_projects=[{"name": "staging"}, {"name": "production", "severity": "medium"}],
        suse_registry_robots=[
            {
                "name": "ci",
                "projects": ["staging"],
                "access": "push",
                "store": {"namespace": NAMESPACE, "name": "robot-ci"},
            },
            {"name": "nodes", "projects": ["production"], "store": {"path": str(tmp_path / "nodes.json")}},
        ],
    )
    return site


def login(kube: Kube) -> tuple[str, str]:
    data = kube.get(SECRET)["data"]
    return base64.b64decode(data["username"]).decode(), base64.b64decode(data["password"]).decode()


def assert_nothing_is_shown(run: Run, harbor: Running) -> None:
    secrets = [PASSWORD]
    for robot in harbor.store.robots.values():
        secrets += [robot.secret, robot.shown]
    for secret in secrets:
        assert secret not in run.output


def by_tasks(site: PlatformSite, tasks: str) -> str:
    """A playbook that runs one entry point of the role."""
    role = {"name": "ai_tenancy.platform.suse_registry", "tasks_from": tasks}
    play = {
        "hosts": "platform_controller",
        "gather_facts": False,
        "tasks": [{"ansible.builtin.import_role": role}],
    }
    path = site.directory / f"{tasks}.yml"
    path.write_text(json.dumps([play]))
    return str(path)


def test_plan_make_again_rotate_and_revoke(site: PlatformSite, harbor: Running, kube: Kube, tmp_path: Path) -> None:
    plan = site.bring("--check", "--diff")
    assert plan.changed == 1
    assert [call for call in harbor.calls() if not call.startswith("GET ")] == []
    assert kube.get(SECRET) is None

    run = site.bring("--diff")
    assert run.changed == 1
    assert run.launches == ["helm_release_info", "uri", "harbor_project"]
    assert_nothing_is_shown(run, harbor)
    assert harbor.store.projects["production"].metadata["severity"] == "medium"
    assert harbor.store.login(*login(kube)) is not None
    assert kube.get(SECRET)["type"] == "kubernetes.io/dockerconfigjson"
    assert stat.S_IMODE((tmp_path / "nodes.json").stat().st_mode) == 0o600

    first = login(kube)
    assert site.bring().changed == 0
    assert site.bring("--check", "--diff").changed == 0
    assert login(kube) == first

    site.variables["suse_registry_robots"][0]["rotation_id"] = "2026-11"
    run = site.bring("--diff")
    assert run.changed == 1
    assert_nothing_is_shown(run, harbor)
    assert first[1] not in run.output
    assert harbor.store.login(*login(kube)) is not None
    assert harbor.store.login(*first) is None

    unsure = site.run("registry_revoke")
    assert "suse_registry_revoke_confirm: '' is not allowed; allowed: 'ci,nodes'" in unsure.failure
    assert site.run("registry_revoke", "--check", suse_registry_revoke_confirm="ci,nodes").changed == 1
    assert len(harbor.store.robots) == 2
    assert site.run("registry_revoke", suse_registry_revoke_confirm="ci,nodes").ok
    assert harbor.store.robots == {}
    assert kube.get(SECRET) is None
    assert not (tmp_path / "nodes.json").exists()
    assert site.run("registry_revoke", suse_registry_revoke_confirm="ci,nodes").changed == 0


def test_answers_that_get_lost_make_no_second_robot(site: PlatformSite, harbor: Running, kube: Kube) -> None:
    harbor.fault(
        {"kind": "reset_after_commit", "call": "POST /projects"},
        {"kind": "reset_after_commit", "call": "POST /robots", "count": 2},
        {"kind": "reset_after_commit", "call": "PATCH /robots/*", "count": 2},
        {"kind": "html", "status": 502, "call": "GET /robots", "count": 2},
    )
    assert site.bring().changed == 1
    assert sorted(robot.name for robot in harbor.store.robots.values()) == ["ci", "nodes"]
    assert harbor.store.login(*login(kube)) is not None
    assert site.bring().changed == 0


def test_a_secret_that_cannot_be_written_stops_before_harbor_is_changed(
    site: PlatformSite, harbor: Running, kube: Kube
) -> None:
    site.variables["suse_registry_robots"][0]["store"]["namespace"] = "nowhere"
    run = site.run("platform")
    assert not run.ok
    assert 'namespaces "nowhere" not found' in run.failure
    # the other one is done
    assert [robot.name for robot in harbor.store.robots.values()] == ["nodes"]


def test_all_mistakes_are_told_before_a_change(site: PlatformSite, harbor: Running) -> None:
    robots = site.variables["suse_registry_robots"]
    robots[0]["valid_days"] = "soon"
    robots[1]["renew_before_days"] = 90
    site.variables["suse_registry_projects"].append({"name": "staging"})
    run = site.run("platform")
    assert not run.ok
    assert "Settings of suse_registry: 3 mistakes, nothing was changed." in run.failure
    assert "suse_registry_robots[ci].valid_days: 'soon' is not allowed; allowed: a whole number of days" in run.failure
    assert harbor.calls() == []


def test_a_refused_login_and_a_server_that_is_away_are_told_apart(site: PlatformSite, harbor: Running) -> None:
    site.variables["suse_registry_api_password"] = "Wrong-password-1"
    run = site.run("platform")
    assert "Harbor 401 UNAUTHORIZED" in run.failure
    assert "Check api_user and api_password." in run.failure
    assert "Wrong-password-1" not in run.output
    site.variables["suse_registry_url"] = "https://localhost:1"
    run = site.run(by_tasks(site, "projects"))
    assert "no answer from https://localhost:1" in run.failure


def test_promotion_after_a_scan(site: PlatformSite, harbor: Running) -> None:
    site.bring()
    digest = harbor.store.push("staging", "team/shop", "2.4.1")
    site.variables["suse_registry_promotions"] = [PROMOTION]
    written = len([call for call in harbor.calls() if not call.startswith("GET ")])
    plan = site.run("registry_promote", "--check", "--diff")
    assert plan.ok
    assert plan.changed == 1
    assert len([call for call in harbor.calls() if not call.startswith("GET ")]) == written
    run = site.run("registry_promote", "--diff")
    assert run.changed == 1
    assert run.launches == ["harbor_promote"]
    assert_nothing_is_shown(run, harbor)
    assert harbor.store.artifact("production", "team/shop", "2.4.1").digest == digest
    assert site.run("registry_promote").changed == 0

    grave = harbor.store.push("staging", "team/shop", "2.4.2")
    harbor.store.findings[grave] = "Critical"
    run = site.run("registry_promote", suse_registry_promotions=[{**PROMOTION, "reference": "2.4.2"}])
    assert not run.ok
    assert "its scan found vulnerabilities of severity critical" in run.failure
    same: list[dict[str, Any]] = [{**PROMOTION, "to": "staging"}, {**PROMOTION, "from": "nowhere"}]
    run = site.run("registry_promote", suse_registry_promotions=same)
    assert "Promotions: 2 mistakes, nothing was changed." in run.failure


def test_with_harbor_in_the_cluster(site: PlatformSite, harbor: Running, kube: Kube, platform_lab: Lab) -> None:
    """The plan before Harbor is there asks nobody; then chart, projects and robots come in one run."""
    classes = "/apis/networking.k8s.io/v1/ingressclasses"
    body = {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "traefik"}}
    kube.create(classes, {**body, "spec": {"controller": "example.com/traefik"}})
    try:
        site.variables.update(SECRETS, **PAIRS, suse_registry_mode="cluster")
        plan = site.bring("--check", "--diff")
        assert "After it: 2 projects, 2 robot accounts." in " ".join(plan.output.split())
        assert harbor.calls() == []
        run = site.bring()
        assert "harbor_project" in run.launches
        assert harbor.store.login(*login(kube)) is not None
        assert site.bring().changed == 0
        assert site.bring("--check", "--diff").changed == 0
        confirmed = {"platform_release_remove_layers": ["suse_registry"], "platform_release_remove_confirm": "harbor"}
        assert site.run("platform_remove", **confirmed).ok
        assert Release(platform_lab, "harbor", "harbor").revisions() == {}
    finally:
        kube.delete(f"{classes}/traefik")
