# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Inside the virtual clusters of many tenants at once: namespaces, Secrets, waits, and the Helm releases that are there."""

from __future__ import annotations

import base64
import json
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional, Union

from ..bulk import for_each
from ..core import access
from ..core.errors import NotFoundError, PlatformError
from ..core.names import LABEL_TENANT
from ..core.objects import Object
from ..core.plan import CREATE, Step
from ..core.platform.inside import InsideRequest
from ..core.platform.release import Observed
from ..core.platform.secret_values import compared, digest_of, nested
from ..core.platform.stages import parse_stages
from ..core.redact import secrets_in_kubeconfig
from ..core.retry import Waiting
from ..files import write_private
from . import releases
from .kinds import kind_of
from .session import Session
from .stages import Stages

try:
    import yaml

    IMPORT_ERROR: Optional[str] = None
except ImportError:
    IMPORT_ERROR = traceback.format_exc()

_SECRET = kind_of("Secret")
_RUN_TENANTS = "Run the playbook tenants, which makes the tenant's credentials."
Secrets = Mapping[tuple[str, str], Object]


@dataclass
class Outcome:
    """What was done inside one virtual cluster (in check mode: would be). reachable: whether it could be looked into."""

    steps: list[Step] = field(default_factory=list)
    releases: list[Observed] = field(default_factory=list)
    reachable: bool = True
    kubeconfig: str = ""
    values_files: list[str] = field(default_factory=list)
    error: Optional[PlatformError] = None


@dataclass(frozen=True)
class How:
    """How to go about it. force: take over fields of others. grace: seconds for which a bad cause must last.

    kubeconfig_dir: write each tenant's kubeconfig, and the values of its releases that are secrets, into this folder, for
    programs that need files; empty for none.
    """

    check_mode: bool = False
    force: bool = False
    waiting: Optional[Waiting] = None
    grace: float = 20.0
    kubeconfig_dir: str = ""
    concurrency: int = 16


class Inside:
    """Goes into virtual clusters by the kubeconfigs that k3k_kubeconfig keeps in the tenants' namespaces."""

    def __init__(
        self,
        session: Session,
        how: How,
        learn_secret: Callable[[str], None],
        connect: Callable[[Mapping[str, Any]], Session] = Session.from_kubeconfig,
    ) -> None:
        self._session = session
        self._how = how
        self._learn_secret = learn_secret
        self._connect = connect
        self._on_host = self._stages_of(session)

    def carry_out(self, requests: Sequence[InsideRequest]) -> list[Union[Outcome, PlatformError]]:
        """Do all of them side by side. One LIST on the host gives all kubeconfigs and all Secrets that are copied."""
        secrets = {
            (item["metadata"]["namespace"], item["metadata"]["name"]): item
            for item in self._session.list(_SECRET, labels=LABEL_TENANT)
        }
        return for_each(requests, lambda request: self._one(request, secrets), self._how.concurrency)

    def _stages_of(self, session: Session) -> Stages:
        how = self._how
        return Stages(session, how.check_mode, how.force, how.waiting, how.grace)

    def _one(self, request: InsideRequest, secrets: Secrets) -> Outcome:
        outcome = self._enter(request, secrets)
        if not outcome.error:
            self._carry_out(self._on_host, request.host_options, outcome)
        return outcome

    def _enter(self, request: InsideRequest, secrets: Secrets) -> Outcome:
        kept = secrets.get((request.host_namespace, access.SECRET_NAME))
        if kept is None:
            if request.present and not self._how.check_mode:
                raise NotFoundError(
                    f"Tenant {request.tenant}: there is no kubeconfig in Secret {request.host_namespace}/{access.SECRET_NAME}.",
                    "Run the playbook tenants; the virtual cluster must be exposed, so that it is reached from here.",
                )
            nothing = [Observed(name, namespace) for namespace, name in request.releases]
            step = Step(CREATE, "Namespace", request.namespace, reason="the virtual cluster is not there yet")
            return Outcome([step] if request.present else [], nothing, reachable=False)
        text = access.kubeconfig_in(kept)
        kubeconfig = yaml.safe_load(text)
        for secret in secrets_in_kubeconfig(kubeconfig):
            self._learn_secret(secret)
        inner = self._connect(kubeconfig)
        outcome = Outcome(releases=releases.read(inner, request.releases) if request.releases else [])
        self._releases(request, secrets, outcome)
        if self._how.kubeconfig_dir:  # in check mode too: what they are for may only look
            outcome.kubeconfig = f"{self._how.kubeconfig_dir}/{request.tenant}.yaml"
            write_private(outcome.kubeconfig, text)
        self._stages(request, inner, secrets, outcome)
        return outcome

    def _releases(self, request: InsideRequest, secrets: Secrets, outcome: Outcome) -> None:
        """Compare what comes from a Secret in the values of the releases, take it out of them, and write it into files."""
        for which, given in request.secret_values.items():
            held = self._content(request, given.secret, secrets)
            lacking = sorted(set(given.keys.values()) - set(held))
            if lacking:
                raise NotFoundError(
                    f"Tenant {request.tenant}: Secret {request.host_namespace}/{given.secret} has no {', '.join(lacking)}.",
                    _RUN_TENANTS,
                )
            content = {path: held[key] for path, key in given.keys.items()}
            if given.digest:
                content[given.digest] = digest_of(held)
            place = request.releases.index(which)
            outcome.releases[place] = compared(outcome.releases[place], content)
            if self._how.kubeconfig_dir:
                # A tenant's id has no dot, so this is no other tenant's kubeconfig.
                path = f"{self._how.kubeconfig_dir}/{request.tenant}.{which[1]}.yaml"
                write_private(path, json.dumps(nested(content)))  # every text in quotes, also one like 1E2
                outcome.values_files.append(path)

    def _stages(self, request: InsideRequest, inner: Session, secrets: Secrets, outcome: Outcome) -> None:
        copies = [self._copy(request, name, secrets) for name in request.secrets]
        self._carry_out(self._stages_of(inner), {**request.options, "secrets": copies}, outcome)

    @staticmethod
    def _carry_out(stages: Stages, options: Mapping[str, Any], outcome: Outcome) -> None:
        for done in stages.carry_out(parse_stages(options)):
            outcome.steps += done.steps
            outcome.error = outcome.error or done.error

    def _copy(self, request: InsideRequest, name: str, secrets: Secrets) -> dict[str, Any]:
        """A Secret of the tenant's namespace on the host, as one to write inside."""
        content = self._content(request, name, secrets)
        kind = secrets[request.host_namespace, name].get("type") or "Opaque"
        return {"name": name, "type": kind, "string_data": content}

    def _content(self, request: InsideRequest, name: str, secrets: Secrets) -> dict[str, str]:
        """What is in a Secret of the tenant's namespace on the host; from now on nobody is shown it."""
        found = secrets.get((request.host_namespace, name))
        if found is None:
            raise NotFoundError(
                f"Tenant {request.tenant}: there is no Secret {request.host_namespace}/{name}.", _RUN_TENANTS
            )
        content = {key: base64.b64decode(text).decode() for key, text in (found.get("data") or {}).items()}
        for text in content.values():
            self._learn_secret(text)
        return content
