# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Prepare a home directory in which ansible-test works with nothing but a Python package index.

ansible-test makes virtual environments without pip and fetches ``get-pip-<version>.py`` from a server of the
Ansible project. It takes a file of that name from its cache without asking the server, so this puts one there
that installs the pip wheel of that version. It also drops all environment variables but HOME and PATH, so what pip
is told by the environment or by the user's own configuration is written down in the new home.

usage: ansible_test_home.py DIRECTORY   (with the Python of the environment that holds ansible-test)
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import ansible_test

BOOTSTRAP = """\
# Stands in for get-pip.py: installs the wheel beside it, without a download.
import sys

WHEEL = {wheel!r}
sys.path.insert(0, WHEEL)
if __name__ == "__main__":
    from pip._internal.cli.main import main

    options = [a for a in sys.argv[1:] if a.startswith("-") and a not in ("--no-setuptools", "--no-wheel")]
    sys.exit(main(["install", "--no-deps", "--no-index", *options, WHEEL]))
"""


def pip_version() -> str:
    """Return the version of pip that this ansible-test asks for, e.g. ``24.2``, read from its source."""
    source = Path(ansible_test.__path__[0], "_internal", "python_requirements.py")
    function = next(
        node
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name == "get_venv_packages"
    )
    versions = {
        keyword.value.value
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "pip" and isinstance(keyword.value, ast.Constant)
    }
    if len(versions) != 1:
        sys.exit(f"{source}: get_venv_packages() names pip versions {sorted(versions)}; this script knows only one")
    return versions.pop()


def replace(target: Path, content: str) -> None:
    """Write a file whole, mode 0600: another run may be reading it, and an index URL may hold a password."""
    descriptor, name = tempfile.mkstemp(dir=target.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(content)
    Path(name).replace(target)


def write_bootstrap(home: Path, version: str) -> None:
    """Put the stand-in for ``get-pip-<version>.py`` into the cache of ansible-test under ``home``."""
    target = home / ".ansible" / "test" / "cache" / f"get_pip_{version.replace('.', '_')}.py"
    wheel = home / "wheels" / f"pip-{version}-py3-none-any.whl"
    if not wheel.exists():
        download = ["download", "--quiet", "--disable-pip-version-check", "--no-deps", f"pip=={version}"]
        subprocess.run([sys.executable, "-m", "pip", *download, "--dest", str(wheel.parent)], check=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    replace(target, BOOTSTRAP.format(wheel=str(wheel)))


def write_pip_configuration(home: Path) -> None:
    """Write pip's settings in force (files and ``PIP_*`` variables) as a file under ``home``, mode 0600."""
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], check=True, capture_output=True, text=True
    ).stdout
    settings = {"quiet": "1"}
    for line in listing.splitlines():  # e.g. global.cert='/etc/ssl/ca.pem', and :env:.cert='...' which wins
        name, value = line.split("=", 1)
        section, key = name.rsplit(".", 1)
        if section == ":env:" or (section == "global" and key not in settings):
            settings[key] = ast.literal_eval(value)
    target = home / ".config" / "pip" / "pip.conf"
    target.parent.mkdir(parents=True, exist_ok=True)
    body = "".join(f"{key} = {' '.join(value.split())}\n" for key, value in sorted(settings.items()))
    replace(target, f"[global]\n{body}")


def main() -> None:
    """Prepare the home directory named by the first argument."""
    home = Path(sys.argv[1]).resolve()
    write_bootstrap(home, pip_version())
    write_pip_configuration(home)


if __name__ == "__main__":
    main()
