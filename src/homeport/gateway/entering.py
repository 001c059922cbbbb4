"""Browsers come in by a link that works once, and stay by a cookie: on the route's own host NAME.localhost alone, or
on the address where other computers reach it.

Cookies ignore ports: one for 127.0.0.1 or localhost would be sent to every app of every project. One for NAME.localhost
still reaches whatever else listens below that name, so where the system tells whose a connection is, the cookie counts
for the account that came in, and for no other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from homeport.gateway.access import Rule
from homeport.gateway.refusals import Reply, entered, link_is_used
from homeport.gateway.routes import normalised
from homeport.model.access import Peer
from homeport.model.secret import Secrets
from homeport.wire.http1 import RequestHead

PATH = "/.homeport/enter"
KEY_LIFE_S = 60.0
SESSION_LIFE_S = 30 * 86400.0
_KEYS, _SESSIONS = 256, 256
_ROOT = 0

_START = f"{PATH}?key=".encode()


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that came in. `uid` is None where its account was not known."""

    realm: str
    uid: int | None


class Entering:
    """It lives as long as the door: a restart of the engine ends every session."""

    def __init__(self, own_uid: int | None, clock: Callable[[], float]) -> None:
        self._own_uid, self._clock = own_uid, clock
        self._keys: Secrets[str] = Secrets(_KEYS)
        self._sessions: Secrets[Session] = Secrets(_SESSIONS)

    def path_for(self, realm: str, life_s: float = KEY_LIFE_S) -> str:
        """The path and query of a new link."""
        return f"{PATH}?key={self._keys.make(realm, self._clock() + life_s)}"

    def reply(self, rule: Rule, head: RequestHead, peer: Peer, *, is_secure: bool) -> Reply | None:
        """The answer to somebody who follows such a link; None for everybody else."""
        if not head.target.startswith(_START) or not _is_own_host(rule, head.host):
            return None
        if head.method != b"GET" or not self._may_follow(rule, peer):  # the key still waits for its browser
            return link_is_used(rule.name)
        key = head.target.removeprefix(_START).decode("latin-1")
        if self._keys.take(key, self._clock()) != rule.own_realm:
            return link_is_used(rule.name)
        secret = self._sessions.make(Session(rule.own_realm, peer.uid), self._clock() + SESSION_LIFE_S)
        # It holds beyond loopback: Chromium and Firefox take plain http below .localhost for safe.
        over_tls = "; Secure" if is_secure else ""
        return entered(rule.name, f"{rule.cookie}={secret}; Path=/; HttpOnly; SameSite=Strict{over_tls}")

    def _may_follow(self, rule: Rule, peer: Peer) -> bool:
        """A link is made for us, or for accounts that the route names. Opening a browser shows it in `ps` to others.

        Root's processes may: root reads all of this anyway, and WSL's relay of Windows' browsers is one.
        """
        if self._own_uid is None:
            return True
        if peer.uid is None:  # a network tells nothing, nor do some systems; else it is a process that hides
            return bool(rule.host) or not peer.can_tell
        return peer.uid in {self._own_uid, _ROOT, *(rule.uids or ())}

    def is_inside(self, secret: str, rule: Rule, host: bytes, peer: Peer) -> bool:
        session = self._sessions.find(secret, self._clock()) if _is_own_host(rule, host) else None
        return session is not None and session.realm == rule.own_realm and session.uid in (None, peer.uid)


def _is_own_host(rule: Rule, host: bytes) -> bool:
    return normalised(host) == rule.own_host
