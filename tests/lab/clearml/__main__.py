# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Start the stand-in: C(python -m tests.lab.clearml --address 127.0.0.1 --port 8443 ...)."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from .application import Application
from .httpd import Server
from .settings import PROFILES


def main() -> int:
    """Serve until SIGTERM or SIGINT. Returns the exit code."""
    options = _parser().parse_args()
    try:
        credentials = json.loads(options.credentials_file.read_text())
        application = Application(
            options.state_dir, PROFILES[options.profile], credentials["access_key"], credentials["secret_key"]
        )
        server = Server((options.address, options.port), application, options.cert, options.key)
    except (OSError, ValueError, KeyError) as error:
        print(f"clearml stand-in: cannot start: {type(error).__name__}: {error}", file=sys.stderr)
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"clearml stand-in: {options.profile} on https://{options.address}:{server.server_port}", flush=True)
    server.serve_forever()
    server.server_close()
    application.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab.clearml", description="Stand-in for the ClearML API server."
    )
    parser.add_argument("--address", required=True, help="address to listen on")
    parser.add_argument("--port", required=True, type=int, help="port to listen on, 0 for any")
    parser.add_argument("--cert", required=True, type=Path, help="server certificate, PEM")
    parser.add_argument("--key", required=True, type=Path, help="its private key, PEM")
    parser.add_argument("--state-dir", required=True, type=Path, help="directory of the state and the request log")
    parser.add_argument(
        "--credentials-file", required=True, type=Path, help="JSON with access_key and secret_key of the platform"
    )
    parser.add_argument("--profile", choices=sorted(PROFILES), default="enterprise-3.30", help="edition to be")
    return parser


if __name__ == "__main__":
    sys.exit(main())
