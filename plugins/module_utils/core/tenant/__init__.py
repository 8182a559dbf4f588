# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The tenants file, schema v1: parse it, check it, describe it.

C(common), C(cluster), C(grants), C(services), C(model) and C(fleet) are the model and, at the same time, the table of
fields; C(fields), C(kinds) and C(containers) the machinery behind it; C(defaults) what is computed; C(rules_*) what
several fields must fulfil together; C(parser) puts it together; C(schema) derives JSON schema and documentation;
C(claims) is what the capacity check needs.
"""

from __future__ import annotations

from .claims import capacity_settings, claim_of, claims_of, warnings_of
from .cluster import Cluster, Expose, Isolation
from .common import SecretRef, WholeSecretRef
from .fleet import API_VERSION, Fleet, TenantsFile
from .grants import Access, Network, Quota, Way
from .model import ABSENT, PRESENT, SUSPENDED, Owner, Tenant
from .parser import parse_tenants_file
from .schema import documentation, immutable_fields, json_schema, json_schema_text, markdown_table
from .services import Clearml, ClearmlQueue

__all__ = [
    "ABSENT",
    "API_VERSION",
    "PRESENT",
    "SUSPENDED",
    "Access",
    "Clearml",
    "ClearmlQueue",
    "Cluster",
    "Expose",
    "Fleet",
    "Isolation",
    "Network",
    "Owner",
    "Quota",
    "SecretRef",
    "Tenant",
    "TenantsFile",
    "Way",
    "WholeSecretRef",
    "capacity_settings",
    "claim_of",
    "claims_of",
    "documentation",
    "immutable_fields",
    "json_schema",
    "json_schema_text",
    "markdown_table",
    "parse_tenants_file",
    "warnings_of",
]
