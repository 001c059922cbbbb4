"""Which stores of this user trust homeport's CA, for the doctor: asked once, and not for long. Changes nothing."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from homeport.certs.root import COMMON_NAME
from homeport.doctor.facts import OwnAuthority, StoreTrust
from homeport.machine.home import Home
from homeport.model.errors import HomeportError

if TYPE_CHECKING:  # only those pay for it who have a certificate of ours
    from homeport.app.trust import StoreReport, TrustReport
    from homeport.certs.place import Run

LIMIT_S = 4.0  # after that no further store is asked; keytool and certutil take 0.5 s and 0.02 s each
_INTERMEDIATE = " intermediate"  # what signs leaves is named after its root


class TrustInStores:
    """Given the issuer of a certificate. Walks may run side by side: the first one asks for all."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._report: TrustReport | None = None

    def __call__(self, issuer: str) -> OwnAuthority | None:
        """None: the certificate is not of homeport's CA."""
        if not issuer.startswith(COMMON_NAME):
            return None
        with self._lock:
            self._report = self._report or _status(self._home)
        name = issuer.removesuffix(_INTERMEDIATE)
        is_current = name == self._report.name
        return OwnAuthority(
            name=name, is_current=is_current, stores=tuple(map(_told, self._report.stores)) if is_current else ()
        )


def _status(home: Home) -> TrustReport:
    from homeport.app.trust import Trust, TrustReport
    from homeport.certs.place import Place
    from homeport.machine import this_machine

    try:
        place = Place(run=_until(time.monotonic() + LIMIT_S))
        return Trust(home, this_machine(), lambda what: False, place).status()
    except HomeportError:  # a damaged or foreign folder: `homeport trust` tells more of that
        return TrustReport()


def _until(ends_s: float) -> Run:
    from homeport.certs.place import Done
    from homeport.machine.firewall_run import run as run_briefly

    def run(*words: str, as_root: bool = False) -> Done:
        if time.monotonic() > ends_s:
            return Done(124, err="it was not asked, for want of time")
        return Done(*run_briefly(words))

    return run


def _told(store: StoreReport) -> StoreTrust:
    is_trusted = None if store.state == "unknown" else store.state == "trusted"
    return StoreTrust(name=store.name, kind=store.kind, is_trusted=is_trusted, why=store.why)
