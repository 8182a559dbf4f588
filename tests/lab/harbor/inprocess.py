# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The stand-in inside a test's own process, with a throw-away certificate."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.clearml.httpd import Server
from tests.lab.clearml.inprocess import make_certificate

from .application import Application
from .store import Store

#: The administrator's password in tests.
PASSWORD = "Lab-admin-pass-1"


@dataclass(frozen=True)
class Running:
    """A running stand-in. ca_file: the certificate to trust."""

    url: str
    ca_file: Path
    application: Application

    @property
    def store(self) -> Store:
        return self.application.store

    def fault(self, *faults: dict[str, Any]) -> None:
        """Let things go wrong; see tests/lab/clearml/faults.py. A call is method and path, C(POST /robots)."""
        self.application.faults.order(list(faults))

    def calls(self, pattern: str = "") -> list[str]:
        """Method and path of the requests so far that begin with a text."""
        return [entry["call"] for entry in self.application.log.since(0) if entry["call"].startswith(pattern)]


@contextlib.contextmanager
def running(
    directory: Path,
    clock: Callable[[], float] = time.time,
    host: str = "127.0.0.1",
    pair: tuple[Path, Path] | None = None,
    ca_file: Path | None = None,
) -> Iterator[Running]:
    """Serve on a free port of 127.0.0.1 until the end of the block.

    host: the name in the URL. pair, ca_file: certificate of that name with its key, and who signed it; else a throw-away one.
    """
    certificate, key = pair or make_certificate(directory)
    application = Application(directory / "state", PASSWORD, clock)
    server = Server(("127.0.0.1", 0), application, certificate, key)  # type: ignore[arg-type]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield Running(f"https://{host}:{server.server_port}", ca_file or certificate, application)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        application.close()
