# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The registration servers: SUSE Customer Center (scc.suse.com) and a Repository Mirroring Tool (rmt.lab.test).

The protocol is that of https://github.com/SUSE/connect/wiki/SCC-API-(Implemented), as far as SUSEConnect needs it. The
systems are kept in a file that a test may change, to delete a system or to let the server fail.
"""

from __future__ import annotations

import base64
import fcntl
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

SCC = "scc.suse.com"


@dataclass(frozen=True)
class Product:
    """A product. repository: the laboratory's repository that it brings. recommended: activated with its base.

    paid: needs a registration code of its own.
    """

    identifier: str
    version: str
    name: str
    repository: str
    recommended: bool = False
    paid: bool = False
    base: str = ""

    @property
    def key(self) -> str:
        return f"{self.identifier}/{self.version}/x86_64"

    @property
    def service(self) -> str:
        """Name of its zypper service."""
        return self.name.replace(" ", "_") + "_x86_64"

    def to_json(self) -> dict[str, Any]:
        """Return it as the servers describe a product."""
        return {"identifier": self.identifier, "version": self.version, "arch": "x86_64", "name": self.name,
                "friendly_name": f"{self.name} x86_64", "recommended": self.recommended, "available": True,
                "free": not self.paid, "product_type": "extension" if self.base else "base", "extensions": []}  # fmt: skip


def catalogue() -> dict[str, Product]:
    """Return all products by key. SLES 16 has no modules."""
    found = [Product("SLES", "16.0", "SUSE Linux Enterprise Server 16.0", "all")]
    for version in ("15.6", "15.7"):
        text = version.replace("15.", "15 SP")
        base = f"SLES/{version}/x86_64"
        found.append(Product("SLES", version, f"SUSE Linux Enterprise Server {text}", "sles"))
        for identifier, name, recommended, paid in (
            ("sle-module-basesystem", "Basesystem Module", True, False),
            ("sle-module-server-applications", "Server Applications Module", True, False),
            ("sle-module-containers", "Containers Module", False, False),
            ("sle-module-python3", "Python 3 Module", False, False),
            ("sle-ha", "SUSE Linux Enterprise High Availability Extension", False, True),
        ):
            repository = "empty" if paid else identifier
            found.append(Product(identifier, version, f"{name} {text}", repository, recommended, paid, base))
    return {product.key: product for product in found}


class Refusal(Exception):
    """An error that is sent to the client."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class Registration:
    """Answers the requests of SUSEConnect and zypper."""

    def __init__(self, state: Path, regcode: str) -> None:
        self._file, self._regcode, self._products = state, regcode, catalogue()

    @contextmanager
    def _state(self) -> Iterator[dict[str, Any]]:
        """Hold the state for one request; what is changed is written."""
        with self._file.open("a+", encoding="utf-8") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            stream.seek(0)
            text = stream.read()
            state = {"systems": {}, "fault": "", **(json.loads(text) if text else {})}
            yield state
            stream.seek(0)
            stream.truncate()
            stream.write(json.dumps(state, indent=2) + "\n")

    def handle(self, host: str, method: str, target: str, authorization: str, body: Any) -> tuple[int, str]:
        """Return status and text of the answer to a request."""
        try:
            with self._state() as state:
                if state["fault"] == "garbage":
                    return 200, "<html>maintenance</html>"
                if state["fault"] == "unavailable":
                    raise Refusal(503, "Service Unavailable")
                answer = self._route(state, host.partition(":")[0], method, target, authorization, body or {})
        except Refusal as refusal:
            content = {"type": "error", "error": refusal.message, "localized_error": refusal.message}
            return refusal.status, json.dumps(content)
        return (201 if method == "POST" else 200), "" if answer is None else json.dumps(answer)

    def _route(self, state: Any, host: str, method: str, target: str, authorization: str, body: Any) -> Any:
        path = urlsplit(target).path
        if (method, path) == ("POST", "/connect/subscriptions/systems"):
            return self._announce(state, host, authorization, body)
        login, system = self._system(state, authorization)
        if path == "/connect/systems":
            if method == "DELETE":
                del state["systems"][login]
            return None
        if path == "/connect/systems/products":
            if method == "GET":
                query = {key: values[0] for key, values in parse_qs(urlsplit(target).query).items()}
                product = self._product(query)
                extensions = [item.to_json() for item in self._products.values() if item.base == product.key]
                return {**product.to_json(), "extensions": extensions}
            action = {"POST": self._activate, "PUT": self._activate, "DELETE": self._deactivate}.get(method)
            if action:
                return action(system, host, self._product(body), body)
        if (method, path) == ("GET", "/connect/systems/activations"):
            return [self._activation(system, host, self._products[key]) for key in system["products"]]
        if (method, path) == ("POST", "/connect/systems/labels"):
            system["labels"] = [row["name"] for row in body["labels"]]
            return body["labels"]
        raise Refusal(404, "Not Found")

    def _announce(self, state: Any, host: str, authorization: str, body: Any) -> Any:
        regcode = authorization.removeprefix("Token token=")
        if host == SCC and regcode != self._regcode:
            raise Refusal(401, "Unknown Registration Code.")
        login, password = f"SCC_{secrets.token_hex(16)}", secrets.token_hex(16)
        state["systems"][login] = {"password": password, "regcode": regcode if host == SCC else "",
                                   "hostname": body.get("hostname", ""), "server": host, "products": []}  # fmt: skip
        return {"id": len(state["systems"]), "login": login, "password": password}

    def _system(self, state: Any, authorization: str) -> tuple[str, Any]:
        kind, _space, encoded = authorization.partition(" ")
        if kind == "Basic":
            login, _colon, password = base64.b64decode(encoded).decode().partition(":")
            system = state["systems"].get(login)
            if system and secrets.compare_digest(system["password"], password):
                return login, system
        raise Refusal(401, "Invalid system credentials")

    def _product(self, row: Any) -> Product:
        key = f"{row.get('identifier')}/{row.get('version')}/{row.get('arch')}"
        if key not in self._products:
            raise Refusal(422, f"No product found on SCC for: {key.replace('/', ' ')}")
        return self._products[key]

    def _activate(self, system: Any, host: str, product: Product, body: Any) -> Any:
        if product.base and product.base not in system["products"]:
            raise Refusal(422, f"The product you are attempting to activate ({product.name}) requires one of these "
                               f"products to be activated first: {self._products[product.base].name}")  # fmt: skip
        if host == SCC and product.paid and body.get("token") != self._regcode:
            raise Refusal(422, f"Please provide a Registration Code for this product ({product.name})")
        if product.key not in system["products"]:
            system["products"].append(product.key)
        return self._service(host, product)

    def _deactivate(self, system: Any, host: str, product: Product, body: Any) -> Any:
        if product.key not in system["products"]:
            raise Refusal(422, f"{product.name} is not activated on this system")
        system["products"].remove(product.key)
        return self._service(host, product)

    def _service(self, host: str, product: Product) -> dict[str, Any]:
        number = 1 + list(self._products).index(product.key)
        url = f"https://{host}/access/services/{number}?credentials={product.service}"
        return {"id": number, "name": product.service, "url": url, "obsoleted_service_name": "",
                "product": product.to_json()}  # fmt: skip

    def _activation(self, system: Any, host: str, product: Product) -> dict[str, Any]:
        return {"id": 1, "regcode": system["regcode"], "name": "Laboratory Subscription", "type": "full",
                "status": "ACTIVE", "starts_at": "2026-01-01 00:00:00 UTC", "expires_at": "2029-01-01 00:00:00 UTC",
                "service": self._service(host, product)}  # fmt: skip

    def repository_index(self, target: str) -> str | None:
        """Return the list of repositories of a zypper service, or None when the path is no service's."""
        parts = urlsplit(target).path.strip("/").split("/")
        if parts[:2] != ["access", "services"] or parts[3:] != ["repo", "repoindex.xml"] or not parts[2].isdigit():
            return None
        products = list(self._products.values())
        if not 1 <= int(parts[2]) <= len(products):
            return None
        product = products[int(parts[2]) - 1]
        alias = product.name.replace(" ", "-") + "-Pool"
        return (
            f'<repoindex>\n<repo url="http://repo.lab.test/repo/{product.repository}" alias="{alias}" name="{alias}" '
            'enabled="true" autorefresh="true"/>\n</repoindex>\n'
        )
