# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Inside the virtual clusters of many tenants: what is written, read, and never shown (CML-4, X-5)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import ConfigError, NotFoundError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform.inside import parse_inside
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.inside import How, Inside, Outcome

from ..core.platform.helm import revision

NAME = "clearml-enterprise-agent"


def secret(tenant: str, name: str, **content: str) -> dict[str, Any]:
    data = {key: base64.b64encode(text.encode()).decode() for key, text in content.items()}
    return {"metadata": {"namespace": f"t-{tenant}", "name": name}, "type": "Opaque", "data": data}


def kubeconfig(tenant: str) -> str:
    cluster = {"name": "c", "cluster": {"server": f"https://{tenant}.example.com"}}
    user = {"name": "u", "user": {"client-key-data": f"key-of-{tenant}"}}
    return yaml.safe_dump({"clusters": [cluster], "users": [user]})


class Inner:
    """The API of a virtual cluster: core objects in memory, and the Secrets of Helm releases."""

    def __init__(self, *releases: dict[str, Any]) -> None:
        self.objects: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.releases = releases
        self.writes = 0

    def request(self, _method: str, path: str) -> dict[str, Any]:
        if path != "/api/v1":
            raise NotFoundError(path)
        kinds = (("Namespace", "namespaces", False), ("Secret", "secrets", True), ("Service", "services", True))
        return {"resources": [{"kind": kind, "name": plural, "namespaced": inside} for kind, plural, inside in kinds]}

    def list(self, _kind: Any, _namespace: str = "", labels: str = "") -> list[dict[str, Any]]:
        assert NAME in labels
        return list(self.releases)

    def get(self, kind: Any, name: str, namespace: str = "") -> dict[str, Any] | None:
        return self.objects.get((kind.name, namespace if kind.namespaced else "", name))

    def delete(self, kind: Any, name: str, namespace: str = "", dry_run: bool = False) -> None:
        assert not dry_run
        del self.objects[kind.name, namespace if kind.namespaced else "", name]

    def apply(self, kind: Any, body: Mapping[str, Any], dry_run: bool = False, force: bool = False) -> dict[str, Any]:
        assert not force
        metadata = body["metadata"]
        if not dry_run:
            self.writes += 1
            self.objects[kind.name, metadata.get("namespace", "") if kind.namespaced else "", metadata["name"]] = dict(
                body
            )
        return dict(body)


class World(Inner):
    """A host with two tenants."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = {"acme": Inner(), "beta": Inner()}
        self.secrets = [
            secret(tenant, name, **content)
            for tenant in ("acme", "beta")
            for name, content in (
                ("tenant-kubeconfig", {"kubeconfig.yaml": kubeconfig(tenant)}),
                (
                    "clearml-agent-credentials",
                    {"agentk8sglue_key": f"KEY{tenant}", "agentk8sglue_secret": f"word-{tenant}"},
                ),
            )
        ]
        self.lists = 0
        self.learned: list[str] = []

    def list(self, _kind: Any, _namespace: str = "", labels: str = "") -> list[dict[str, Any]]:
        assert labels == "ai-tenancy.platform/tenant"
        self.lists += 1
        return self.secrets

    def connect(self, config: Mapping[str, Any]) -> Any:
        return self.inner[config["clusters"][0]["cluster"]["server"].split("//")[1].split(".")[0]]

    def run(self, *items: dict[str, Any], **how: Any) -> list[Any]:
        session: Any = self
        asked = items or tuple(item(tenant) for tenant in self.inner)
        pull = [{"name": "pull", "registry": "registry.example.com", "username": "u", "password": "word-of-registry"}]
        requests = parse_inside({"tenants": list(asked), "pull_secrets": pull})
        return Inside(session, How(**how), self.learned.append, self.connect).carry_out(requests)


def item(tenant: str, **more: Any) -> dict[str, Any]:
    releases = [{"name": NAME}]
    return {
        "tenant": tenant,
        "inside": "clearml",
        "secrets": ["clearml-agent-credentials"],
        "releases": releases,
        **more,
    }


def test_each_gets_its_own_credentials_and_nothing_twice() -> None:
    world = World()
    for found in world.run():
        assert isinstance(found, Outcome)
        assert found.error is None
        written = [(step.kind, step.name) for step in found.steps]
        assert written == [("Namespace", "clearml"), ("Secret", "pull"), ("Secret", "clearml-agent-credentials")]
        assert [release.status for release in found.releases] == ["absent"]
        assert found.kubeconfig == ""
    for tenant, inner in world.inner.items():
        copy = inner.objects["Secret", "clearml", "clearml-agent-credentials"]
        assert base64.b64decode(copy["data"]["agentk8sglue_secret"]).decode() == f"word-{tenant}"
    assert {"word-acme", "key-of-acme", "word-beta", "key-of-beta"} <= set(world.learned)
    before = [inner.writes for inner in world.inner.values()]
    assert [found.steps for found in world.run()] == [[], []]
    assert [inner.writes for inner in world.inner.values()] == before
    # One look at the host for all of them, each time.
    assert world.lists == 2


def test_releases_are_told_as_they_are() -> None:
    world = World()
    there = revision(3, "failed", NAME)
    there["metadata"]["namespace"] = "clearml"
    world.inner["beta"].releases = (there,)
    acme, beta = world.run()
    assert (acme.releases[0].status, beta.releases[0].status) == ("absent", "failed")


def test_check_mode_writes_nothing_and_takes_a_missing_cluster_for_an_empty_one(tmp_path: Path) -> None:
    world = World()
    world.secrets = [each for each in world.secrets if each["metadata"]["namespace"] != "t-beta"]
    acme, beta = world.run(check_mode=True, kubeconfig_dir=str(tmp_path))
    assert (acme.reachable, beta.reachable) == (True, False)
    assert len(acme.steps) == 3
    assert [step.reason for step in beta.steps] == ["the virtual cluster is not there yet"]
    assert beta.releases[0].status == "absent"
    assert [inner.writes for inner in world.inner.values()] == [0, 0]
    # A plan needs the files too: Helm renders what would be installed.
    assert [path.name for path in tmp_path.iterdir()] == ["acme.yaml"]


def test_one_that_fails_stops_no_other() -> None:
    world = World()
    world.secrets = [each for each in world.secrets if each["metadata"]["namespace"] != "t-acme"]
    missing, good = world.run()
    assert isinstance(missing, NotFoundError)
    assert "Tenant acme: there is no kubeconfig in Secret t-acme/tenant-kubeconfig. Run the playbook tenants" in str(
        missing
    )
    assert good.error is None
    without = world.run(item("beta", secrets=["other"]))[0]
    assert "there is no Secret t-beta/other. Run the playbook tenants" in str(without)


def test_where_nothing_is_wanted_nothing_is_written_and_no_cluster_is_needed() -> None:
    world = World()
    world.secrets = [each for each in world.secrets if each["metadata"]["namespace"] != "t-acme"]
    for found, reachable in zip(
        world.run(item("acme", state="absent"), item("beta", state="absent")), (False, True), strict=True
    ):
        assert (found.steps, found.reachable, found.releases[0].status) == ([], reachable, "absent")
    assert [inner.writes for inner in world.inner.values()] == [0, 0]


def test_objects_on_the_host_lie_in_the_tenants_namespace() -> None:
    def service(name: str) -> dict[str, Any]:
        return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {}}

    world = World()
    made = [{"name": "way", "objects": [service("gateway")]}]
    acme, _beta = world.run(item("acme", host_stages=made), item("beta"))
    assert [step.name for step in acme.steps if step.kind == "Service"] == ["gateway"]
    assert ("Service", "t-acme", "gateway") in world.objects
    assert not any(kind == "Service" for kind, _namespace, _name in world.inner["acme"].objects)
    (again,) = world.run(item("acme", host_stages=made))
    assert again.steps == []
    # Where the virtual cluster is switched off or away they can be taken back too.
    gone = [{"name": "way", "state": "absent", "objects": [service("gateway")]}]
    world.secrets = []
    (removed,) = world.run(item("acme", state="absent", host_stages=gone))
    assert ([step.action for step in removed.steps], removed.reachable) == (["remove"], False)
    assert ("Service", "t-acme", "gateway") not in world.objects


def test_a_kubeconfig_is_written_for_its_owner_only(tmp_path: Path) -> None:
    (found,) = World().run(item("acme"), kubeconfig_dir=str(tmp_path / "new"))
    path = Path(found.kubeconfig)
    assert path.read_text(encoding="utf-8") == kubeconfig("acme")
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


PAIR = {"clearml.apiKey": "agentk8sglue_key", "clearml.apiSecret": "agentk8sglue_secret"}


def gateway(tenant: str, **keys: str) -> dict[str, Any]:
    given = {"secret": "clearml-agent-credentials", "keys": keys or PAIR}
    return item(tenant, secrets=[], releases=[{"name": NAME, "secret_values": given}])


def test_values_that_are_secrets_are_compared_and_go_into_a_file_only(tmp_path: Path) -> None:
    world = World()
    for tenant, word in (("acme", "word-acme"), ("beta", "an older one")):
        values = {"clearml": {"apiKey": f"KEY{tenant}", "apiSecret": word}, "more": 1}
        there = revision(1, "deployed", NAME, values=values)
        there["metadata"]["namespace"] = "clearml"
        world.inner[tenant].releases = (there,)
    same, other = world.run(gateway("acme"), gateway("beta"), kubeconfig_dir=str(tmp_path))
    assert same.releases[0].as_dict()["release_values"] == {"more": 1}
    assert list(other.releases[0].as_dict()["release_values"]["clearml"]) == ["apiSecret"]
    assert "word-acme" in world.learned
    assert world.inner["acme"].objects.keys() & {("Secret", "clearml", "clearml-agent-credentials")} == set()
    (path,) = map(Path, other.values_files)
    assert path.name == f"beta.{NAME}.yaml"
    assert path.stat().st_mode & 0o777 == 0o600
    assert yaml.safe_load(path.read_text(encoding="utf-8")) == {
        "clearml": {"apiKey": "KEYbeta", "apiSecret": "word-beta"}
    }
    (without,) = world.run(gateway("acme"))
    assert (without.values_files, without.kubeconfig) == ([], "")


def test_a_digest_of_a_secret_is_a_value_too(tmp_path: Path) -> None:
    given = {"secret": "clearml-agent-credentials", "digest": "glue.annotations.checksum/credentials"}
    world = World()
    (first,) = world.run(item("acme", releases=[{"name": NAME, "secret_values": given}]), kubeconfig_dir=str(tmp_path))
    (path,) = map(Path, first.values_files)
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    there = revision(1, "deployed", NAME, values=values)
    there["metadata"]["namespace"] = "clearml"
    world.inner["acme"].releases = (there,)
    (same,) = world.run(item("acme", releases=[{"name": NAME, "secret_values": given}]))
    assert same.releases[0].as_dict()["release_values"] == {}
    world.secrets[1] = secret("acme", "clearml-agent-credentials", agentk8sglue_key="K", agentk8sglue_secret="another")
    (other,) = world.run(item("acme", releases=[{"name": NAME, "secret_values": given}]))
    assert list(other.releases[0].as_dict()["release_values"]) == ["glue"]


def test_a_secret_without_the_key_is_an_error_of_its_tenant() -> None:
    lacking, good = World().run(gateway("acme", **{"clearml.apiKey": "other"}), gateway("beta"))
    assert "Tenant acme: Secret t-acme/clearml-agent-credentials has no other. Run the playbook tenants" in str(lacking)
    assert good.error is None


def test_mistakes_come_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        World().run(item("acme"), item("acme", inside="Not a name"), item("X"), gateway("beta", **{"a..b": "k"}))
    assert [problem.path for problem in caught.value.problems] == [
        "tenants[acme]",
        "tenants[acme].inside",
        "tenants[X].tenant",
        f"tenants[beta].releases[{NAME}].secret_values.keys.a..b",
    ]
