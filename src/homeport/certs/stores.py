"""Every trust store of this user on this computer, found anew each time: browsers and Javas come and go."""

from __future__ import annotations

import os

from homeport.certs.nss_places import nss_stores
from homeport.certs.place import Place
from homeport.certs.store import Store
from homeport.certs.store_java import java_stores
from homeport.certs.store_linux import linux_store
from homeport.certs.store_macos import KeychainStore
from homeport.certs.store_nss import NssStore
from homeport.certs.store_windows import WindowsStore


def all_stores(place: Place) -> list[Store]:
    """The system's first: on Debian it feeds Java's."""
    return [*_system(place), *nss_stores(place), *java_stores(place)]


def store_at(place: Place, kind: str, path: str) -> Store | None:
    """A store that was changed once and is not found any more: JAVA_HOME is gone, say, but not the Java."""
    if kind == "nss" and os.path.isdir(path):
        return NssStore(place, "NSS", path)
    if kind == "java" and os.path.isfile(path):
        javas = java_stores(place)
        return javas[0].of(path) if javas else None
    return None


def _system(place: Place) -> list[Store]:
    if place.platform == "darwin":
        return [KeychainStore(place)]
    if place.platform == "win32":
        return [WindowsStore(place)]
    found = linux_store(place)
    return [found] if found else []
