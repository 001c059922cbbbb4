"""The local CA of one home: what is in its folder, and the leaves that it signs.

    ca/authority.pem   the intermediate's key, the intermediate, the root: one file, so it is whole or not there
    ca/root.pem        the root alone, for programs that are given a path
    ca/retired/        roots of earlier generations, until no store holds them any more

It changes no trust store. Names and addresses that it is not made for are refused here, before any client would.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from homeport.certs import private
from homeport.certs.root import Root, read_root
from homeport.certs.scope import LOOPBACK, Scope
from homeport.model.errors import HomeportError

if TYPE_CHECKING:  # cryptography takes 0.1 s to import
    from homeport.certs.issue import Certificate, Key

# Browsers let people accept an untrusted certificate for as long as it is the same one, so hours would nag those who
# have not run `homeport trust`; days are still too short for a leaf to be worth stealing.
LEAF_DAYS = 3.0
_NAME = re.compile(r"(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*localhost", re.ASCII)
_IPV6_LOOPBACK = bytes(15) + b"\x01"  # and not ::ffff:127.0.0.1, which newer Pythons call loopback as well
_NAME_LIMIT = 253  # characters (RFC 1035)


class Leaf:
    """A certificate and its key. `certificate_pem` has the intermediate behind it; `folder` is private to its owner."""

    __slots__ = ("addresses", "certificate_pem", "folder", "key_pem", "names", "not_after")

    def __init__(
        self,
        certificate_pem: bytes,
        key_pem: bytes,
        names: tuple[str, ...],
        addresses: tuple[str, ...],
        not_after: datetime,
        folder: str,
    ) -> None:
        self.certificate_pem = certificate_pem
        self.key_pem = key_pem
        self.names = names
        self.addresses = addresses
        self.not_after = not_after
        self.folder = folder


class Authority:
    """One generation. Leaves may be signed from any thread."""

    __slots__ = ("_intermediate", "_key", "_networks", "_stamp", "chain_pem", "folder", "not_after", "root")

    def __init__(self, folder: str, key: Key, intermediate: Certificate, root: Certificate) -> None:
        from homeport.certs import issue

        self._key = key
        self._intermediate = intermediate
        self._stamp = _stamp(folder)
        self.folder = folder
        self.root = read_root(issue.pem(root), os.path.join(folder, "root.pem"))
        self.chain_pem = issue.pem(intermediate)
        self._networks = issue.permitted(intermediate)
        self.not_after = intermediate.not_valid_after_utc

    @classmethod
    def load(cls, folder: str) -> Authority | None:
        """None where there is none yet. Raises HomeportError: "unsafe-home", or "broken-ca" for a damaged file."""
        try:
            private.check(os.lstat(folder), folder, private.RENEW)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise HomeportError(
                "unsafe-home", f"{folder} cannot be read: {error.strerror}", f"ls -l {folder}"
            ) from error
        path = _file(folder)
        data = private.read(path)
        if data is None:
            return None
        from homeport.certs import issue

        try:
            found = cls(folder, *issue.read_generation(data))
        except issue.Damaged as error:
            raise HomeportError("broken-ca", f"{path} is damaged: {error}", "homeport trust --renew") from error
        found._show_root()
        return found

    @classmethod
    def create(cls, folder: str, scope: Scope = LOOPBACK) -> Authority:
        """Make one. Of several that try at the same time one wins, and all are given its authority."""
        from homeport.certs import issue

        private.make_folder(folder)
        private.create(_file(folder), issue.generation_pem(*issue.new_generation(scope)))
        return cls._made(folder)

    @classmethod
    def ensure(cls, folder: str) -> Authority:
        return cls.load(folder) or cls.create(folder)

    @classmethod
    def renew(cls, folder: str) -> Authority:
        """A new generation in place of the one that is there, however damaged; its root counts as retired."""
        from homeport.certs import issue

        private.make_folder(folder)
        retire(folder, roots(folder))
        private.replace(_file(folder), issue.generation_pem(*issue.new_generation(LOOPBACK)))
        return cls._made(folder)

    @classmethod
    def _made(cls, folder: str) -> Authority:
        made = cls.load(folder)
        if made is None:
            raise HomeportError("broken-ca", f"{_file(folder)} was removed at once", "homeport trust")
        return made

    @property
    def root_pem(self) -> bytes:
        return self.root.pem

    @property
    def fingerprint(self) -> str:
        return self.root.fingerprint

    def is_current(self) -> bool:
        """Whether the file still holds this generation; also where it is gone: nothing better is known then."""
        stamp = _stamp(self.folder)
        return stamp is None or stamp == self._stamp

    def leaf(self, names: Sequence[str], addresses: Sequence[str] = (), *, days: float = LEAF_DAYS) -> Leaf:
        """Sign a new leaf (0.5 ms). Raises HomeportError: "bad-usage" for other names, "broken-ca" when expired."""
        from homeport.certs import issue

        names = tuple(dict.fromkeys(local_name(name) for name in names))
        addresses = tuple(dict.fromkeys(self._permitted(address) for address in addresses))
        if not names and not addresses:
            raise HomeportError("bad-usage", "a certificate needs a name or an address", "homeport cert web")
        if self.not_after <= datetime.now(UTC):
            raise HomeportError(
                "broken-ca", f"the local CA expired on {self.not_after:%Y-%m-%d}", "homeport trust --renew"
            )
        key, certificate = issue.leaf(self._key, self._intermediate, names, addresses, days)
        return Leaf(
            issue.pem(certificate) + self.chain_pem,
            issue.key_pem(key),
            names,
            addresses,
            certificate.not_valid_after_utc,
            self.folder,
        )

    def _permitted(self, address: str) -> str:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            found = None
        if found is None or not any(found in network for network in self._networks):
            networks = ", ".join(map(str, self._networks))
            raise HomeportError("bad-usage", f"{address!r} cannot be certified: this CA signs for {networks} alone")
        return str(found)

    def _show_root(self) -> None:
        """Derived, so that it is put right here if somebody changed or removed it."""
        # A root is no secret: whoever opened it to others, for a container say, did no harm.
        if private.read_open(self.root.path) != self.root.pem:
            private.replace(self.root.path, self.root.pem)


def roots(folder: str) -> list[Root]:
    """Every root of ours that a store may hold: this generation's first. Damaged files are skipped."""
    from homeport.certs import issue

    found: dict[str, Root] = {}
    for path in (os.path.join(folder, "root.pem"), *_retired(folder)):
        try:
            root = read_root(private.read_open(path), path)
        except issue.Damaged:
            continue
        found.setdefault(root.fingerprint, root)
    return list(found.values())


def retire(folder: str, gone: Iterable[Root]) -> None:
    """Remember these roots, so that they are removed from the stores."""
    private.make_folder(os.path.join(folder, "retired"))
    for root in gone:
        private.replace(os.path.join(folder, "retired", f"{root.fingerprint}.pem"), root.pem)


def forget_retired(folder: str) -> None:
    """No store holds them any more."""
    for path in _retired(folder):
        os.unlink(path)


def _retired(folder: str) -> list[str]:
    try:
        names = os.listdir(os.path.join(folder, "retired"))
    except FileNotFoundError:
        return []
    return [os.path.join(folder, "retired", name) for name in sorted(names) if name.endswith(".pem")]


def _file(folder: str) -> str:
    return os.path.join(folder, "authority.pem")


def _stamp(folder: str) -> tuple[int, int] | None:
    try:
        found = os.stat(_file(folder))
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def local_name(name: str) -> str:
    """The name as it stands in a certificate. Raises HomeportError("bad-usage")."""
    name = name.lower().rstrip(".")
    if len(name) > _NAME_LIMIT or not _NAME.fullmatch(name):
        raise HomeportError(
            "bad-usage",
            f"{name!r} cannot be certified: the local CA signs for localhost and the names below it alone",
            "homeport cert web.localhost",
        )
    if name.startswith("*.") and name.count(".") < 2:  # *.localhost: clients refuse a wildcard of a whole TLD
        raise HomeportError(
            "bad-usage",
            "'*.localhost' would be refused by clients, since localhost counts as a top-level domain",
            "homeport cert web.localhost",
        )
    return name


def loopback(address: str) -> str:
    """The address in its usual spelling. Raises HomeportError("bad-usage")."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        found = None
    if found is None or not found.is_loopback or (found.version == 6 and found.packed != _IPV6_LOOPBACK):
        raise HomeportError(
            "bad-usage",
            f"{address!r} cannot be certified: the local CA signs for loopback addresses alone",
            "homeport cert 127.0.0.1",
        )
    return str(found)
