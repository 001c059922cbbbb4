"""Trust: the local CA in every store of this user, and out of them again. It needs no engine.

Each store is asked, changed and asked again on its own: one that fails is reported, and the others go on. Whatever
needs root is asked for first. `untrust` takes away what has our fingerprints and nothing else.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Literal

import msgspec

from homeport.certs.authority import Authority, forget_retired, roots
from homeport.certs.environment import ADDING, PUBLIC, REPLACING, child_environment, users_own
from homeport.certs.java_trust import java_options, java_trust_store
from homeport.certs.place import Place
from homeport.certs.receipt import Receipt, read_receipt, write_receipt
from homeport.certs.root import Root
from homeport.certs.store import Store
from homeport.certs.store_java import java_stores
from homeport.certs.store_nss import NssStore
from homeport.certs.stores import all_stores, store_at
from homeport.machine.home import Home
from homeport.machine.interface import Machine
from homeport.model.errors import HomeportError

State = Literal["trusted", "not-trusted", "unknown"]
Did = Literal["", "added", "removed", "skipped", "failed"]
_SOFT = ("not-installed", "needs-root")  # nobody made a mistake: said, and the others go on


class StoreReport(msgspec.Struct, frozen=True, kw_only=True):
    """One store: how it is now, what was done, and why not. `stale`: roots of earlier generations in it."""

    name: str
    kind: str
    path: str
    state: State
    did: Did = ""
    stale: int = 0
    why: str = ""
    next: str = ""


class TrustReport(msgspec.Struct, frozen=True, kw_only=True):
    """`fingerprint` is empty where there is no CA. `environment`: whether this shell has the variables.

    `kept`: files without secrets that `untrust` left, since programs that run have been given their paths.
    """

    fingerprint: str = ""
    name: str = ""
    root: str = ""
    not_after: str = ""
    days_left: int = 0
    environment: bool = False
    stores: tuple[StoreReport, ...] = ()
    kept: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        return bool(self.fingerprint) and all(store.state == "trusted" and not store.stale for store in self.stores)


class Trust:
    """`may_use_root` is asked with a sentence before a store is changed that needs root."""

    def __init__(
        self, home: Home, machine: Machine, may_use_root: Callable[[str], bool], place: Place | None = None
    ) -> None:
        self.folder = ca_folder(home)
        self._home = home
        self._machine = machine
        self._place = place or Place()
        self._may_use_root = may_use_root

    def status(self) -> TrustReport:
        authority = Authority.load(self.folder)
        known = roots(self.folder)
        return self._report(authority, [self._state(store, authority, known) for store in self._stores()])

    def trust(self, *, renew: bool = False) -> TrustReport:
        """Make the authority where there is none (or a new generation), and bring every store to trust it alone."""
        with self._alone():
            authority = Authority.renew(self.folder) if renew else Authority.ensure(self.folder)
            receipt = read_receipt(self.folder)
            receipt.fingerprint = authority.fingerprint
            old = [root for root in roots(self.folder) if root.fingerprint != authority.fingerprint]
            reports = [self._bring(store, authority.root, old, receipt) for store in self._stores()]
            if not any(report.stale or report.state == "unknown" for report in reports):
                forget_retired(self.folder)
            return self._report(authority, reports)

    def untrust(self) -> TrustReport:
        """Every root of ours out of every store; when that is done, the folder with the key goes too.

        The report has no fingerprint then. A store that cannot be read counts where it was given a root once.
        """
        with self._alone():
            known = roots(self.folder)
            receipt = read_receipt(self.folder)
            reports = [self._clear(store, known, receipt) for store in self._stores()] if known else []
            if receipt.stores or any(report.stale for report in reports):
                return TrustReport(fingerprint=known[0].fingerprint, root=known[0].path, stores=tuple(reports))
            return TrustReport(stores=tuple(reports), kept=self._remove_folder())

    def _remove_folder(self) -> tuple[str, ...]:
        """The key goes in any case. What variables name stays while an engine runs, or this shell has them: an app that
        was given SSL_CERT_FILE would reach no site at all any more if the file went."""
        named = {value for name, value in self._place.environ.items() if name in (*ADDING, *REPLACING)}
        is_named = any(os.path.dirname(value) == self.folder for value in named)
        if not (is_named or os.path.exists(self._home.socket)):
            shutil.rmtree(self.folder, ignore_errors=True)
            return ()
        for name in os.listdir(self.folder) if os.path.isdir(self.folder) else ():
            path = os.path.join(self.folder, name)
            if os.path.isdir(path):
                shutil.rmtree(path, ignore_errors=True)
            elif name not in PUBLIC:
                os.unlink(path)
        return tuple(path for name in PUBLIC if os.path.exists(path := os.path.join(self.folder, name)))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if self._place.is_root and self._place.environ.get("SUDO_UID", "0") != "0":
            raise HomeportError(
                "bad-usage",
                "with sudo this would be root's CA instead of yours; homeport asks for root itself, where it needs it",
                "homeport trust",
            )
        self._home.prepare()
        lock = self._machine.lock_file(os.path.join(self._home.root, "trust.lock"))
        if lock is None:
            raise HomeportError(
                "trust-failed", "another homeport trust or untrust is at work", "homeport trust --status"
            )
        try:
            yield
        finally:
            lock.release()

    def _stores(self) -> list[Store]:
        """What is found, and what was changed once and is not found any more."""
        found = all_stores(self._place)
        paths = {store.path for store in found}
        for path, kind in read_receipt(self.folder).stores.items():
            if path not in paths and (lost := store_at(self._place, kind, path)):
                found.append(lost)
        return found

    def _state(self, store: Store, authority: Authority | None, known: Sequence[Root]) -> StoreReport:
        try:
            trusted = store.trusts(known)
            stale = store.holds(known) - {authority.fingerprint if authority else ""}
        except HomeportError as error:
            return _of(store, "unknown", why=error.message, next=error.hint)
        return _of(
            store, "trusted" if authority and authority.fingerprint in trusted else "not-trusted", stale=len(stale)
        )

    def _bring(self, store: Store, root: Root, old: Sequence[Root], receipt: Receipt) -> StoreReport:
        state: State = "unknown"
        try:
            is_trusted = root.fingerprint in store.trusts([root])
            state = "trusted" if is_trusted else "not-trusted"
            stale = store.holds(old)
            if is_trusted and not stale:
                return _of(store, "trusted")
            if store.needs_root and not self._may_use_root(f"{store.name} needs root to be changed ({store.path})"):
                return _of(store, state, "skipped", len(stale), why="needs root", next="homeport trust --yes")
            if not is_trusted:
                self._add(store, root, receipt)
            for gone in old:
                if gone.fingerprint in stale:
                    store.remove(gone)
            if root.fingerprint not in store.trusts([root]):
                return _of(store, "not-trusted", "failed", why="it was added, and still is not trusted")
        except HomeportError as error:
            return _not_done(store, error, state)
        return _of(store, "trusted", "added")

    def _add(self, store: Store, root: Root, receipt: Receipt) -> None:
        """The receipt comes first: what is written down and not there costs nothing."""
        is_new = isinstance(store, NssStore) and not store.exists
        receipt.stores[store.path] = store.kind
        if is_new and store.path not in receipt.made:
            receipt.made.append(store.path)
        write_receipt(self.folder, receipt)
        store.add(root)

    def _clear(self, store: Store, known: Sequence[Root], receipt: Receipt) -> StoreReport:
        there: set[str] = set()
        try:
            there = store.holds(known)
            if there and store.needs_root and not self._may_use_root(f"{store.name} needs root to be changed"):
                return _of(store, "unknown", "skipped", len(there), why="needs root", next="homeport untrust --yes")
            for root in known:
                if root.fingerprint in there:
                    store.remove(root)
            left = store.holds(known)
            if left:
                return _of(store, "unknown", "failed", len(left), why="it was removed, and still is there")
            if isinstance(store, NssStore) and store.path in receipt.made:
                store.discard_if_empty()
        except HomeportError as error:
            return _not_done(store, error, "unknown", len(there))
        if receipt.stores.pop(store.path, None) is not None:
            write_receipt(self.folder, receipt)
        return _of(store, "not-trusted", "removed" if there else "")

    def _report(self, authority: Authority | None, stores: Sequence[StoreReport]) -> TrustReport:
        if authority is None:
            return TrustReport(stores=tuple(stores))
        wanted = child_environment(self.folder, {})
        return TrustReport(
            fingerprint=authority.fingerprint,
            name=authority.root.name,
            root=authority.root.path,
            not_after=authority.not_after.isoformat(),
            days_left=(authority.not_after - datetime.now(UTC)).days,
            environment=all(self._place.environ.get(name) == wanted.get(name) for name in ADDING),
            stores=tuple(stores),
        )


def ca_folder(home: Home) -> str:
    return home.authority


def _of(
    store: Store,
    state: State,
    did: Did = "",
    stale: int = 0,
    *,
    why: str = "",
    next: str = "",  # noqa: A002
) -> StoreReport:
    return StoreReport(
        name=store.name, kind=store.kind, path=store.path, state=state, did=did, stale=stale, why=why, next=next
    )


def _not_done(store: Store, error: HomeportError, state: State, stale: int = 0) -> StoreReport:
    did: Did = "skipped" if error.code in _SOFT else "failed"
    return _of(store, state, did, stale, why=error.message, next=error.hint)


def shell_environment(
    folder: str, environ: Mapping[str, str], place: Place | None = None
) -> tuple[dict[str, str], list[str]]:
    """What a shell exports so that programs started from it trust the CA, and the variables that the user set.

    Java's is there only where a Java needs it.
    """
    authority = Authority.load(folder)
    if authority is None:
        raise HomeportError("not-found", "there is no local CA yet", "homeport trust")
    found = child_environment(folder, environ)
    needs_store = any(
        authority.fingerprint not in java.trusts([authority.root]) for java in java_stores(place or Place())
    )
    if needs_store and not environ.get("JAVA_TOOL_OPTIONS") and (store := java_trust_store(folder)):
        found["JAVA_TOOL_OPTIONS"] = java_options(store)
    return found, users_own(folder, environ)
