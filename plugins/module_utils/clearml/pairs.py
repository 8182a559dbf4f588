# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The access keys of one tenant, from the look at what is stored to the last revoked key.

Order of a new pair: rehearse the write of the Secret, create the pair, (rotation: prove it,) write the Secret, revoke
what is no longer used. When the write fails, the new pair is revoked again: what was valid before still is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Optional

from ..core.clearml import credentials as core
from ..core.clearml.answer import RejectedPairError
from ..core.clearml.credentials import REJECTED, UNCHECKED, VALID, Decision, StoredPair
from ..core.clearml.requests import CredentialRequest, TenantRequest
from ..core.clearml.tenants import Company, User, credential_step
from ..core.errors import ConflictError, PlatformError, RefusedError
from ..core.result import Outcome
from ..store import Secret, SecretStore
from . import credentials
from .credentials import KeyRing

if TYPE_CHECKING:
    from .tenants import Tenants

#: How often a pair is tried when another run is always faster.
_TRIES = 3


@dataclass
class _Pair:
    """One wanted pair on its way.

    live: the Secret as read. stored: the pair in it. health: what the server says of it. old: keys at the server that
    a new pair replaces. doomed: those of them that are to be revoked.
    """

    request: CredentialRequest
    live: Optional[Secret]
    stored: Optional[StoredPair]
    health: str = UNCHECKED
    decision: Decision = field(default_factory=lambda: Decision(core.KEEP, 1))
    old: tuple[str, ...] = ()
    doomed: tuple[str, ...] = ()


class Pairs:
    """All wanted pairs of one tenant."""

    def __init__(
        self, parent: Tenants, request: TenantRequest, secrets: Mapping[tuple[str, str], Secret], outcome: Outcome
    ) -> None:
        self._parent = parent
        self._session = parent.session
        self._tenant = request
        self._outcome = outcome
        self._pairs = [
            self._read(each, secrets.get((each.store.namespace, each.store.name))) for each in request.credentials
        ]
        self._ring: Optional[KeyRing] = None

    @property
    def _secrets(self) -> SecretStore:
        if self._parent.secrets is None:
            raise AssertionError("pairs are wanted, but there is no place to keep them")
        return self._parent.secrets

    def _read(self, request: CredentialRequest, live: Optional[Secret]) -> _Pair:
        if live is not None and not core.belongs_to(live, self._tenant.id):
            raise RefusedError(
                f"The Secret {request.store} belongs to something else; the pair {request.label} is not put into it.",
                "Choose another store, or delete that Secret.",
            )
        stored = core.pair_in(live, request.store)
        if stored is not None:
            self._session.learn_secret(stored.secret_key)
        return _Pair(request, live, stored)

    def stored(self) -> list[StoredPair]:
        """What the Secrets hold."""
        return [pair.stored for pair in self._pairs if pair.stored is not None]

    def examine(self, company: Optional[Company], admin: Optional[User]) -> str:
        """Find out which stored pairs are still good; one call each.

        Returns the company of C(admin) when a stored pair proved it, else an empty string. Raises RefusedError when a
        stored pair is good, but for another company.
        """
        proven = ""
        for pair in self._pairs:
            if pair.stored is None:
                continue
            if company is None:
                pair.health = REJECTED
            elif not self._parent.verify:
                pair.health = UNCHECKED if pair.stored.company_id in ("", company.id) else REJECTED
                proven = proven or (company.id if pair.stored.company_id == company.id else "")
            else:
                owner = self._ask(pair, pair.stored, company)
                proven = proven or (company.id if admin is not None and owner == admin.id else "")
        return proven

    def _ask(self, pair: _Pair, stored: StoredPair, company: Company) -> str:
        """Set the pair's health and return the id of its user."""
        try:
            owner = credentials.check(self._session, stored.access_key, stored.secret_key)
        except RejectedPairError:
            pair.health = REJECTED
            return ""
        if owner.company_id != company.id:
            raise RefusedError(
                f"The Secret {pair.request.store} holds a pair of another ClearML company ({owner.company_id}), not of "
                f"{company.name!r} ({company.id}).",
                "Delete the Secret to have a new pair made, or correct company.",
            )
        pair.health = VALID
        return owner.user_id

    def decide(self, admin: Optional[User]) -> None:
        """Decide about every pair; raises RefusedError when one is lost and shall not be replaced."""
        now = self._parent.now()
        for pair in self._pairs:
            keys: Sequence[core.Key] = ()
            if admin is not None and core.needs_keys(pair.request, pair.stored, pair.health, now):
                keys = self._keys(admin).keys
            pair.decision = core.decide(pair.request, pair.stored, pair.health, keys, now)
            credential_step(pair.request, pair.decision)

    def _keys(self, admin: User) -> KeyRing:
        if self._ring is None:
            self._ring = credentials.key_ring(self._session, admin.id)
        return self._ring

    def provide(self, company: Optional[Company], admin: Optional[User]) -> None:
        """Carry the decisions out and report every pair. company, admin: None only in check mode."""
        reports = self._outcome.values.setdefault("credentials", []) if self._pairs else []
        for pair in self._pairs:
            step = credential_step(pair.request, pair.decision)
            if pair.decision.makes_pair:
                self._make(pair, company, admin)
            elif pair.decision.action == core.FINISH and admin is not None and not self._parent.check_mode:
                self._finish(pair, admin)
            if step is not None and pair.decision.action != core.KEEP:
                self._outcome.steps.append(step)
            try:
                if admin is not None:
                    self._retire(pair, admin)
            finally:
                # Whatever failed there: the new pair is stored.
                reports.append(_report(pair))

    # -- a new pair ---------------------------------------------------------------------------------------------

    def _rehearse(self, pair: _Pair) -> None:
        """Let the API server judge the write of the Secret before a pair exists that would have to be stored."""
        draft = core.secret_for(self._tenant, pair.request, StoredPair("rehearsal", "rehearsal"))
        self._secrets.rehearse(draft, pair.live, namespace_may_lack=self._parent.check_mode)

    def _make(self, pair: _Pair, company: Optional[Company], admin: Optional[User]) -> None:
        """Create and store a pair. When another run was faster at the same, its pair is accepted."""
        for _attempt in range(_TRIES):
            try:
                self._rehearse(pair)
                if company is not None and admin is not None and not self._parent.check_mode:
                    self._create(pair, company, admin)
                return
            except ConflictError:
                if self._made_by_another_run(pair):
                    return
        raise ConflictError(
            f"The Secret {pair.request.store} is changed by another writer again and again.", "Run again."
        )

    def _made_by_another_run(self, pair: _Pair) -> bool:
        """Look at the Secret that was in the way. True when it holds a new pair, so that nothing is left to do."""
        before = pair.stored.access_key if pair.stored else ""
        store = pair.request.store
        fresh = self._read(pair.request, self._secrets.get(store.namespace, store.name))
        pair.live, pair.stored = fresh.live, fresh.stored
        if pair.stored is None or pair.stored.access_key == before:
            return False
        pair.decision = Decision(core.KEEP, 1)
        self._outcome.warnings.append(f"Another run made the pair {pair.request.label} at the same time; it is used.")
        return True

    def _create(self, pair: _Pair, company: Company, admin: User) -> None:
        ring = self._with_room(pair, credentials.key_ring(self._session, admin.id), admin)
        request = pair.request
        old = tuple(key.access_key for key in core.labelled(ring.keys, request, pair.stored))
        new = credentials.create(self._session, admin.id, request.label, ring)
        stored = StoredPair(
            new.access_key, new.secret_key, company.id, request.label, request.rotation_id, int(self._parent.now()),
            # Until the old keys are gone, so that a run stopped before that can be finished.
            previous_kept=bool(old),
        )  # fmt: skip
        try:
            if pair.decision.action == core.ROTATE:
                credentials.check(self._session, new.access_key, new.secret_key)
            live = self._secrets.write(core.secret_for(self._tenant, request, stored), pair.live)
        except PlatformError as error:
            self._withdraw([new.access_key, *new.orphans], admin, error, request)
            raise
        doomed = core.to_revoke(request, pair.stored, ring.keys, new.access_key)
        pair.old, pair.doomed = old, (*doomed, *new.orphans)
        pair.live, pair.stored = live, stored

    def _withdraw(self, keys: Sequence[str], admin: User, error: PlatformError, request: CredentialRequest) -> None:
        """Revoke keys that could not be stored. When even that fails, say so in C(error)."""
        try:
            for key in keys:
                credentials.revoke(self._session, admin.id, key)
        except PlatformError as second:
            error.message += (
                f" The new pair {request.label} ({core.hint(keys[0])}) could not be revoked either: {second.message} Nobody "
                "has its secret; the next new pair removes it."
            )

    def _with_room(self, pair: _Pair, ring: KeyRing, admin: User) -> KeyRing:
        """Make room under the server's cap of keys per user; only keys of this label that no Secret holds may go."""
        protected = [each.stored.access_key for each in self._pairs if each.stored is not None]
        spare = core.keys_to_free(pair.request, pair.stored, ring.keys, ring.limit, protected)
        if spare is None:
            labels = ", ".join(sorted({key.label or "no label" for key in ring.keys}))
            raise RefusedError(
                f"User {admin.email} has {len(ring.keys)} of {ring.limit} allowed credentials ({labels}); no room for "
                f"{pair.request.label}.",
                "Revoke some that nothing uses, or raise the server's max_credentials.",
            )
        for key in spare:
            credentials.revoke(self._session, admin.id, key)
        return KeyRing(tuple(key for key in ring.keys if key.access_key not in spare), ring.limit)

    # -- old pairs ----------------------------------------------------------------------------------------------

    def _retire(self, pair: _Pair, admin: User) -> None:
        """Revoke what a new pair replaces, and note in the Secret when nothing old is left."""
        doomed, pair.doomed = pair.doomed, ()
        for key in doomed:
            credentials.revoke(self._session, admin.id, key)
        if doomed and pair.old and pair.stored is not None and set(pair.old) <= set(doomed):
            self._forget_previous(pair, pair.stored)

    def _finish(self, pair: _Pair, admin: User) -> None:
        """Revoke all keys with our label but the stored one."""
        if pair.stored is None:
            return
        for key in core.to_revoke(pair.request, pair.stored, self._keys(admin).keys, pair.stored.access_key):
            credentials.revoke(self._session, admin.id, key)
        self._forget_previous(pair, pair.stored)

    def _forget_previous(self, pair: _Pair, stored: StoredPair) -> None:
        pair.stored = replace(stored, previous_kept=False)
        pair.live = self._secrets.write(core.secret_for(self._tenant, pair.request, pair.stored), pair.live)


def _report(pair: _Pair) -> dict[str, Any]:
    stored, request = pair.stored, pair.request
    report: dict[str, Any] = {
        "purpose": request.purpose,
        "label": request.label,
        "secret": str(request.store),
        "action": pair.decision.action,
        "case": pair.decision.case,
    }
    if stored is not None:
        report["access_key_hint"] = core.hint(stored.access_key)
        report["rotation_id"] = stored.rotation_id
        report["previous_kept"] = stored.previous_kept
        if stored.created_at is not None:
            report["created_at"] = int(stored.created_at)
    return report
