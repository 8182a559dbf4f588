# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Pairs of access key and secret key of one user. The secret is seen once, in the answer that creates it."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..core.clearml.answer import INVALID_USER_ID, UNKNOWN_KEY, has_reason
from ..core.clearml.credentials import Key
from ..core.errors import PlatformError, RefusedError
from ..core.web import unclear
from ..web import TRIES
from .session import Caller, Session
from .users import Identity, who


@dataclass(frozen=True)
class KeyRing:
    """The keys of one user. limit: how many the server allows, 0 when it does not say."""

    keys: tuple[Key, ...] = ()
    limit: int = 0


@dataclass(frozen=True)
class NewPair:
    """A pair just made. orphans: keys made on the way whose secrets were lost with the answer."""

    access_key: str
    secret_key: str = field(repr=False)
    orphans: tuple[str, ...] = ()


def key_ring(session: Session, user_id: str) -> KeyRing:
    """List the keys of a user, without secrets."""
    answer = session.read("auth.get_credentials", {}, Caller(become=user_id))
    keys = [
        Key(str(each["access_key"]), str(each.get("label") or ""), str(each.get("last_used") or ""))
        for each in answer.get("credentials") or []
    ]
    return KeyRing(tuple(keys), int(answer.get("max_credentials") or 0))


def create(session: Session, user_id: str, label: str, known: KeyRing) -> NewPair:
    """Make a pair for a user. C(known) are its keys as just read.

    An answer that got lost leaves a key whose secret nobody has: the next try makes another one, and the lost ones
    are named as orphans, for the caller to revoke once the new pair is stored.
    """
    before = {key.access_key for key in known.keys}
    unsure = False
    for attempt in range(TRIES):
        try:
            answer = session.write("auth.create_credentials", {"label": label}, Caller(become=user_id))
            pair = answer.get("credentials") or {}
            access_key, secret_key = str(pair["access_key"]), str(pair["secret_key"])
        except PlatformError as error:
            if has_reason(error, INVALID_USER_ID):
                raise RefusedError(
                    f"No credentials can be made for user {user_id}: {error.message}",
                    "Identities of the server's configuration are protected; give the tenant another admin.email.",
                ) from error
            if not unclear(error) or attempt == TRIES - 1:
                raise
            unsure = True
            continue
        session.learn_secret(secret_key)
        orphans: tuple[str, ...] = ()
        if unsure:
            now = key_ring(session, user_id).keys
            orphans = tuple(
                key.access_key
                for key in now
                if key.label == label and key.access_key not in before and key.access_key != access_key
            )
        return NewPair(access_key, secret_key, orphans)
    raise AssertionError("unreachable")


def revoke(session: Session, user_id: str, access_key: str) -> bool:
    """Take a key away; False when it was gone already. Bearer tokens made with it live on until they expire."""
    try:
        session.read("auth.revoke_credentials", {"access_key": access_key}, Caller(become=user_id))
    except PlatformError as error:
        if has_reason(error, UNKNOWN_KEY):
            return False
        raise
    return True


def check(session: Session, access_key: str, secret_key: str) -> Identity:
    """Log in with a pair and tell whose it is. Raises RejectedPairError when the server does not know it."""
    return who(session, Caller(access_key=access_key, secret_key=secret_key))
