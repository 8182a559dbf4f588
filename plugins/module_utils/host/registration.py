# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Register a SLES host with SUSEConnect, or by the bootstrap script of Multi-Linux Manager.

A registration code is never an argument of a program: every user of the host could read it in the list of processes.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import re
from collections.abc import Callable, Mapping
from typing import Any, Optional

from ansible.module_utils.urls import open_url

from ..core.errors import PlatformError, RefusedError, RemoteError, UnreachableError
from ..core.host import parsing, registration
from ..core.host.registration import Plan, Product, Request
from ..core.plan import CREATE, REMOVE, Step
from .machine import Answer, Machine

#: Files that Multi-Linux Manager's client leaves: its channels, or the configuration of its Salt minion.
MLM_FILES = (
    "/etc/zypp/repos.d/susemanager:channels.repo",
    "/etc/venv-salt-minion/minion.d/susemanager.conf",
    "/etc/salt/minion.d/susemanager.conf",
)
#: SUSE's own client setup (rmt-client-setup) uses this path too.
CA_FILE = "/etc/pki/trust/anchors/rmt-server.pem"
#: Does not exist; a SUSEConnect that reads codes from files says so before it asks any server.
_NO_FILE = "/nonexistent/ai-tenancy-probe"
_NOWHERE = "http://127.0.0.1:1"
#: Files of a process, which it removes: with a code, or the bootstrap script.
_OWN = re.compile(r"ai-tenancy-(?:regcode-(\d+)|bootstrap-(\d+)\.sh)")
#: zypper waits that many seconds for another one to end.
_LOCK_TIMEOUT = {"ZYPP_LOCK_TIMEOUT": "300"}
_SLOW = 1800.0


class Registration:
    """The registration of the host that the module runs on. learn: masks a value in all output."""

    def __init__(self, machine: Machine, params: Mapping[str, Any], learn: Callable[[str], None]) -> None:
        self.machine, self.params, self._learn = machine, params, learn
        os_release = parsing.key_values(machine.read("/etc/os-release") or "")
        self.os_id, self.os_version = os_release.get("ID", ""), os_release.get("VERSION_ID", "")
        self.arch = platform.machine()

    @property
    def base(self) -> str:
        """Identifier of the base product: SLES for C(ID=sles)."""
        return self.os_id.upper().replace("-", "_")

    def request(self) -> Request:
        """The checked options."""
        return registration.parse_request(self.params, self.os_id, self.os_version, self.arch)

    # --- reading ---

    def status(self) -> list[Product]:
        """What SUSEConnect knows. Raises RefusedError when the server no longer knows the host."""
        answer = self._connect(["-s"])
        for code in registration.codes_in_status(answer.out):
            self._learn(code)
        if answer.code == 67:
            raise RefusedError(
                "The host was registered, but the registration server no longer knows it.",
                "Set cleanup to true: then its old credentials are removed and it is registered anew.",
            )
        found = registration.read_status(answer.out) if answer.ok else None
        if found is None:
            raise self._failure("read the status", answer)
        return found

    def server(self) -> str:
        """The registration server in /etc/SUSEConnect; empty for SUSE Customer Center."""
        return registration.configured_url(self.machine.read("/etc/SUSEConnect") or "")

    def managed(self) -> bool:
        """Whether the host is a client of Multi-Linux Manager."""
        return any(self.machine.exists(path) for path in MLM_FILES)

    # --- changing ---

    def register(self, request: Request, plan: Plan) -> None:
        """Carry out a plan: the host first, then product by product, each ready before the next is asked for."""
        codes = [self.params.get("regcode"), *request.codes.values()]
        if any(codes):
            self._must_take_codes()
        if plan.base:
            command = ["--auto-agree-with-licenses"]
            command += ["--url", request.url] if request.method == registration.RMT else []
            command += ["-e", self.params["email"]] if self.params.get("email") else []
            self._with_code(command, self.params.get("regcode"), "register the host")
        for name in plan.products:
            command = ["--auto-agree-with-licenses", "-p", name]
            self._with_code(command, request.codes.get(name), f"register {name}")

    def forget(self) -> None:
        """Remove what a run that was killed left in /run; what belongs to a process that lives stays."""
        for name in self.machine.list("/run"):
            match = _OWN.fullmatch(name)
            if match and not self.machine.exists(f"/proc/{match[1] or match[2]}"):
                self.machine.remove(f"/run/{name}")

    def unregister(self) -> None:
        """Give the subscription back and remove the services."""
        answer = self._connect(["-d"])
        if answer.code not in (0, 69):
            raise self._failure("unregister the host", answer)

    def clean(self) -> None:
        """Remove credentials and services that no server knows any more."""
        answer = self._connect(["--cleanup"])
        if not answer.ok:
            raise self._failure("remove the old registration", answer)

    def _with_code(self, command: list[str], code: Optional[str], what: str) -> None:
        if not code:
            answer = self._connect(command)
        elif self.params["regcode_by"] == "stdin":
            answer = self._connect([*command, "-r", "-"], data=f"{code}\n")
        else:
            path = f"/run/ai-tenancy-regcode-{os.getpid()}"
            try:
                self.machine.write(path, f"{code}\n", 0o600)
                answer = self._connect([*command, "-r", f"@{path}"])
            finally:
                self.machine.remove(path)
        if not answer.ok:
            raise self._failure(what, answer)

    def _must_take_codes(self) -> None:
        """Ask, without a code and without a server, whether this SUSEConnect reads codes from elsewhere.

        Older ones would send the word C(-) itself as the code.
        """
        answer = self._connect(["--url", _NOWHERE, "-r", f"@{_NO_FILE}"])
        if "no such file" not in f"{answer.out} {answer.err}".lower():
            raise PlatformError(
                "This SUSEConnect takes a registration code only on its command line, where every user can read it.",
                "Update the package suseconnect-ng, or register the host by hand once.",
            )

    def _connect(self, arguments: list[str], data: Optional[str] = None) -> Answer:
        return self.machine.run(["SUSEConnect", *arguments], data=data, environment=_LOCK_TIMEOUT, timeout=_SLOW)

    def _failure(self, what: str, answer: Answer) -> PlatformError:
        if answer.code == 127:
            return PlatformError("SUSEConnect is not installed.", "Install the package suseconnect-ng.")
        meaning, next_step = registration.explain(answer.code)
        message = f"Cannot {what}: {meaning} (SUSEConnect, code {answer.code}): {answer.text}"
        return UnreachableError(message, next_step) if answer.code == 64 else RemoteError(message, next_step)

    # --- certificates and Multi-Linux Manager ---

    def ca_step(self, url: str) -> Optional[Step]:
        """The CA of the server, when one is given and not yet trusted; the fetched one is compared first."""
        wanted, fingerprint = self.params.get("ca_certificate"), self.params.get("ca_fingerprint")
        old = self.machine.read(CA_FILE)
        if fingerprint and not wanted:
            known = registration.certificate_fingerprint(old or "")
            if known == registration.plain_fingerprint(fingerprint):
                return None
            wanted = self._fetch_ca(url, registration.plain_fingerprint(fingerprint))
        if not wanted or (old or "").strip() == wanted.strip():
            return None
        return Step(
            CREATE, "CA certificate", CA_FILE, before=old, after=wanted.strip() + "\n", body=wanted.strip() + "\n"
        )

    def trust(self, step: Step) -> None:
        """Make a CA known to the whole system."""
        self.machine.write(CA_FILE, step.body)
        self.machine.must(["update-ca-certificates"], "Cannot make the CA known")

    def _fetch_ca(self, url: str, fingerprint: str) -> str:
        """Fetch the CA without trusting anybody, and take it only when it has the fingerprint that was given."""
        place = f"{url}/rmt.crt"
        text = _fetch(place, verify=False).decode("ascii", "replace")
        found = registration.certificate_fingerprint(text)
        if found != fingerprint:
            raise RefusedError(
                f"The certificate at {place} has the fingerprint {found or '(it is none)'}, not {fingerprint}.",
                "Compare with the RMT server itself before you change ca_fingerprint: somebody may stand in between.",
            )
        return text

    def bootstrap(self) -> None:
        """Fetch the bootstrap script, compare it, and run it once, from a file that only root can read."""
        url, digest = self.params["bootstrap_url"], self.params.get("bootstrap_sha256")
        script = _fetch(url, verify=True)
        found = hashlib.sha256(script).hexdigest()
        if digest and found != digest.lower():
            raise RefusedError(f"{url} has the SHA-256 {found}, not {digest}.", "Nothing was run. Check the script.")
        path = f"/run/ai-tenancy-bootstrap-{os.getpid()}.sh"
        try:
            self.machine.write(path, script.decode("utf-8", "surrogateescape"), 0o700)
            answer = self.machine.run(["bash", path], environment=_LOCK_TIMEOUT, timeout=_SLOW)
        finally:
            with contextlib.suppress(PlatformError):
                self.machine.remove(path)
        if not answer.ok:
            raise PlatformError(f"The bootstrap script {url} failed: {answer.text}", "Look at its log, then run again.")
        if not self.managed():
            raise PlatformError(
                f"The bootstrap script {url} ended well, but left none of: {', '.join(MLM_FILES)}.",
                "Look at Multi-Linux Manager: the key of this host may have to be accepted there.",
            )


def _fetch(url: str, verify: bool) -> bytes:
    try:
        with open_url(url, timeout=60, validate_certs=verify, follow_redirects="safe") as answer:
            return bytes(answer.read())
    except Exception as error:  # urllib's and http.client's errors have no common base of their own
        raise UnreachableError(f"Cannot fetch {url}: {error}.", "Check address, name, CA and firewall.") from error


def removal(what: str, name: str) -> Step:
    """A step that ends a registration."""
    return Step(REMOVE, what, name, reason="state is absent")
