# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Build releases of the laboratory's RKE2 in the layout of the real ones: tarball, image archives, sums, RPM packages.

Not in it, because nothing asks for it: the bare binary, other architectures, the SBOM files.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .. import build as go
from ..errors import LabError
from ..progress import Progress
from . import images, packages

FILES = Path(__file__).parent / "files"

#: The releases that the tests use: one of each minor version, so that upgrades are visible.
VERSIONS = ("v1.33.13+rke2r2", "v1.34.10+rke2r1", "v1.35.7+rke2r1")

ARCH = "amd64"


def build(directory: Path, versions: Sequence[str] = VERSIONS, progress: Progress | None = None) -> None:
    """Make C(<directory>/<version>/<file>) for each version, and C(<directory>/rpm) with all packages.

    Served over HTTP, the plus sign of a version is written %2B in the URL, as in those of the real releases.
    What is made is kept by its content and linked into the directory; a second call costs nothing.
    versions: as v1.34.10+rke2r1. Raises LabError for another form, or when a tool is missing or fails.
    """
    progress = progress or Progress(quiet=True)
    made = {version: ensure(version, progress) for version in versions}
    directory.mkdir(parents=True, exist_ok=True)
    for version, source in made.items():
        link_tree(source, directory / version)
    link_tree(packages.ensure(list(made), binaries(list(made), progress), progress), directory / "rpm")


def link_tree(source: Path, target: Path) -> None:
    """Make a directory the same as another, with hard links where the file system allows."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}.new")
    shutil.rmtree(temporary, ignore_errors=True)
    shutil.copytree(source, temporary, copy_function=link_or_copy)
    shutil.rmtree(target, ignore_errors=True)
    temporary.rename(target)


def link_or_copy(source: str, target: str) -> None:
    """Link a file, or copy it to another file system."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def minor_of(version: str) -> int:
    """Return the minor version of a release. Raises LabError when it has not the form of one."""
    match = re.fullmatch(r"v1\.(\d+)\.\d+(-rc\d+)?\+rke2r\d+", version)
    if match is None:
        raise LabError(f"version: {version!r} is not a release of RKE2; allowed: as {VERSIONS[0]}")
    return int(match[1])


def binaries(versions: Sequence[str], progress: Progress) -> dict[str, Path]:
    """Return the command rke2 of each version; they differ in what "rke2 --version" says."""
    base = go.binary_path("rke2").parent
    paths = {version: base / f"rke2-{version}" for version in versions}
    missing = [version for version, path in paths.items() if not path.exists()]
    if missing:
        with go.locked(go.cache_root() / "build.lock", progress):
            for version in missing:
                if not paths[version].exists():
                    link_binary(version, paths[version], progress)
    return paths


def link_binary(version: str, target: Path, progress: Progress) -> None:
    """Build the command for one version: everything but the last step is in Go's own cache after the first."""
    tool = go.toolchain(progress)
    settings = list(go.flags(go.go_mod_text()))
    settings[-1] += f" -X main.release={version}"
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f"{target.name}.{os.getpid()}.new")
    with progress.step(f"build rke2 {version} (once; the result is kept)"):
        run(
            [str(tool), "build", *settings, "-o", str(temporary), "./cmd/rke2"], cwd=go.MODULE, env=go.environment(tool)
        )
    temporary.replace(target)


def ensure(version: str, progress: Progress) -> Path:
    """Return the kept directory of a version, which is made if it is not there."""
    minor = minor_of(version)
    binary = binaries([version], progress)[version]
    program = go.ensure(["pod"], progress)["pod"]
    target = go.cache_root() / "rke2" / f"{version}-{digest(binary, program)}"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=target.parent))
        try:
            with progress.step(f"pack rke2 {version} (once; the result is kept)"):
                temporary.chmod(0o755)
                pack(temporary, minor, binary, program)
                temporary.rename(target)
        except OSError:
            if not target.exists():  # another build was faster
                raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return target


def digest(*binaries_: Path) -> str:
    """Return a hash of everything that decides what a release has in it; binaries are named by their content."""
    parts = [str(path).encode() for path in binaries_]
    parts += [path.name.encode() + path.read_bytes() for path in sorted(FILES.iterdir())]
    parts += [Path(module).read_bytes() for module in (__file__, images.__file__)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]


def pack(target: Path, minor: int, binary: Path, program: Path) -> None:
    """Write all files of a release into a directory."""
    tarball(target / f"rke2.linux-{ARCH}.tar.gz", binary)
    contents = images.archives(minor)
    for name, names in [*contents.items(), ("", [*contents["core"], *contents["canal"]])]:
        base = f"rke2-images{'-' if name else ''}{name}.linux-{ARCH}"
        lines = "".join(f"docker.io/{image}\n" for image in names)
        (target / f"{base}.txt").write_text(lines, encoding="utf-8")
        archive = target / f"{base}.tar"
        images.write(archive, names, program)
        run(["zstd", "--quiet", "-f", "-1", str(archive), "-o", f"{archive}.zst"])
        archive.unlink()
    every = sorted({name for names in contents.values() for name in names})
    (target / f"rke2-images-all.linux-{ARCH}.txt").write_text("".join(f"docker.io/{name}\n" for name in every), "utf-8")
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(target.iterdir())]
    (target / f"sha256sum-{ARCH}.txt").write_text("".join(sums), encoding="utf-8")


def bundle(binary: Path) -> dict[str, tuple[Path, int]]:
    """Return what is installed: path below the prefix to source and mode."""
    files = {"bin/rke2": (binary, 0o755)}
    files |= {f"bin/{name}": (FILES / name, 0o755) for name in ("rke2-killall.sh", "rke2-uninstall.sh")}
    for role in ("server", "agent"):
        for kind in ("service", "env"):
            files[f"lib/systemd/system/rke2-{role}.{kind}"] = (FILES / f"rke2-{role}.{kind}", 0o644)
    return files | {f"share/rke2/{name}": (FILES / name, 0o644) for name in ("LICENSE.txt", "rke2-cis-sysctl.conf")}


def tarball(target: Path, binary: Path) -> None:
    """Write the tarball: bin, lib/systemd/system and share/rke2."""
    with tarfile.open(target, "w:gz", compresslevel=1) as archive:
        for name, (source, mode) in bundle(binary).items():
            with source.open("rb") as stream:
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = source.stat().st_size, mode
                archive.addfile(entry, stream)


def run(argv: Sequence[str], cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    """Run a tool. Raises LabError with its last lines when it fails or is missing."""
    try:
        result = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise LabError(f"{argv[0]} is not installed; on Debian: apt-get install {Path(argv[0]).name}") from error
    if result.returncode:
        output = (result.stdout + result.stderr).splitlines()
        raise LabError(f"{argv[0]} failed (exit code {result.returncode}):\n{go.last_lines(output)}")
