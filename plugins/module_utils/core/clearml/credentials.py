# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Access keys of a tenant: when a new pair is due, which old ones go, and the Secret that keeps the pair.

The server shows a secret once, in the answer that creates it. So the pair is written into a Kubernetes Secret before
anything else happens, and everything that is known of it is written beside it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from ..names import LABEL_MANAGED_BY, LABEL_PREFIX, LABEL_TENANT, MANAGED_BY
from ..secrets import secret_object
from .requests import (
    IMMEDIATELY,
    KEEP_ONE,
    NEVER,
    ROTATE_ALWAYS,
    ROTATE_IF_OLDER,
    STOP,
    CredentialRequest,
    Store,
    TenantRequest,
)

#: Label of the Secrets that hold ClearML pairs; its value is the purpose. One LIST by this label finds all.
LABEL_PURPOSE = LABEL_PREFIX + "clearml-purpose"
SECRETS_SELECTOR = f"{LABEL_MANAGED_BY}={MANAGED_BY},{LABEL_TENANT},{LABEL_PURPOSE}"

_DAY = 24 * 3600.0

_NOTE = LABEL_PREFIX + "clearml-"
NOTE_COMPANY, NOTE_LABEL, NOTE_ROTATION, NOTE_CREATED, NOTE_KEYS, NOTE_PREVIOUS = (
    _NOTE + "company",
    _NOTE + "label",
    _NOTE + "rotation-id",
    _NOTE + "created-at",
    # The names of the two keys inside the Secret, with a comma between.
    _NOTE + "keys",
    # "kept" while the pair before the last rotation is still valid.
    _NOTE + "previous",
)

#: What asking the server with the stored pair told. UNCHECKED: it was not asked.
VALID, REJECTED, UNCHECKED = "valid", "rejected", "unchecked"
#: What to do. FINISH: revoke what a rotation left valid. LOST: the secret is gone and must not be replaced.
KEEP, CREATE, ROTATE, FINISH, LOST = "keep", "create", "rotate", "finish", "lost"


@dataclass(frozen=True)
class Key:
    """One access key as C(auth.get_credentials) lists it. last_used: ISO time, or empty when it never was."""

    access_key: str
    label: str = ""
    last_used: str = ""


@dataclass(frozen=True)
class StoredPair:
    """A pair as the Secret holds it. created_at: seconds since the epoch, None when unknown. previous_kept: see L(NOTE_PREVIOUS)."""

    access_key: str
    secret_key: str = field(repr=False)
    company_id: str = ""
    label: str = ""
    rotation_id: str = ""
    created_at: Optional[float] = None
    previous_kept: bool = False


@dataclass(frozen=True)
class Decision:
    """What to do about one pair. case: row of the decision table in L(decide). reason: one sentence, empty for KEEP."""

    action: str
    case: int
    reason: str = ""

    @property
    def makes_pair(self) -> bool:
        """Whether a new pair is created."""
        return self.action in (CREATE, ROTATE)


def decide(
    request: CredentialRequest, stored: Optional[StoredPair], health: str, keys: Sequence[Key], now: float
) -> Decision:
    """Decide about one pair.

    1. the Secret holds a pair and the server takes it: keep it (and finish a rotation when C(revoke_old) asks for it);
    2. the Secret holds a pair that the server rejects: create a new one;
    3. no pair in the Secret, but the server has our label: the secret is lost; create a new one, or stop;
    4. neither: create one;
    5. a rotation is due: create a new one, the old one goes as C(revoke_old) says;
    6. a run that was killed between create and write leaves 3, or a spare key beside 1 that the next rotation removes.

    stored: None without a Secret, or when its two keys are not in it. keys: the admin's keys at the server; only looked
    at when there is no stored pair. now: seconds since the epoch.
    """
    if stored is not None and health == REJECTED:
        return Decision(CREATE, 2, "the server no longer accepts the stored pair")
    if stored is not None:
        why = _why_rotate(request, stored, now)
        if why:
            return Decision(ROTATE, 5, why)
        if stored.previous_kept and request.revoke_old == IMMEDIATELY:
            return Decision(FINISH, 5, "the pair before the last rotation is still valid")
        return Decision(KEEP, 1)
    if not labelled(keys, request, stored):
        return Decision(CREATE, 4, "there is no pair yet")
    if request.on_lost_secret == STOP:
        return Decision(LOST, 3, f"the server has a pair with the label {request.label}, but no Secret holds it")
    return Decision(CREATE, 3, "the Secret with the pair is lost")


def needs_keys(request: CredentialRequest, stored: Optional[StoredPair], health: str, now: float) -> bool:
    """Whether the list of keys at the server must be read before or after acting. Never for an unchanged pair."""
    return decide(request, stored, health, (), now).action != KEEP


def labelled(keys: Sequence[Key], request: CredentialRequest, stored: Optional[StoredPair]) -> list[Key]:
    """The keys at the server that carry the label of this pair, or the one it had when it was made."""
    ours = {request.label, stored.label if stored and stored.label else request.label}
    return [key for key in keys if key.label in ours]


def to_revoke(
    request: CredentialRequest,
    stored: Optional[StoredPair],
    keys: Sequence[Key],
    current: str,
) -> list[str]:
    """Which access keys go once C(current) is stored: those with our label that nothing uses any more.

    C(immediately): all but the current one. C(never): none. C(keep_one): all but the current and the one before, which
    is the stored one, or, when that is unknown, the last used.
    """
    others = [key for key in labelled(keys, request, stored) if key.access_key != current]
    spared = {
        IMMEDIATELY: set(),
        NEVER: {key.access_key for key in others},
        KEEP_ONE: {_previous(others, stored)},
    }[request.revoke_old]
    return [key.access_key for key in others if key.access_key not in spared]


def _previous(others: Sequence[Key], stored: Optional[StoredPair]) -> str:
    if stored is not None and any(key.access_key == stored.access_key for key in others):
        return stored.access_key
    used = [key for key in others if key.last_used]
    return max(used, key=lambda key: key.last_used).access_key if used else ""


def keys_to_free(
    request: CredentialRequest,
    stored: Optional[StoredPair],
    keys: Sequence[Key],
    limit: int,
    protected: Sequence[str],
) -> Optional[list[str]]:
    """Which of our keys must go first so that the server's cap leaves room for one more; None when that is impossible.

    limit: C(max_credentials), 0 for none. protected: access keys that some Secret holds; they stay.
    """
    excess = len(keys) + 1 - limit if limit else 0
    if excess <= 0:
        return []
    spare = [key for key in labelled(keys, request, stored) if key.access_key not in protected]
    spare.sort(key=lambda key: key.last_used)
    return [key.access_key for key in spare[:excess]] if len(spare) >= excess else None


def _why_rotate(request: CredentialRequest, stored: StoredPair, now: float) -> str:
    if request.rotate == ROTATE_ALWAYS:
        return "a rotation was asked for"
    if request.rotation_id and request.rotation_id != stored.rotation_id:
        return f"rotation_id changed from {stored.rotation_id or 'none'} to {request.rotation_id}"
    if request.rotate == ROTATE_IF_OLDER:
        if stored.created_at is None:
            return "the age of the pair is unknown"
        if now - stored.created_at > request.max_age_days * _DAY:
            return f"the pair is older than {request.max_age_days} days"
    return ""


# -- the Secret --------------------------------------------------------------------------------------------------


def secret_for(tenant: TenantRequest, request: CredentialRequest, pair: StoredPair) -> dict[str, Any]:
    """The Secret that keeps C(pair), complete."""
    store = request.store
    notes = {
        NOTE_COMPANY: pair.company_id,
        NOTE_LABEL: pair.label,
        NOTE_CREATED: f"{pair.created_at:.0f}" if pair.created_at else "",
        NOTE_ROTATION: pair.rotation_id,
        NOTE_KEYS: f"{store.access_key_key},{store.secret_key_key}",
        NOTE_PREVIOUS: "kept" if pair.previous_kept else "",
    }
    return secret_object(
        store.name,
        store.namespace,
        {store.access_key_key: pair.access_key, store.secret_key_key: pair.secret_key},
        labels={LABEL_TENANT: tenant.id, LABEL_PURPOSE: request.purpose},
        annotations={name: value for name, value in notes.items() if value},
    )


def pair_in(secret: Optional[Mapping[str, Any]], store: Store) -> Optional[StoredPair]:
    """Read the pair back; None when the Secret does not exist or does not hold both keys."""
    if secret is None:
        return None
    data = secret.get("data") or {}
    try:
        access_key = base64.b64decode(data[store.access_key_key]).decode()
        secret_key = base64.b64decode(data[store.secret_key_key]).decode()
    except (KeyError, ValueError, TypeError, binascii.Error):
        return None
    if not access_key or not secret_key:
        return None
    notes = secret.get("metadata", {}).get("annotations") or {}
    return StoredPair(
        access_key=access_key,
        secret_key=secret_key,
        company_id=notes.get(NOTE_COMPANY, ""),
        label=notes.get(NOTE_LABEL, ""),
        rotation_id=notes.get(NOTE_ROTATION, ""),
        created_at=_time(notes.get(NOTE_CREATED, "")),
        previous_kept=notes.get(NOTE_PREVIOUS) == "kept",
    )


def store_of(secret: Mapping[str, Any]) -> Store:
    """Where in a Secret of ours the pair is."""
    metadata = secret["metadata"]
    keys = (metadata.get("annotations") or {}).get(NOTE_KEYS, "").split(",")
    if len(keys) != 2:
        return Store(metadata["namespace"], metadata["name"])
    return Store(metadata["namespace"], metadata["name"], *keys)


def belongs_to(secret: Mapping[str, Any], tenant: str) -> bool:
    """Whether we made the Secret, for this tenant."""
    labels = secret.get("metadata", {}).get("labels") or {}
    return bool(labels.get(LABEL_MANAGED_BY) == MANAGED_BY and labels.get(LABEL_TENANT) == tenant)


def hint(access_key: str) -> str:
    """So much of an access key that a person finds it in the web page, and no more."""
    return access_key[:4] + "..." if len(access_key) > 8 else "..."


def _time(text: str) -> Optional[float]:
    try:
        return float(text)
    except ValueError:
        return None
