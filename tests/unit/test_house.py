# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The rules of the house, read from the sources: who may import whom, and what must not be in the tree."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins"
COLLECTION = "ansible_collections.ai_tenancy.platform"
LICENSE_LINES = ("# Copyright: (c) 2026, ai_tenancy contributors", "# SPDX-License-Identifier: Apache-2.0")


def known_files() -> list[Path]:
    """Return every file that git tracks or would add."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()]


def dotted(path: Path) -> str:
    """Return the module name of a Python file of the collection, e.g. ``plugins.module_utils.core.plan``."""
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path, source: str | None = None) -> Iterator[tuple[int, str]]:
    """Yield line and absolute name of everything a file imports, our own without the collection's prefix.

    ``from a import b`` counts as ``a.b``: b may be a module. Imports inside functions count too.
    """
    tree = ast.parse(source if source is not None else path.read_text(encoding="utf-8"))
    package = dotted(path).split(".") if path.name == "__init__.py" else dotted(path).split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            yield node.lineno, name.removeprefix(f"{COLLECTION}.")


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


UTILS = "plugins.module_utils"
KUBERNETES = ("kubernetes", "ansible_collections.kubernetes", "openshift")
NETWORK = ("http", "requests", "socket", "ssl", "urllib3", "urllib.request", "ansible.module_utils.urls")
#: Each talks to one outside world: Kubernetes, ClearML, a registry, the machine that the module runs on.
ROOMS = ("kube", "clearml", "registry", "host")
#: The HTTPS that rooms share.
WEB = f"{UTILS}.web"
#: What only the controller loads.
CONTROLLER = ("action", "filter", "inventory", "plugin_utils")
CHANCE_AND_CLOCK = ("time", "random", "secrets", "uuid")


def broken_doors(path: Path, source: str | None = None) -> list[str]:
    """Return one line for each import of ``path`` that goes through a wall of the house."""
    me = dotted(path)
    found = []
    for line, name in imports(path, source):
        ours = within(name, "plugins")
        if within(me, f"{UTILS}.core"):
            wrong = (ours and not within(name, f"{UTILS}.core")) or within(
                name,
                "ansible",
                "ansible_collections",
                *KUBERNETES,
                *NETWORK,
                *CHANCE_AND_CLOCK,
                "clearml",
                "subprocess",
            )
        elif within(me, *(f"{UTILS}.{room}" for room in ROOMS)):
            others = set(ROOMS) - {me.split(".")[2]}
            wrong = (ours and not within(name, UTILS)) or within(
                name, *(f"{UTILS}.{room}" for room in (*others, "module"))
            )
        elif within(me, UTILS):
            wrong = within(name, "plugins.modules", *(f"plugins.{kind}" for kind in CONTROLLER))
        elif within(me, "plugins.modules"):
            wrong = ours and not within(name, UTILS)
        elif within(me, "plugins.action"):
            # thin too: what the actions share is in plugin_utils, and what the modules do is not their business
            wrong = ours and not within(name, "plugins.plugin_utils")
        elif within(me, "plugins.plugin_utils"):
            wrong = ours and not within(name, "plugins.plugin_utils", UTILS)
        else:
            wrong = within(name, "plugins.modules", "plugins.action")
        # one room for each outside world
        wrong = wrong or (within(name, *KUBERNETES) and not within(me, f"{UTILS}.kube"))
        wrong = wrong or (within(name, *NETWORK) and not within(me, WEB, *(f"{UTILS}.{room}" for room in ROOMS)))
        # nothing but host/ reads or changes a machine by its programs; module.py lends it Ansible's way to run them
        wrong = wrong or (within(name, "subprocess") and within(me, "plugins"))
        if wrong:
            found.append(f"{path.relative_to(ROOT)}:{line}: {me} must not import {name}")
    return found


def test_doors() -> None:
    files = sorted(PLUGINS.rglob("*.py"))
    assert files
    assert [broken for path in files for broken in broken_doors(path)] == []


@pytest.mark.parametrize(
    ("where", "source"),
    [
        ("module_utils/core/x.py", "from ansible.module_utils.basic import AnsibleModule"),
        ("module_utils/core/x.py", "from ..kube import session"),
        ("module_utils/core/x.py", "from .. import module"),
        ("module_utils/core/x.py", "import time"),
        ("module_utils/core/x.py", "def f():\n    import urllib.request"),
        ("module_utils/kube/x.py", "from ..clearml.session import Session"),
        ("module_utils/kube/x.py", "from ..module import run"),
        ("module_utils/clearml/x.py", "from kubernetes import client"),
        ("module_utils/registry/x.py", "from ..clearml.session import Session"),
        ("module_utils/core/x.py", "from ..web import Web"),
        ("module_utils/host/x.py", "from ..kube.session import Session"),
        ("module_utils/host/x.py", "import subprocess"),
        ("module_utils/host/x.py", "from kubernetes import client"),
        ("module_utils/core/x.py", "from ..host import files"),
        ("module_utils/module.py", f"import {COLLECTION}.plugins.modules.gpu_quota"),
        ("module_utils/module.py", "from ansible_collections.kubernetes.core.plugins.module_utils import args_common"),
        ("modules/x.py", "import kubernetes"),
        ("modules/x.py", f"from {COLLECTION}.plugins.modules.gpu_quota import main"),
        ("modules/x.py", f"from {COLLECTION}.plugins.plugin_utils.in_process import InProcessAction"),
        ("module_utils/module.py", f"import {COLLECTION}.plugins.plugin_utils.in_process"),
        ("action/x.py", f"from {COLLECTION}.plugins.modules.gpu_quota import main"),
        ("action/x.py", f"from {COLLECTION}.plugins.module_utils.kube import session"),
        ("plugin_utils/x.py", f"import {COLLECTION}.plugins.action.gpu_quota"),
        ("filter/x.py", "from ansible.module_utils.urls import open_url"),
    ],
)
def test_a_broken_door_is_seen(where: str, source: str) -> None:
    assert len(broken_doors(PLUGINS / where, source)) == 1


@pytest.mark.parametrize(
    ("where", "source"),
    [
        ("module_utils/core/x.py", "from . import errors\nfrom .plan import Plan\nfrom urllib.parse import quote"),
        ("module_utils/kube/x.py", "import kubernetes\nfrom ..core import errors\nfrom .session import Session"),
        ("module_utils/host/x.py", "import socket\nimport ssl\nfrom ..core.rke2 import version"),
        ("module_utils/module.py", "from .core import errors\nfrom .kube.session import Session"),
        ("modules/x.py", f"from {COLLECTION}.plugins.module_utils.module import run"),
        ("action/x.py", f"from {COLLECTION}.plugins.plugin_utils.in_process import InProcessAction"),
    ],
)
def test_an_open_door_is_open(where: str, source: str) -> None:
    assert broken_doors(PLUGINS / where, source) == []


def test_core_never_asks_for_the_time() -> None:
    """``core`` may calculate with dates; what time it is, its callers tell it."""
    sources = {path: path.read_text(encoding="utf-8") for path in (PLUGINS / "module_utils" / "core").rglob("*.py")}
    assert [
        str(path) for path, source in sources.items() if re.search(r"\bdate(time)?\.(now|utcnow|today)\(", source)
    ] == []


def test_no_gate_is_weakened_by_an_ignore_file() -> None:
    names = [str(path.relative_to(ROOT)) for path in known_files()]
    assert [name for name in names if re.search(r"sanity/ignore|\.ansible-lint-ignore|lint/ignore", name)] == []
    lint = yaml.safe_load((ROOT / ".ansible-lint").read_text(encoding="utf-8"))
    assert lint["profile"] == "production"
    assert not {"skip_list", "warn_list"} & set(lint)


def documentation(module: Path) -> dict[str, Any]:
    """Return the DOCUMENTATION of a module."""
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["DOCUMENTATION"]:
            return yaml.safe_load(ast.literal_eval(node.value))
    raise AssertionError(f"{module} has no DOCUMENTATION")


def test_action_groups_match_the_modules() -> None:
    """``module_defaults: group/ai_tenancy.platform.k8s`` reaches every module that talks to Kubernetes, and so on."""
    fragments = {
        module.stem: documentation(module).get("extends_documentation_fragment", [])
        for module in sorted((PLUGINS / "modules").glob("[a-z]*.py"))
    }
    expected = {
        "all": list(fragments),
        "clearml": [name for name, used in fragments.items() if "ai_tenancy.platform.clearml_auth" in used],
        "harbor": [name for name, used in fragments.items() if "ai_tenancy.platform.harbor_auth" in used],
        "k8s": [name for name, used in fragments.items() if "kubernetes.core.k8s_auth_options" in used],
    }
    groups = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))["action_groups"]
    written = {group: [name for name in members if isinstance(name, str)] for group, members in groups.items()}
    assert written == expected, f"meta/runtime.yml must say:\n{yaml.safe_dump(expected)}"


#: Actions that are no module, and the modules that they ask.
LOOKS = {
    "platform_layer_info": ["platform_objects"],
    "tenant_changes_info": ["tenant_guard", "gpu_quota", "k3k_cluster"],
}


def test_actions_differ_in_nothing_but_their_module() -> None:
    """All modules that talk to an API have one, and only they: what works on a machine must run there."""
    template = (PLUGINS / "action" / "gpu_quota.py").read_text(encoding="utf-8")
    written = {path.stem: path.read_text(encoding="utf-8") for path in sorted((PLUGINS / "action").glob("[a-z]*.py"))}
    looks = {name: re.findall(r'"(\w+)"', written.pop(name)) for name in LOOKS}
    assert looks == LOOKS
    assert written == {name: template.replace("gpu_quota", name) for name in written}
    apis = {f"ai_tenancy.platform.{api}_auth" for api in ("clearml", "harbor")} | {"kubernetes.core.k8s_auth_options"}
    modules = sorted(path for path in (PLUGINS / "modules").glob("[a-z]*.py") if path.stem not in LOOKS)
    talking = [path for path in modules if apis & set(documentation(path).get("extends_documentation_fragment", []))]
    assert list(written) == [path.stem for path in talking]
    for path in talking:
        assert "context.machine" not in path.read_text(encoding="utf-8"), path.stem


def test_every_python_file_has_its_license() -> None:
    without = []
    for path in known_files():
        text = path.read_text(encoding="utf-8") if path.suffix == ".py" else ""
        if text and not all(line in text.splitlines()[:5] for line in LICENSE_LINES):
            without.append(str(path.relative_to(ROOT)))
    assert without == []


# Written in pieces, so that this file does not find itself.
PACKAGE_HOSTS = ("pypi" + ".org", "pythonhosted" + ".org", "proxy.golang" + ".org", "sum.golang" + ".org")
PACKAGE_HOSTS += ("registry.npmjs" + ".org", "deb.debian" + ".org", "static.crates" + ".io")
MACHINE_PATH = re.compile(r"(?<![\w./}-])/work/(main|shared|\.)|/root/\.pyenv|\.pyenv/shims")


def test_nothing_of_one_machine_is_in_the_tree() -> None:
    """No path of the machine it was written on, no host of a package registry: both differ from user to user."""
    found = []
    for path in known_files():
        if path == Path(__file__).resolve():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        for number, line in enumerate(text.splitlines(), 1):
            hit = MACHINE_PATH.search(line) or next((host for host in PACKAGE_HOSTS if host in line), None)
            if hit:
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert found == []


def test_every_tool_is_pinned() -> None:
    """constraints.txt is the one place of versions, and has one for everything that the requirements name."""
    requirement = re.compile(r"^([A-Za-z0-9_.-]+)([<>=!~].*)?$")
    names, versions_elsewhere = set(), []
    for file in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / file).read_text(encoding="utf-8").splitlines():
            match = requirement.match(line.strip()) if not line.startswith(("#", "-")) else None
            if match:
                names.add(re.sub(r"[-_.]+", "-", match[1]).lower())
                if match[2] and not match[2].startswith(">="):
                    versions_elsewhere.append(line)
    pinned = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE))
    assert names
    assert names - pinned == set()
    assert versions_elsewhere == []
    assert "pytest-ansible" not in pinned | names, "it crashes together with pytest-testinfra"
