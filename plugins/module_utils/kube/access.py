# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Issue and revoke the tenant administrators' credentials, by certificate signing requests inside each cluster."""

from __future__ import annotations

import base64
import hashlib
import os
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Optional, Union

from ..bulk import for_each
from ..core import access
from ..core.access import AccessRequest, Issued
from ..core.errors import NotFoundError, PlatformError, RefusedError, UnreachableError
from ..core.names import LABEL_TENANT
from ..core.plan import CHANGE, CREATE, REMOVE, Step
from ..core.result import Outcome
from ..core.retry import Clock, wait_for
from ..files import needs_writing, write_private
from .apply import Inventory, observe
from .kinds import kind_of
from .session import Session

try:
    import yaml
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    IMPORT_ERROR: Optional[str] = None
except ImportError:
    IMPORT_ERROR = traceback.format_exc()

_CSR = kind_of("CertificateSigningRequest")
#: Seconds that the signer inside the virtual cluster may take.
SIGN_TIMEOUT = 60.0


class Kubeconfigs:
    """Brings the credentials of many tenants to their wanted state."""

    def __init__(self, session: Session, clock: Clock, check_mode: bool = False) -> None:
        self._session = session
        self._clock = clock
        self._check_mode = check_mode

    def converge(self, requests: Sequence[AccessRequest], concurrency: int) -> list[Union[Outcome, PlatformError]]:
        """Issue, keep or revoke each; unchanged ones cost only their share of two LISTs."""
        inventory = observe(self._session, ["Cluster", "Secret"], labels=LABEL_TENANT)
        return for_each(requests, lambda request: self._one(request, inventory), concurrency)

    def _one(self, request: AccessRequest, inventory: Inventory) -> Outcome:
        secret = inventory.get("Secret", access.SECRET_NAME, request.namespace)
        outcome = Outcome(values={"server": request.server, "secret": f"{request.namespace}/{access.SECRET_NAME}"})
        if not request.present:
            self._withdraw(request, secret, outcome)
            return outcome
        cluster = inventory.get("Cluster", request.cluster, request.namespace)
        if cluster is None and not self._check_mode:
            raise NotFoundError(
                f"Virtual cluster {request.namespace}/{request.cluster} does not exist.", "Create it with k3k_cluster."
            )
        self._provide(request, secret, cluster["metadata"]["uid"] if cluster else "", outcome)
        return outcome

    def _provide(self, request: AccessRequest, secret: Optional[Mapping[str, Any]], uid: str, outcome: Outcome) -> None:
        issued = None if secret is None else access.issued_from(secret)
        reason = access.why_issue(request, issued, uid, time.time())
        text = "" if reason or secret is None else access.kubeconfig_in(secret)
        if reason:
            outcome.steps.append(Step(CHANGE if issued else CREATE, "Kubeconfig", request.tenant, reason=reason))
            if not self._check_mode:
                # A new start gets a generation that no earlier credential can have.
                generation = issued.generation if issued else int(time.time())
                issued, text = issue(self._session, request, uid, generation, self._clock)
                # Kept before anything else can fail: the key exists nowhere else.
                self._session.apply(kind_of("Secret"), access.secret_for(request, issued, text), force=True)
        if issued:
            outcome.values["expires_at"] = int(issued.expires_at)
        if not request.dest:
            return
        outcome.values["path"] = request.dest
        if reason or needs_writing(request.dest, text):
            action = CHANGE if os.path.exists(request.dest) else CREATE
            outcome.steps.append(Step(action, "File", request.dest, reason="the kubeconfig for the administrator"))
            if not self._check_mode:
                write_private(request.dest, text)

    def _withdraw(self, request: AccessRequest, secret: Optional[Mapping[str, Any]], outcome: Outcome) -> None:
        if secret is not None:
            outcome.steps.append(Step(REMOVE, "Kubeconfig", request.tenant, reason="revoked"))
            if not self._check_mode:
                issued = access.issued_from(secret)
                self._revoke(request, request.server or (issued.server if issued else ""), outcome)
        if request.dest and os.path.exists(request.dest):
            outcome.steps.append(Step(REMOVE, "File", request.dest, reason="revoked"))
            if not self._check_mode:
                os.unlink(request.dest)

    def _revoke(self, request: AccessRequest, server: str, outcome: Outcome) -> None:
        """Take the rights inside the virtual cluster away, then the stored kubeconfig."""
        try:
            inner = Session.from_kubeconfig(host_copy(self._session, replace(request, server=server)))
            inner.delete(kind_of("ClusterRoleBinding"), access.BINDING_NAME)
        except NotFoundError:
            # No virtual cluster any more: nothing is left that the certificate could be good for.
            pass
        except UnreachableError as error:
            if not request.give_up:
                raise
            outcome.values["warning"] = f"the rights inside could not be taken away: {error.message}"
        self._session.delete(kind_of("Secret"), access.SECRET_NAME, request.namespace)


def host_copy(session: Session, request: AccessRequest) -> dict[str, Any]:
    """k3k's own kubeconfig of the virtual cluster, turned to the address that is reachable from here.

    Raises NotFoundError while k3k has not written it yet.
    """
    name = f"k3k-{request.cluster}-kubeconfig"
    secret = session.get(kind_of("Secret"), name, request.namespace)
    if secret is None:
        raise NotFoundError(
            f"Secret {request.namespace}/{name} does not exist.", "Wait until the virtual cluster is ready."
        )
    kubeconfig = yaml.safe_load(base64.b64decode(secret["data"]["kubeconfig.yaml"]))
    return access.with_server(kubeconfig, request.server)


def issue(
    session: Session, request: AccessRequest, cluster_uid: str, generation: int, clock: Clock
) -> tuple[Issued, str]:
    """Sign a new credential inside the virtual cluster; returns what is known of it and the kubeconfig text."""
    kubeconfig = host_copy(session, request)
    inner = Session.from_kubeconfig(kubeconfig)
    inner.apply(kind_of("ClusterRoleBinding"), access.binding_for(request, generation), force=True)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, request.group_of(generation)),
            x509.NameAttribute(NameOID.COMMON_NAME, request.user),
        ]
    )
    csr = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    certificate = _signed(inner, csr.public_bytes(serialization.Encoding.PEM).decode(), request, clock)
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    handed_out = access.kubeconfig_for(
        request, kubeconfig["clusters"][0]["cluster"]["certificate-authority-data"], certificate, key_pem
    )
    expires = x509.load_pem_x509_certificate(certificate.encode()).not_valid_after_utc.timestamp()
    issued = Issued(request.server, cluster_uid, expires, request.group, generation, request.ttl)
    return issued, yaml.safe_dump(handed_out, sort_keys=False)


def _signed(inner: Session, csr_pem: str, request: AccessRequest, clock: Clock) -> str:
    """Send, approve and fetch one signing request; returns the certificate chain as PEM."""
    name = f"{request.user}-{hashlib.sha256(csr_pem.encode()).hexdigest()[:10]}"
    inner.apply(_CSR, access.signing_request(name, csr_pem, request.ttl))
    live = inner.get(_CSR, name) or {}
    condition = {
        "type": "Approved",
        "status": "True",
        "reason": "IssuedByOperator",
        "message": "issued by ai_tenancy.platform.k3k_kubeconfig",
    }
    inner.replace(_CSR, {**live, "status": {"conditions": [condition]}}, "approval")
    found: dict[str, str] = {}

    def look() -> tuple[bool, str]:
        status: Mapping[str, Any] = (inner.get(_CSR, name) or {}).get("status") or {}
        for said in status.get("conditions") or []:
            if said["type"] in ("Denied", "Failed"):
                raise RefusedError(f"The virtual cluster {request.cluster} refused to sign: {said.get('message', '')}.")
        found["pem"] = base64.b64decode(status.get("certificate") or "").decode()
        return bool(found["pem"]), f"the signer of virtual cluster {request.cluster} has not answered"

    wait_for(look, clock, SIGN_TIMEOUT, 2.0)
    inner.delete(_CSR, name)
    return found["pem"]
