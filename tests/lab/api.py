# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The few HTTPS requests that the laboratory itself makes: health, and the objects it starts with.

Standard library only. Tests that want a Kubernetes client use the C(kubernetes) package with the lab's kubeconfig.
"""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from .description import Description
from .errors import LabError

#: Field manager of what the laboratory puts into the cluster.
MANAGER = "ai-tenancy-lab"


def tls(lab: Description, authority: str, client: str | None) -> ssl.SSLContext:
    """Return a TLS context that trusts one of the lab's authorities, with a client certificate of pki/ if named."""
    context = ssl.create_default_context(cafile=str(lab.pki / f"{authority}.crt"))
    if client:
        context.load_cert_chain(lab.pki / f"{client}.crt", lab.pki / f"{client}.key")
    return context


def opener(context: ssl.SSLContext) -> urllib.request.OpenerDirector:
    """Return an opener that asks directly: a proxy of the environment does not know the laboratory's address."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))


def healthy(lab: Description, url: str, client: str | None) -> str:
    """Ask a health address. Return "" when it answers 200, otherwise what is wrong."""
    context = tls(lab, "etcd-ca" if client == "etcd-client" else "ca", client)
    try:
        with opener(context).open(url, timeout=5):
            return ""
    except urllib.error.HTTPError as error:
        return f"answers {error.code} {error.reason}"
    except (OSError, ValueError) as error:
        return f"does not answer ({getattr(error, 'reason', error)})"


class Api:
    """The laboratory's API server, as its administrator."""

    def __init__(self, lab: Description) -> None:
        self._url = lab.url("kube-apiserver")
        self._opener = opener(tls(lab, "ca", "admin"))

    def request(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Any:
        """Make a request and return the decoded answer. Raises urllib.error.HTTPError, OSError."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": content_type}
        request = urllib.request.Request(self._url + path, data, headers, method=method)  # noqa: S310 - always https
        with self._opener.open(request, timeout=30) as answer:
            return json.load(answer)

    def apply(self, collection: str, item: dict[str, Any]) -> None:
        """Apply an object on the server's side. Raises LabError with the server's message when it is refused."""
        path = f"{collection}/{item['metadata']['name']}?fieldManager={MANAGER}&force=true"
        self._write("PATCH", path, item, "application/apply-patch+yaml")

    def create(self, collection: str, item: dict[str, Any]) -> None:
        """Create an object with its status, unless it exists. Raises LabError when it is refused."""
        self._write("POST", f"{collection}?fieldManager={MANAGER}", item, "application/json", ignore=409)

    def _write(self, method: str, path: str, item: dict[str, Any], content_type: str, ignore: int = 0) -> None:
        try:
            self.request(method, path, item, content_type)
        except urllib.error.HTTPError as error:
            if error.code != ignore:
                message = error.read().decode("utf-8", "replace")
                raise LabError(f"{item['kind']} {item['metadata']['name']}: refused: {message}") from error

    def try_read(self, path: Path | str) -> Any:
        """Return the answer to a GET, or None while the server is away or refuses."""
        try:
            return self.request("GET", str(path))
        except OSError:
            return None
