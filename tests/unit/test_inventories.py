# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The inventories that show the topologies: Ansible reads them, every variable is one, every layer takes its settings.

They are read by the real ansible-inventory and ansible-playbook, with a vault made up here. No host is contacted.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import Problems
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2.registries import check_registries

ROOT = Path(__file__).resolve().parents[2]
INVENTORIES = ROOT / "inventories"
#: Inventories with layers -> the hosts that stand for clusters; those with nodes -> the number of servers and agents.
PLATFORMS = {"all_in_one": ["all-in-one"], "management_workload/platform": ["management", "workload-1"]}
NODES = {
    "all_in_one": (3, 5),
    "management_workload/nodes_management": (3, 3),
    "management_workload/nodes_workload_1": (3, 3),
}
#: Variables by which one setting reaches several roles; each is the default of some role's variable.
SHARED = re.compile(r"(?<![\w.])(platform_(?!release_)\w+) \| default\(")
SECRET = re.compile(r"(password|secret|token|_key|license|seed|htpasswd|hash)$")

#: What the checks of the roles take for a secret of each kind.
BCRYPT = "$2y$10$" + "m" * 53
VAULT = {
    "vault_registry_admin_password": "Admin-of-the-tests-1",
    "vault_registry_secret_key": "sixteen-letters!",
    "vault_registry_htpasswd": f"harbor_registry_user:{BCRYPT}",
    "vault_observability_admin_password_hash": BCRYPT,
    "vault_security_admin_password": "First-password-1",
}
MADE_UP = "made-up-for-the-tests-and-long-enough"


def run(*command: str) -> str:
    """Run a program of Ansible; its output. It must end well."""
    environment = {
        **{name: os.environ[name] for name in ("HOME", "PATH", "LANG", "TMPDIR") if name in os.environ},
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
        "ANSIBLE_NOCOLOR": "1",
    }
    program = [str(Path(sys.executable).parent / command[0]), *command[1:]]
    done = subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert "[WARNING]" not in done.stderr, done.stderr
    return done.stdout


def files_of(inventory: str) -> list[Path]:
    return sorted((INVENTORIES / inventory).rglob("*_vars/**/*.yml"))


def variables_of(inventory: str) -> dict[str, Any]:
    """Every variable that some file of an inventory sets."""
    hosts = yaml.safe_load((INVENTORIES / inventory / "hosts.yml").read_text(encoding="utf-8"))
    found: dict[str, Any] = {}
    pending = [hosts["all"]]
    while pending:
        group = pending.pop() or {}
        for entry in (group, *(group.get("hosts") or {}).values()):
            own = entry.get("vars") or {} if entry is group else entry or {}
            found.update(own)
        pending += (group.get("children") or {}).values()
    for path in files_of(inventory):
        found.update(yaml.safe_load(path.read_text(encoding="utf-8")))
    return found


def known() -> set[str]:
    """The variables of all roles, and those by which one setting reaches several."""
    names: set[str] = set()
    for specs in ROOT.glob("roles/*/meta/argument_specs.yml"):
        for entry in yaml.safe_load(specs.read_text(encoding="utf-8"))["argument_specs"].values():
            names |= set(entry["options"])
    for defaults in ROOT.glob("roles/*/defaults/main.yml"):
        names |= set(SHARED.findall(defaults.read_text(encoding="utf-8")))
    return names


@pytest.mark.parametrize("inventory", sorted({*PLATFORMS, *NODES}))
def test_every_variable_is_in_the_argument_specs(inventory: str) -> None:
    """Or Ansible's own, or one of the site's that the same inventory reads."""
    declared = variables_of(inventory)
    unknown = {name for name in declared if not name.startswith("ansible_")} - known()
    text = "\n".join(path.read_text(encoding="utf-8") for path in files_of(inventory))
    assert {name for name in unknown if not name.startswith("site_")} == set()
    assert [name for name in unknown if not re.search(rf"[{{(] *{name}\b", text)] == []
    assert len(declared) > 8


@pytest.mark.parametrize("inventory", sorted({*PLATFORMS, *NODES}))
def test_secrets_come_from_the_vault(inventory: str) -> None:
    def look(name: str, value: Any) -> None:
        if isinstance(value, dict):
            for inner, deeper in value.items():
                look(str(inner).lower(), deeper)
        elif isinstance(value, list):
            for deeper in value:
                look(name, deeper)
        elif SECRET.search(name):
            found.append(name)
            assert re.search(r"^\{\{ vault_\w+ \}\}$", str(value)), f"{name} is no variable of the vault"

    found: list[str] = []
    for name, value in variables_of(inventory).items():
        look(name, value)
    assert found


@pytest.mark.parametrize("inventory", NODES)
def test_ansible_reads_the_nodes(inventory: str) -> None:
    data = json.loads(run("ansible-inventory", "-i", f"inventories/{inventory}", "--list"))
    text = run("ansible-inventory", "-i", f"inventories/{inventory}", "--graph", "rke2_servers")
    servers = re.findall(r"--(\w[\w.-]*)$", text, re.MULTILINE)
    nodes = [host for host in data["_meta"]["hostvars"] if data["_meta"]["hostvars"][host].get("rke2_version")]
    assert (len(servers), len(nodes) - len(servers)) == NODES[inventory]
    variables = data["_meta"]["hostvars"][servers[0]]
    problems = Problems()
    registries = json.loads(json.dumps(variables.get("rke2_registries") or {}))
    check_registries(problems, "rke2_registries", registries)
    assert [str(problem) for problem in problems] == []
    assert all(data["_meta"]["hostvars"][host]["rke2_cluster_name"] == variables["rke2_cluster_name"] for host in nodes)


def test_clusters_side_by_side_have_names_networks_and_kubeconfigs_of_their_own() -> None:
    one, other = (variables_of(f"management_workload/nodes_{name}") for name in ("management", "workload_1"))
    for name in ("cluster_name", "api_endpoint", "cluster_cidr", "service_cidr", "kubeconfig_dest"):
        assert one[f"rke2_{name}"] != other[f"rke2_{name}"], name
    platform = variables_of("management_workload/platform")
    kubeconfig = platform["platform_release_kubernetes"]["kubeconfig"]
    for nodes, name in ((one, "management"), (other, "workload-1")):
        assert nodes["rke2_cluster_name"] == name
        assert nodes["rke2_kubeconfig_dest"] == kubeconfig.replace("{{ inventory_hostname }}", name)
    assert platform["k3k_host_cluster_cidr"] == other["rke2_cluster_cidr"]


@pytest.fixture
def made_up(tmp_path: Path) -> Path:
    """Extra variables: a vault, and the files that are on no machine."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in INVENTORIES.rglob("*.yml"))
    vault = {name: VAULT.get(name, MADE_UP) for name in re.findall(r"vault_\w+", text)}
    certificate, kinds = tmp_path / "ca.crt", tmp_path / "crds.yaml"
    certificate.write_text("-----BEGIN CERTIFICATE-----\nmade up\n-----END CERTIFICATE-----\n", encoding="utf-8")
    kinds.touch()
    extra = tmp_path / "extra.yml"
    files = {"site_ca_path": str(certificate), "clearml_server_mongodb_definitions": str(kinds)}
    extra.write_text(yaml.safe_dump({**vault, **files}), encoding="utf-8")
    return extra


def playbook(path: Path, layers: list[str]) -> Path:
    """A playbook that judges all clusters together, then asks each layer what is wrong with its settings.

    A role that is imported and left out shows its variables; that is all that is wanted of it.
    """
    tasks: list[dict[str, Any]] = [
        {"ansible.builtin.import_role": {"name": "ai_tenancy.platform.platform_release", "tasks_from": name}}
        for name in ("versions", "topology")
    ]
    for layer in layers:
        tasks.append({"ansible.builtin.import_role": {"name": f"ai_tenancy.platform.{layer}"}, "when": False})
        if f"__{layer}_problems:" in (ROOT / "roles" / layer / "vars" / "main.yml").read_text(encoding="utf-8"):
            wanted = f"platform_release_layers.{layer} | default(false)"
            said = {"that": f"__{layer}_problems | length == 0", "fail_msg": f"{{{{ __{layer}_problems }}}}"}
            tasks.append({"name": f"asked {layer}", "ansible.builtin.assert": said, "when": wanted})
    play = [{"name": "Look", "hosts": "platform_controller", "gather_facts": False, "tasks": tasks}]
    path.write_text(yaml.safe_dump(play, sort_keys=False), encoding="utf-8")
    return path


@pytest.mark.parametrize("inventory", PLATFORMS)
def test_clusters_go_together_and_every_layer_takes_its_settings(inventory: str, made_up: Path, tmp_path: Path) -> None:
    text = (ROOT / "roles" / "platform_release" / "vars" / "versions.yml").read_text(encoding="utf-8")
    layers = list(yaml.safe_load(text)["__platform_release_versions"]["layers"])
    book = playbook(tmp_path / "look.yml", layers)
    output = run("ansible-playbook", str(book), "-i", f"inventories/{inventory}", "-e", f"@{made_up}")
    recap = dict(re.findall(r"^(\S+) +: ok=(\d+) +changed=0 +unreachable=0 +failed=0", output, re.MULTILINE))
    assert sorted(recap) == PLATFORMS[inventory]
    assert all(int(number) >= 6 for number in recap.values()), output[-2000:]
    declared = " ".join(path.read_text(encoding="utf-8") for path in files_of(inventory))
    assert [layer for layer in layers if f"  {layer}: true" not in declared] == []


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"suse_observability_server": True}, "workload-1: suse_observability_url: 'observability.example.com'"),
        (
            {"platform_release_kubernetes": {"kubeconfig": "/one.yaml"}},
            "a cluster of its own; management is this one already",
        ),
        (
            {"platform_clearml_domain": "ml.example.org", "clearml_server_base_domain": "a.example.org"},
            "workload-1: platform_cl",
        ),
    ],
)
def test_a_wrong_division_is_told_before_anything_is_asked(wrong: dict[str, Any], told: str, made_up: Path) -> None:
    """By the playbook itself, on a machine that reaches no cluster."""
    arguments = ("-i", "inventories/management_workload/platform", "-e", f"@{made_up}", "-e", json.dumps(wrong))
    with pytest.raises(AssertionError) as caught:
        run("ansible-playbook", "ai_tenancy.platform.platform", *arguments)
    text = str(caught.value)
    assert told in text
    assert "nothing was changed" in text
    assert "Look | Read the releases" not in text


@pytest.mark.parametrize(
    ("playbook_name", "arguments", "told"),
    [
        ("clearml", ("--limit", "workload-1"), "none of workload-1 has clearml_server; nothing was changed"),
        ("rancher_restore", (), "rancher_restore_confirm: '' is not allowed"),
        (
            "platform_remove",
            (),
            "This acts on one cluster at a time; nothing was changed. Name it: --limit with one of",
        ),
        (
            "registry_promote",
            (),
            "This acts on one cluster at a time; nothing was changed. Name it: --limit with one of",
        ),
    ],
)
def test_what_is_about_one_layer_keeps_to_its_cluster(
    playbook_name: str, arguments: tuple[str, ...], told: str, made_up: Path
) -> None:
    """Else ClearML's server would come to every cluster, and a restore of Rancher too."""
    common = ("-i", "inventories/management_workload/platform", "-e", f"@{made_up}", *arguments)
    with pytest.raises(AssertionError) as caught:
        run("ansible-playbook", f"ai_tenancy.platform.{playbook_name}", *common)
    text = str(caught.value)
    assert told in re.sub(r"\s+", " ", text)
    assert not re.search(r"^(ok|changed|fatal): \[workload-1\]", text, re.MULTILINE) or arguments
    assert "changed=0" in text
