"""Server contexts of `ssl`: one from a leaf, and the cache that the door asks by the name in a ClientHello.

A name that is no route's gets nothing and costs nothing: certificates for any name would undo what HTTPS does against
DNS rebinding, and grow without bound. It opens no connection.
"""

from __future__ import annotations

import os
import ssl
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

from homeport.certs.authority import Authority, Leaf
from homeport.model.errors import HomeportError

LOOPBACK = ("127.0.0.1", "::1")
_CONTEXTS = 256  # kept; a context with its session tickets takes about 100 KiB
_SKEW_S = 3600.0  # leaves begin that much in the past (issue.py)
_RENEW_AT = 2 / 3  # of its life
_Stamp = tuple[int, ...] | None


def server_context(
    leaf: Leaf, *, alpn: Sequence[str] = ("http/1.1",), client_ca: str | None = None, keylog: str | None = None
) -> ssl.SSLContext:
    """`client_ca`: a file; clients without a certificate of it are refused. `keylog`: a file for Wireshark, 0600.

    Raises HomeportError: "bad-config" for a `client_ca` that cannot be used, "unsafe-home" for a `keylog` that others
    may read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION  # TLS 1.2: a client could make us compute all day
    context.num_tickets = 1  # each costs a tenth of a handshake; a resumed connection gets the next one
    _load(context, leaf)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    if client_ca is not None:
        _ask_clients(context, client_ca)
    if keylog is not None:
        context.keylog_filename = _private_log(keylog)
    return context


class Certificates:
    """What the door asks. `known`: whether a name is a route's; `names` and `addresses` are those of the certificate
    for clients that name nothing. May be asked from any thread.
    """

    def __init__(
        self,
        authority: Authority,
        known: Callable[[str], bool],
        *,
        alpn: Sequence[str] = ("http/1.1",),
        names: Sequence[str] = ("localhost",),
        addresses: Sequence[str] = LOOPBACK,
        keylog: str | None = None,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self.authority = authority
        self._known = known
        self._alpn = tuple(alpn)
        self._names, self._addresses = tuple(names), tuple(addresses)
        self._keylog = keylog
        self._now_s = now_s
        self._made: OrderedDict[tuple[str, str | None, tuple[str, ...]], _Made] = OrderedDict()
        self._lock = threading.Lock()

    def for_name(
        self, name: str | None, *, client_ca: str | None = None, alpn: Sequence[str] | None = None
    ) -> ssl.SSLContext | None:
        """The context for a name in a ClientHello; None: not ours, nothing was made.

        2 to 3 ms when it has to be made, which is when it is new and when two thirds of its life are over; connections
        that use the old one go on. Without a name, and for localhost, the base certificate with the addresses.
        Raises HomeportError("broken-ca") when the authority has expired.
        """
        name = self._asked(name)
        if name != "localhost" and not self._known(name):
            return None
        key = (name, client_ca, self._alpn if alpn is None else tuple(alpn))
        with self._lock:
            self._follow_renewal()
            made = self._made.get(key)
            if made is None or not made.is_fresh(self._now_s(), _stamp(client_ca)):
                made = self._made[key] = self._make(*key)
                if len(self._made) > _CONTEXTS:
                    self._made.popitem(last=False)
            self._made.move_to_end(key)
            return made.context

    def at_hand(
        self, name: str, *, client_ca: str | None = None, alpn: Sequence[str] | None = None
    ) -> ssl.SSLContext | None:
        """What `for_name` would answer without making anything."""
        with self._lock:
            self._follow_renewal()
            made = self._made.get((self._asked(name), client_ca, self._alpn if alpn is None else tuple(alpn)))
            return made.context if made is not None and made.is_fresh(self._now_s(), _stamp(client_ca)) else None

    def _asked(self, name: str | None) -> str:
        name = (name or "localhost").lower().rstrip(".")
        # Addresses are not allowed in SNI (RFC 6066, section 3), and sent all the same.
        return "localhost" if name in self._addresses else name

    def _make(self, name: str, client_ca: str | None, alpn: tuple[str, ...]) -> _Made:
        base = name == "localhost"
        leaf = self.authority.leaf(self._names if base else [name], self._addresses if base else ())
        stamp = _stamp(client_ca)
        context = server_context(leaf, alpn=alpn, client_ca=client_ca, keylog=self._keylog)
        return _Made(context, self._now_s(), leaf.not_after.timestamp(), stamp)

    def _follow_renewal(self) -> None:
        """`homeport trust --renew` made a new generation: the old one's leaves will not be trusted much longer."""
        if self.authority.is_current():
            return
        try:
            found = Authority.load(self.authority.folder)
        except HomeportError:  # half of what somebody copied by hand; ours still works
            return
        if found is not None and found.fingerprint != self.authority.fingerprint:
            self._made.clear()
        self.authority = found or self.authority


class _Made:
    """A context, between which moments it may be given out, and for which state of its file of client CAs."""

    __slots__ = ("_begins_s", "_renew_s", "_stamp", "context")

    def __init__(self, context: ssl.SSLContext, now_s: float, ends_s: float, stamp: _Stamp) -> None:
        self.context = context
        self._begins_s = now_s - _SKEW_S
        self._renew_s = now_s + (ends_s - now_s) * _RENEW_AT
        self._stamp = stamp

    def is_fresh(self, now_s: float, stamp: _Stamp) -> bool:
        return self._begins_s <= now_s < self._renew_s and stamp == self._stamp


def _stamp(client_ca: str | None) -> _Stamp:
    """Which CAs let clients in is read anew once the file has changed."""
    if client_ca is None:
        return None
    try:
        found = os.stat(client_ca)
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_size, found.st_ino


def _load(context: ssl.SSLContext, leaf: Leaf) -> None:
    """`load_cert_chain` takes files alone: one that no name leads to, or a private one that is gone at once."""
    data = leaf.key_pem + leaf.certificate_pem
    if hasattr(os, "memfd_create") and os.path.isdir("/proc/self/fd"):
        descriptor = os.memfd_create("leaf", os.MFD_CLOEXEC)
        try:
            _write_all(descriptor, data)
            context.load_cert_chain(f"/proc/self/fd/{descriptor}")
        finally:
            os.close(descriptor)
        return
    descriptor, path = tempfile.mkstemp(".pem", "leaf-", leaf.folder)  # 0600 and O_EXCL, in a folder of ours
    try:
        _write_all(descriptor, data)
        os.close(descriptor)
        context.load_cert_chain(path)
    finally:
        os.unlink(path)


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _ask_clients(context: ssl.SSLContext, client_ca: str) -> None:
    try:
        context.load_verify_locations(client_ca)
    except (OSError, ssl.SSLError) as error:
        reason = error.strerror or "it holds no certificate"
        raise HomeportError(
            "bad-config", f"client_ca {client_ca} cannot be used: {reason}", f"ls -l {client_ca}"
        ) from error
    context.verify_mode = ssl.CERT_REQUIRED


def _private_log(path: str) -> str:
    """Make the file first: `ssl` would make it readable for everybody."""
    from homeport.certs import private

    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        try:
            private.check(os.fstat(descriptor), path)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise HomeportError("bad-config", f"tls_keylog {path} cannot be written: {error.strerror}") from error
    return path
