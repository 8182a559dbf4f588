# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""One authenticated connection to a Kubernetes API server.

Who we are and how the server is trusted is worked out by kubernetes.core (the same options, environment variables and
kubeconfig rules); the requests themselves are plain HTTP on a shared connection pool, because the kinds are few and
fixed, and many objects must be read and written at once.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import traceback
from collections.abc import Mapping
from typing import Any, Optional
from urllib.parse import urlencode

from ..clock import SYSTEM_CLOCK
from ..core.errors import (
    AuthError,
    ConflictError,
    NotFoundError,
    PlatformError,
    RefusedError,
    RemoteError,
    UnreachableError,
)
from ..core.names import FIELD_MANAGER
from ..core.retry import Backoff, retried
from .kinds import Kind
from .trust import Trust, forget

try:
    import urllib3
    from kubernetes.client.rest import RESTClientObject
    from kubernetes.config.config_exception import ConfigException

    IMPORT_ERROR: Optional[str] = None
except ImportError:
    IMPORT_ERROR = traceback.format_exc()

try:
    from ansible_collections.kubernetes.core.plugins.module_utils.k8s import client as core_client
except ImportError:
    IMPORT_ERROR = IMPORT_ERROR or traceback.format_exc()

#: Connections, and so requests, at the same time.
CONCURRENCY = 16
#: Objects per page of a LIST; the size kubectl uses.
PAGE_SIZE = 500
#: Seconds to wait for a connection, and for an answer.
CONNECT_TIMEOUT, READ_TIMEOUT = 5.0, 30.0

_CONFIGURING = threading.Lock()
_SHARED: dict[str, Session] = {}
_APPLY = "application/apply-patch+yaml"
_MERGE = "application/merge-patch+json"
_JSON = "application/json"
_OTHER_MANAGER = re.compile(r'conflicts? with "([^"]+)"')
#: Server-side apply answers an unknown field with 500, as if the server were at fault (Kubernetes 1.34, observed).
_UNKNOWN_FIELD = re.compile(r"(\S+): field not declared in schema")
_NO_ACCESS = re.compile(r'User "[^"]*" cannot ')


class Session:
    """Requests to one API server. Safe to use from several threads."""

    def __init__(
        self, configuration: Any, trust: Trust, headers: Mapping[str, Any], backoff: Optional[Backoff] = None
    ) -> None:
        self.host = configuration.host.rstrip("/")
        self._configuration = configuration
        self._authority = trust.authority
        self._backoff = backoff or Backoff(SYSTEM_CLOCK)
        configuration.connection_pool_maxsize = CONCURRENCY
        self._pool = RESTClientObject(configuration).pool_manager
        if trust.context is not None:
            self._pool.connection_pool_kw["ssl_context"] = trust.context
        self._headers = urllib3.HTTPHeaderDict({"Accept": _JSON, "User-Agent": "ai_tenancy.platform"})
        for name, value in headers.items():
            for single in value if isinstance(value, list) else [value]:
                self._headers.add(name, single)

    @classmethod
    def from_options(cls, options: Mapping[str, Any], backoff: Optional[Backoff] = None) -> Session:
        """Connect as C(options) say: kubernetes.core's authentication options, by their Ansible names.

        Raises UnreachableError when there is no usable kubeconfig.
        """
        # proxy_headers is left out when empty: kubernetes.core would then send an empty header block.
        given = {key: value for key, value in options.items() if value is not None}
        try:
            auth = core_client._create_auth_spec(**given)
            if not auth.get("proxy_headers"):
                auth.pop("proxy_headers", None)
            # The kubernetes library hands the configuration over in a global; two threads would get each other's.
            with _CONFIGURING:
                try:
                    configuration = core_client._create_configuration(auth)
                    trust = Trust(configuration)
                finally:
                    forget()
        except (ConfigException, OSError) as error:
            raise UnreachableError(
                f"No usable access to a Kubernetes API server: {error}.",
                "Set kubeconfig (or K8S_AUTH_KUBECONFIG), or host and api_key.",
            ) from error
        return cls(configuration, trust, core_client._create_headers(**given), backoff)

    @classmethod
    def from_kubeconfig(cls, kubeconfig: Mapping[str, Any], backoff: Optional[Backoff] = None) -> Session:
        """Connect with a kubeconfig given as data."""
        return cls.from_options({"kubeconfig": dict(kubeconfig)}, backoff)

    def with_certificate(self, certificate_data: str, key_data: str) -> Session:
        """The same server with other credentials: a client certificate and its key, base64 as in a kubeconfig."""
        cluster = {"server": self.host, "insecure-skip-tls-verify": not self._configuration.verify_ssl}
        if self._authority:
            cluster["certificate-authority-data"] = base64.b64encode(self._authority).decode()
        user = {"client-certificate-data": certificate_data, "client-key-data": key_data}
        return Session.from_kubeconfig(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "server", "cluster": cluster}],
                "users": [{"name": "client", "user": user}],
                "contexts": [{"name": "client", "context": {"cluster": "server", "user": "client"}}],
                "current-context": "client",
            },
            self._backoff,
        )

    # -- verbs --------------------------------------------------------------------------------------------------

    def get(self, kind: Kind, name: str, namespace: str = "") -> Optional[dict[str, Any]]:
        """Read one object; None when it does not exist."""
        try:
            return self.request("GET", kind.path(namespace, name))
        except NotFoundError:
            return None

    def list(self, kind: Kind, namespace: str = "", labels: str = "", fields: str = "") -> list[dict[str, Any]]:
        """Read all objects that match, page by page. labels, fields: selectors in kubectl's form."""
        query = {"limit": str(PAGE_SIZE)}
        if labels:
            query["labelSelector"] = labels
        if fields:
            query["fieldSelector"] = fields
        found: list[dict[str, Any]] = []
        while True:
            try:
                page = self.request("GET", kind.path(namespace), query)
            except RemoteError as error:
                # 410: the list's snapshot was compacted away between two pages; begin again.
                if error.status == 410 and "continue" in query:
                    del query["continue"]
                    found.clear()
                    continue
                raise
            for item in page.get("items") or []:
                # Items of a typed list come without their kind.
                item.setdefault("kind", kind.name)
                item.setdefault("apiVersion", kind.api_version)
                found.append(item)
            following = page.get("metadata", {}).get("continue")
            if not following:
                return found
            query["continue"] = following

    def apply(self, kind: Kind, body: Mapping[str, Any], dry_run: bool = False, force: bool = False) -> dict[str, Any]:
        """Server-side apply one whole desired object. Raises ConflictError when another manager owns a field."""
        metadata = body["metadata"]
        query = {"fieldManager": FIELD_MANAGER, "force": "true" if force else "false", "fieldValidation": "Strict"}
        if dry_run:
            query["dryRun"] = "All"
        return self.request("PATCH", kind.path(metadata.get("namespace", ""), metadata["name"]), query, body, _APPLY)

    def create(self, kind: Kind, body: Mapping[str, Any], dry_run: bool = False) -> dict[str, Any]:
        """Create one object; never sent twice, unless it is a dry run."""
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
        if dry_run:
            query["dryRun"] = "All"
        path = kind.path(body["metadata"].get("namespace", ""))
        return self.request("POST", path, query, body, repeatable=dry_run)

    def merge(
        self,
        kind: Kind,
        name: str,
        namespace: str,
        patch: Mapping[str, Any],
        subresource: str = "",
        dry_run: bool = False,
    ) -> dict[str, Any]:
        """Merge-patch one object: for single fields such as an annotation, where a whole apply would claim too much."""
        path = kind.path(namespace, name) + (f"/{subresource}" if subresource else "")
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
        if dry_run:
            query["dryRun"] = "All"
        return self.request("PATCH", path, query, patch, _MERGE)

    def replace(
        self, kind: Kind, body: Mapping[str, Any], subresource: str = "", dry_run: bool = False
    ) -> dict[str, Any]:
        """Put one object back as read and changed; its resourceVersion guards against other writers."""
        metadata = body["metadata"]
        path = kind.path(metadata.get("namespace", ""), metadata["name"]) + (f"/{subresource}" if subresource else "")
        query = {"fieldManager": FIELD_MANAGER}
        if dry_run:
            query["dryRun"] = "All"
        return self.request("PUT", path, query, body)

    def delete(self, kind: Kind, name: str, namespace: str = "", dry_run: bool = False) -> bool:
        """Delete one object, its dependants in the background. False when it was not there."""
        options: dict[str, Any] = {"propagationPolicy": "Background"}
        if dry_run:
            options["dryRun"] = ["All"]
        try:
            self.request("DELETE", kind.path(namespace, name), None, options)
        except NotFoundError:
            return False
        return True

    def ready(self) -> bool:
        """True when the API server says that it is ready."""
        try:
            self._once("GET", "/readyz", None, None, _JSON)
        except PlatformError:
            return False
        return True

    # -- one request --------------------------------------------------------------------------------------------

    def request(
        self,
        method: str,
        path: str,
        query: Optional[Mapping[str, str]] = None,
        body: Optional[Mapping[str, Any]] = None,
        content_type: str = _JSON,
        repeatable: bool = True,
        headers: Optional[Mapping[str, str]] = None,
    ) -> dict[str, Any]:
        """Send one request and return the decoded answer.

        repeatable: the request may be sent again after a transient fault. headers: more of them, for what answers behind
        the API server. Raises NotFoundError, ConflictError,
        AuthError, RemoteError or UnreachableError, each with the server's own words.
        """
        if not repeatable:
            return self._once(method, path, query, body, content_type, headers)
        return retried(lambda: self._once(method, path, query, body, content_type, headers), self._backoff)

    def _once(
        self,
        method: str,
        path: str,
        query: Optional[Mapping[str, str]],
        body: Optional[Mapping[str, Any]],
        content_type: str,
        more: Optional[Mapping[str, str]] = None,
    ) -> dict[str, Any]:
        url = self.host + path + ("?" + urlencode(query) if query else "")
        payload = None if body is None else json.dumps(body).encode()
        headers = self._authenticated()
        headers.update(more or {})
        if payload is not None:
            headers["Content-Type"] = content_type
        try:
            response = self._pool.request(
                method,
                url,
                body=payload,
                headers=headers,
                timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT, read=READ_TIMEOUT),
                retries=False,
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise UnreachableError(
                f"{method} {path}: no answer from {self.host}: {error}.",
                "Check that the API server runs and that its address and CA are right.",
            ) from error
        return _answer(method, path, response)

    def _authenticated(self) -> Any:
        headers = self._headers.copy()
        # Asked anew each time: exec plugins and token files refresh the credential behind this call.
        for setting in self._configuration.auth_settings().values():
            if setting.get("value") and setting.get("in") == "header":
                headers[setting["key"]] = setting["value"]
        return headers


def _answer(method: str, path: str, response: Any) -> dict[str, Any]:
    text = response.data.decode("utf-8", "replace")
    try:
        data = json.loads(text) if text else {}
    except ValueError:
        data = {}
        if response.status < 400 and not path.startswith("/readyz"):
            raise RemoteError(
                f"{method} {path}: the answer is not JSON (broken off?).", status=502, reason="BadAnswer"
            ) from None
    if response.status < 400:
        return data if isinstance(data, dict) else {}
    raise _error(method, path, response.status, data if isinstance(data, dict) else {}, text, response.headers)


def _error(
    method: str, path: str, status: int, data: Mapping[str, Any], text: str, headers: Mapping[str, str]
) -> PlatformError:
    said = str(data.get("message") or text[:300] or "no message")
    reason = str(data.get("reason") or "")
    message = f"{method} {path}: {said} (HTTP {status}{', ' + reason if reason else ''})."
    unknown = _UNKNOWN_FIELD.search(said)
    if unknown:
        return RefusedError(
            message,
            f"The definition of this kind on the server does not know {unknown.group(1)}: upgrade what installs it, or "
            "leave this option out.",
        )
    if status == 404:
        return NotFoundError(message)
    if status == 401 or (status == 403 and _NO_ACCESS.search(said)):
        return AuthError(message, "Check the credentials and the roles of this user.")
    if status == 409 and reason != "AlreadyExists":
        other = _OTHER_MANAGER.search(said)
        if other:
            return ConflictError(
                message,
                f"The field manager {other.group(1)} owns these fields; set force_conflicts=true to take them over.",
                other.group(1),
            )
        return ConflictError(message, "Another writer was faster; run again.")
    return RemoteError(message, status=status, reason=reason, retry_after=_retry_after(headers, data))


def _retry_after(headers: Mapping[str, str], data: Mapping[str, Any]) -> Optional[float]:
    stated = headers.get("Retry-After") or (data.get("details") or {}).get("retryAfterSeconds")
    try:
        return float(stated) if stated is not None else None
    except (TypeError, ValueError):
        return None


def shared(options: Mapping[str, Any]) -> Session:
    """The one session of this process for these options; made at first use, as C(Session.from_options) does.

    Several modules may run in the same process. They find its connections open.
    """
    key = json.dumps(options, sort_keys=True, default=str)
    if key not in _SHARED:
        _SHARED[key] = Session.from_options(options)
    return _SHARED[key]
