# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The certificates of a connection to an API server: read once, and no file of them left behind (X-5).

The kubernetes library writes the certificate and the key of a kubeconfig into files in the temporary directory, for TLS
libraries read files, and removes them when the process ends by itself. A worker of ansible-core 2.19, in which our modules
run, does not end so (seen), and neither does a process that is killed: keys of administrators would stay.
"""

from __future__ import annotations

import ssl
from typing import Any, Optional

try:
    from kubernetes.client import Configuration
    from kubernetes.config import kube_config
    from urllib3.util.ssl_ import create_urllib3_context
except ImportError:
    pass  # session.py says so


class Trust:
    """Whom a connection trusts and as whom it comes. context: for urllib3; None without TLS. authority: the CA as PEM."""

    def __init__(self, configuration: Any) -> None:
        """Read what C(configuration) names, and take the names of the files out of it.

        Raises OSError (of which ssl.SSLError is one) for a file that cannot be read or is not what it should be.
        """
        self.context: Optional[Any] = None
        self.authority = (getattr(configuration, "ca_cert_data", None) or "").encode()
        if configuration.ssl_ca_cert:
            with open(configuration.ssl_ca_cert, "rb") as file:
                self.authority = file.read()
        if configuration.host.startswith("https:"):
            self.context = self._context(configuration)
        configuration.ssl_ca_cert = configuration.cert_file = configuration.key_file = configuration.ca_cert_data = None

    def _context(self, configuration: Any) -> Any:
        context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED if configuration.verify_ssl else ssl.CERT_NONE)
        if configuration.ssl_ca_cert:
            context.load_verify_locations(cafile=configuration.ssl_ca_cert)
        elif self.authority:
            context.load_verify_locations(cadata=self.authority.decode())
        else:
            context.load_default_certs()
        if configuration.cert_file:
            # An encrypted key is refused; without a password OpenSSL would ask on the terminal.
            context.load_cert_chain(configuration.cert_file, configuration.key_file, password=lambda: "")
        return context


def forget() -> None:
    """Remove the files that the kubernetes library wrote, and what it keeps for the next connection of this process.

    What was read of the files goes on working. The next one would else come with the certificate of this one when it has none
    of its own, and trust as little as this one.
    """
    kube_config._cleanup_temp_files()
    Configuration.set_default(None)
