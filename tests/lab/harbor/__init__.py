# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for the API v2.0 of Harbor and its token service: projects, robots, scans, copies of artifacts.

Status codes, bodies and rules are those of goharbor/harbor 2.15 (src/server/v2.0/handler, src/controller/robot and artifact): a
new robot gets a secret that is shown once, whatever was asked for; C(PATCH) takes one; a project with images cannot go; a copy
takes all tags along. There is no registry behind it: C(push) puts an artifact there, C(findings) says what its scan will find.

Sockets, faults, the memory of requests and the certificate are those of the stand-in for ClearML. Tests start it in their own
process with L(inprocess).
"""
