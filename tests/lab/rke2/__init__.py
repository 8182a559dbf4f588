# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The laboratory's stand-in for a release of RKE2."""
