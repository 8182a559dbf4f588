# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""RKE2: what a node shall be, what is to be done for it, and what must not be done. Pure decisions."""
