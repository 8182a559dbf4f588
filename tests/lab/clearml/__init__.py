# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for the API server of ClearML Enterprise, for the laboratory.

It speaks the protocol that clients of ClearML use (envelope, codes, roles, impersonation, secrets that are shown once),
keeps its state over a restart, fails on demand and remembers every request. Start it with
C(python -m tests.lab.clearml --help); tests start it in their own process with L(inprocess).

The way of a request: C(httpd) reads it, C(application) finds the call, C(identity) says who asks, C(registry) checks the
fields, one file of C(services) answers, C(envelope) wraps the answer. C(faults) may spoil it, C(requestlog) records it.
C(control) is the side door for tests, under C(/_lab/).
"""
