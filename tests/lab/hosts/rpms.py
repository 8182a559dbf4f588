# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Build, sign and index the RPM packages of the host laboratory: real RPM-MD repositories, signed with a key of ours.

What is built is kept by the content of everything that decides it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .. import build
from ..errors import LabError
from ..progress import Progress
from . import programs

HERE = Path(__file__).parent
PACKAGES = HERE / "packages.yml"
STANDINS = HERE / "standins"

#: Who signs. NVIDIA's packages are signed by another, as in real life; the third signs what no host may trust.
SIGNERS = ("suse", "nvidia", "stranger")

#: Packages with files: package name to {path in the host: file in standins/}.
FILES: Mapping[str, Mapping[str, str]] = {
    "suseconnect-ng": {"/usr/bin/SUSEConnect": "SUSEConnect"},
    "venv-salt-minion": {
        "/usr/bin/venv-salt-minion": "venv-salt-minion",
        "/usr/lib/systemd/system/venv-salt-minion.service": "venv-salt-minion.service",
    },
    "nvidia-compute-utils-G06": {"/usr/bin/nvidia-smi": "nvidia-smi"},
    "nvidia-compute-utils-G07": {"/usr/bin/nvidia-smi": "nvidia-smi"},
}


#: Repositories that a Multi-Linux Manager gives to its clients as channels.
CHANNELS = ("sle-module-basesystem", "sle-module-server-applications", "sle-module-containers", "sle-module-python3")


@dataclass(frozen=True)
class Package:
    """One binary package.

    files: path in the host to the file in standins/ that it holds.
    """

    name: str
    version: str
    provides: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()

    def spec(self) -> str:
        """Return its part of a spec file: a subpackage with a version of its own."""
        lines = [
            f"%package -n {self.name}",
            f"Version: {self.version}",
            f"Summary: laboratory stand-in for {self.name}",
        ]
        lines += [f"Provides: {item}" for item in self.provides]
        lines += [f"%description -n {self.name}", "Laboratory stand-in.", f"%files -n {self.name}"]
        lines += [
            f"%attr({'0644' if '.' in Path(target).name else '0755'},root,root) {target}" for target in dict(self.files)
        ]
        return "\n".join([*lines, *self._scripts()]) + "\n"

    def _scripts(self) -> list[str]:
        """Return the scriptlets: a product's package writes the product's file, a unit's makes the unit known."""
        product = self.name.removesuffix("-release")
        if product.startswith("sle-"):
            write = f"sed 's|<name>SLES<|<name>{product}<|' /etc/products.d/SLES.prod >/etc/products.d/{product}.prod"
            return [f"%post -n {self.name}", write, f"%postun -n {self.name}",
                    f"[ $1 -gt 0 ] || rm -f /etc/products.d/{product}.prod"]  # fmt: skip
        if any(target.endswith(".service") for target in dict(self.files)):
            return [f"%post -n {self.name}", "systemctl daemon-reload || :"]
        return []


def packages() -> tuple[list[Package], dict[str, list[Package]]]:
    """Return the packages of the image, and those of each repository."""
    data = yaml.safe_load(PACKAGES.read_text(encoding="utf-8"))
    image = [package(name, value) for name, value in data["image"].items()]
    return image, {repo: [package(*item) for item in rows.items()] for repo, rows in data["repositories"].items()}


def package(name: str, value: Any) -> Package:
    """Return the package of an entry: a version, or a map with version and provides."""
    row = value if isinstance(value, dict) else {"version": value}
    return Package(name, row["version"], tuple(row.get("provides", ())), tuple(FILES.get(name, {}).items()))


def digest() -> str:
    """Return a hash of everything that decides what is built."""
    code = [Path(__file__), Path(programs.__file__)]
    files = [PACKAGES, *code, *sorted(path for path in STANDINS.iterdir() if path.is_file())]
    return hashlib.sha256(b"\0".join(path.name.encode() + path.read_bytes() for path in files)).hexdigest()[:16]


def directory() -> Path:
    """Return where the repositories are, or will be: image/, repo/<repository>/, keys/<signer>.asc."""
    return build.cache_root() / "hosts" / f"rpms-{digest()}"


def ensure(progress: Progress) -> Path:
    """Build the repositories unless they are there, and return their directory.

    Raises LabError when a tool fails; the message has its last lines.
    """
    target = directory()
    if not target.exists():
        with build.locked(target.parent / "rpms.lock", progress):
            if not target.exists():
                with progress.step("build and sign the RPM repositories (once; the result is kept)"):
                    make(target)
    return target


def make(target: Path) -> None:
    """Build everything into a directory, whole or not at all."""
    temporary = Path(tempfile.mkdtemp(prefix="rpms-", dir=target.parent))
    try:
        temporary.chmod(0o755)
        image, repositories = packages()
        every = {item.name: item for item in image}
        for rows in repositories.values():
            every.update({item.name: item for item in rows})
        built = build_packages(list(every.values()), temporary / "build")
        with keyring(temporary / "keys") as home:
            place(built, [item.name for item in image], temporary / "image", home, "suse", index=False)
            for name, rows in repositories.items():
                signer = "nvidia" if name == "nvidia" else "suse"
                place(built, [item.name for item in rows], temporary / "repo" / name, home, signer)
            suse = [item.name for name, rows in repositories.items() for item in rows if name != "nvidia"]
            place(built, suse, temporary / "repo" / "all", home, "suse")
            place(built, ["jq"], temporary / "repo" / "stranger", home, "stranger")
            place(built, ["jq"], temporary / "repo" / "unsigned", home, None)
        shutil.rmtree(temporary / "build")
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def build_packages(wanted: Sequence[Package], work: Path) -> dict[str, Path]:
    """Build packages with one run of rpmbuild. Return package name to RPM file."""
    work.mkdir(parents=True)
    head = ["Name: lab", "Version: 1", "Release: 1", "Summary: laboratory", "License: Apache-2.0", "AutoReqProv: no"]
    install = ["%description", "Laboratory.", "%install", "mkdir -p %{buildroot}"]
    for path, source in sorted({file for item in wanted for file in item.files}):
        programs.place(STANDINS / source, work / "programs" / source, 0o755)
        install.append(f"install -D {work}/programs/{source} %{{buildroot}}{path}")
    spec = work / "lab.spec"
    body = "\n".join(item.spec() for item in wanted)
    spec.write_text("\n".join([*head, body, *install]) + "\n", encoding="utf-8")
    settings = {"_topdir": work, "_rpmdir": work / "out", "_build_id_links": "none"}
    settings.update({"_dbpath": work / "db", "debug_package": "%{nil}", "__os_install_post": "%{nil}"})
    defines = [part for key, value in settings.items() for part in ("--define", f"{key} {value}")]
    tool("rpmbuild", "-bb", "--quiet", "--nodeps", *defines, str(spec))
    return {item.name: next((work / "out").rglob(f"{item.name}-{item.version}-1.*.rpm")) for item in wanted}


@contextmanager
def keyring(keys: Path, signers: Sequence[str] = SIGNERS) -> Iterator[Path]:
    """Make the signers' keys, write their public halves into a directory, and hold the private ones for the block."""
    keys.mkdir()
    # gpg's agent makes a socket in its home, and the path of a socket may have 107 characters.
    with tempfile.TemporaryDirectory(prefix="lab-gpg-") as home:
        for signer in signers:
            gpg(home, "--passphrase", "", "--quick-gen-key", f"laboratory {signer} <{signer}@lab.test>", "rsa3072",
                "sign", "never")  # fmt: skip
            gpg(home, "--armor", "--output", str(keys / f"{signer}.asc"), "--export", f"{signer}@lab.test")
        try:
            yield Path(home)
        finally:
            subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False, capture_output=True)


def place(built: Mapping[str, Path], wanted: Sequence[str], target: Path, home: Path, signer: str | None,
          index: bool = True) -> None:  # fmt: skip
    """Copy packages into a directory, sign them, and make it a repository (C(index)) with signed metadata.

    signer: one of the keyring's, or None for no signature at all.
    """
    target.mkdir(parents=True)
    files = [shutil.copy(built[name], target) for name in wanted]
    user = f"{signer}@lab.test"
    if signer and files:
        defines = ["--define", f"_gpg_name {user}", "--define", f"__gpg {shutil.which('gpg')}"]
        tool("rpmsign", *defines, "--addsign", *files, home=home)
    if not index:
        return
    tool("createrepo_c", "--quiet", str(target))
    if signer:
        metadata = str(target / "repodata" / "repomd.xml")
        gpg(str(home), "--local-user", user, "--armor", "--detach-sign", metadata)
        gpg(str(home), "--armor", "--output", f"{metadata}.key", "--export", user)


def gpg(home: str, *arguments: str) -> None:
    """Run gpg with a home of its own."""
    tool("gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", *arguments, home=Path(home))


def tool(name: str, *arguments: str, home: Path | None = None) -> None:
    """Run a program. Raises LabError with the last lines of its output when it fails."""
    environment = {**os.environ, **({"GNUPGHOME": str(home)} if home else {})}
    result = subprocess.run([name, *arguments], capture_output=True, text=True, check=False, env=environment)
    if result.returncode:
        raise LabError(f"{name} failed (exit code {result.returncode}):\n" + build.last_lines(
            (result.stdout + result.stderr).splitlines()))  # fmt: skip
