# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The files of a release, from a URL or a folder, each with its checksum verified before anything is touched."""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import Optional
from urllib.error import HTTPError, URLError

from ansible.module_utils.urls import open_url

from ...clock import SYSTEM_CLOCK
from ...core.errors import NotFoundError, PlatformError, RefusedError, UnreachableError
from ...core.retry import Backoff, retried
from ...core.rke2 import places, release
from ...core.rke2.version import Version
from ..machine import Machine

#: Downloads wait here; below the data folder, so that a file gets to its place by a rename.
STAGING = f"{places.DATA}/.ai-tenancy-staging"
_CHUNK = 1 << 20
#: What has to stay free beside the file itself, in bytes.
_SPARE = 200 << 20


class Release:
    """One release for one architecture. ca_path: of the server with the files. pin: SHA-256 of the list of checksums."""

    def __init__(
        self,
        machine: Machine,
        version: Version,
        architecture: str,
        source: str,
        ca_path: Optional[str] = None,
        pin: str = "",
    ) -> None:
        self._machine = machine
        self._version = version
        self._architecture = architecture
        self._source = release.Source(source)
        self._ca_path = ca_path
        self._pin = pin

    def verified(self, names: list[str]) -> dict[str, str]:
        """Fetch files and return name -> path on this host. Raises RefusedError at the first wrong checksum."""
        list_name = release.checksums(self._architecture)
        list_path = self._fetch(list_name)
        if self._pin and digest(list_path) != self._pin:
            raise RefusedError(
                f"{list_name} has SHA-256 {digest(list_path)}, pinned is {self._pin}. Nothing was touched."
            )
        with open(list_path, encoding="utf-8") as file:
            sums = release.parse_checksums(file.read())
        missing = [name for name in names if name not in sums]
        if missing:
            raise NotFoundError(
                f"{list_name} of {self._version} does not list {', '.join(missing)}. Nothing was touched."
            )
        return {name: self._checked(name, sums[name]) for name in names}

    def _checked(self, name: str, wanted: str) -> str:
        staged = self._machine.path(f"{STAGING}/{self._version}/{name}")
        if self._source.remote and os.path.exists(staged) and digest(staged) == wanted:
            return staged  # an earlier run was interrupted after the download
        path = self._fetch(name)
        found = digest(path)
        if found != wanted:
            if self._source.remote:
                os.unlink(path)
            raise RefusedError(
                f"{name} of {self._version} has SHA-256 {found}, its list says {wanted}. Nothing was touched.",
                f"Get the file anew at {self._source.locations(self._version, name)[0]}, or ask who changed it.",
            )
        return path

    def _fetch(self, name: str) -> str:
        places_to_look = self._source.locations(self._version, name)
        if self._source.remote:
            backoff = Backoff(SYSTEM_CLOCK, tries=4, delay=1.0, deadline=60.0)
            return retried(lambda: self._download(places_to_look[0], name), backoff)
        for place in places_to_look:
            if os.path.isfile(self._machine.path(place)):
                return self._machine.path(place)
        raise NotFoundError(f"{name} of {self._version} is not in {self._source.base}. Nothing was touched.")

    def _download(self, url: str, name: str) -> str:
        folder = self._machine.path(f"{STAGING}/{self._version}")
        target = os.path.join(folder, name)
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
            response = open_url(url, timeout=30, ca_path=self._ca_path, http_agent="ai_tenancy.platform")
            require_room(folder, int(response.headers.get("Content-Length") or 0))
            with open(target + ".part", "wb") as file:
                shutil.copyfileobj(response, file, _CHUNK)
            os.replace(target + ".part", target)
        except HTTPError as error:
            if error.code in (408, 425, 429) or error.code >= 500:
                raise UnreachableError(f"{url} answers {error.code} {error.reason}.") from error
            raise NotFoundError(f"{url} answers {error.code} {error.reason}. Nothing was touched.") from error
        except (URLError, TimeoutError, ConnectionError) as error:
            reason = getattr(error, "reason", error)
            raise UnreachableError(
                f"{url} is not reached: {reason}.", "Check rke2_artifact_source and the way there."
            ) from error
        except OSError as error:
            raise PlatformError(f"Cannot store {name}: {error.strerror or error}. Nothing was touched.") from error
        return target

    def clean(self) -> None:
        """Remove what was downloaded."""
        shutil.rmtree(self._machine.path(STAGING), ignore_errors=True)


def digest(path: str) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    result = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(_CHUNK), b""):
            result.update(block)
    return result.hexdigest()


def require_room(folder: str, size: int) -> None:
    """Refuse to begin what the disk has no room for. size: bytes."""
    status = os.statvfs(folder)
    free = status.f_bavail * status.f_frsize
    if free < size + _SPARE:
        raise PlatformError(
            f"{folder} has {free >> 20} MiB free, {(size + _SPARE) >> 20} MiB are needed. Nothing was touched.",
            "Make room, then run again.",
        )


def place_images(machine: Machine, archives: dict[str, str]) -> list[str]:
    """Put verified image archives where RKE2 imports them from; returns the names of those that were not there yet."""
    folder = machine.path(places.IMAGES)
    placed = []
    for name, path in archives.items():
        target = os.path.join(folder, name)
        if (
            os.path.exists(target)
            and os.path.getsize(target) == os.path.getsize(path)
            and digest(target) == digest(path)
        ):
            continue
        try:
            os.makedirs(folder, mode=0o755, exist_ok=True)
            require_room(folder, os.path.getsize(path))
            shutil.copyfile(path, target + ".part")
            os.chmod(target + ".part", 0o644)
            os.replace(target + ".part", target)
        except OSError as error:
            raise PlatformError(f"Cannot place {name} in {places.IMAGES}: {error.strerror or error}.") from error
        placed.append(name)
    return placed
