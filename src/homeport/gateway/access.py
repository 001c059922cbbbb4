"""May this visitor use this route? One pure decision from three things: the rule, the peer, and the request.

It asks nobody, waits for nothing and remembers nothing; what it needs to know is brought by homeport.gateway.gate.
The order is that of the questions: whose process is it, whose page, and what does it show.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from homeport.model.access import Peer
from homeport.wire.credentials import COOKIE
from homeport.wire.cross_site import is_cross_site

# What was shown to be let in. "unasked": a password that nobody has looked at yet.
Showing = Literal["nothing", "right", "wrong", "unasked"]


@dataclass(frozen=True, slots=True)
class Rule:
    """An Access made ready for the road: accounts are uids. A route that lets in everyone has none at all."""

    name: str  # of the route, for the challenge
    words: str = ""  # the Access, as it is shown
    uids: frozenset[int] | None = None  # None: any account
    if_known: bool = False  # where the system never says whose a connection is, the secret alone decides
    takes_token: bool = False
    logins: Mapping[str, str] = field(default_factory=dict)
    denies_cross_site: bool = False
    is_public: bool = False  # it may be exposed without asking for a secret
    host: str = ""  # where its links and cookies count; "" is NAME.localhost
    cookie: str = COOKIE
    realm: str = ""  # what they are made for: those of a way in that was closed open no other; "" is the name

    @property
    def own_host(self) -> str:
        return self.host or f"{self.name}.localhost"

    @property
    def own_realm(self) -> str:
        return self.realm or self.name

    @property
    def needs_secret(self) -> bool:
        return self.takes_token or bool(self.logins)


@dataclass(frozen=True, slots=True)
class Request:
    """What counts of a request. `own` is its scheme and Host, as an Origin would name them."""

    method: str = "GET"
    is_upgrade: bool = False
    own: str = ""
    origin: str = ""
    site: str = ""
    showing: Showing = "nothing"
    is_by_cookie: bool = False  # a browser shows it by itself, whoever made the page


@dataclass(frozen=True, slots=True)
class Admit:
    """Let it pass."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """`code` is the finding's, `why` a sentence, `challenge` the WWW-Authenticate field of a 401."""

    code: str
    why: str
    status: int
    challenge: str = ""


@dataclass(frozen=True, slots=True)
class Verify:
    """All else is fine; the password has to be looked at."""


Decision = Admit | Refuse | Verify
ADMIT, VERIFY = Admit(), Verify()


def decide(rule: Rule, peer: Peer, request: Request) -> Decision:
    """`peer` may be anything where the rule asks for no account."""
    if why := why_not_this_account(rule, peer):
        return Refuse("other-user", why, 403)
    # SameSite=Strict keeps other sites' pages out, but not those from other ports of the same name.
    if (rule.denies_cross_site or request.is_by_cookie) and is_cross_site(
        request.method, request.origin, request.site, request.own, is_upgrade=request.is_upgrade
    ):
        return Refuse("cross-site", "The request was made by a page of another origin.", 403)
    if not rule.needs_secret or request.showing == "right":
        return ADMIT
    if request.showing == "unasked":
        return VERIFY
    return challenge(rule, is_wrong=request.showing == "wrong")


def why_not_this_account(rule: Rule, peer: Peer) -> str:
    """A sentence, or "" for an account that may connect."""
    if rule.uids is None:
        return ""
    if peer.uid is not None:
        return "" if peer.uid in rule.uids else "The connection comes from a process of another user."
    if rule.if_known and not peer.can_tell:
        return ""
    return f"Whose process it is cannot be told: {peer.why}."


def challenge(rule: Rule, *, is_wrong: bool) -> Refuse:
    """The answer to whoever shows no secret, or a wrong one."""
    kinds = [*(["token"] if rule.takes_token else []), *(["password"] if rule.logins else [])]
    what = " or ".join(kinds)
    why = f"The {what} is wrong." if is_wrong else f"It asks for a {what}."
    # A browser opens its password dialog for Basic; Bearer is for programs (RFC 7617, RFC 6750 section 3).
    scheme = 'Basic realm="%s", charset="UTF-8"' if rule.logins else 'Bearer realm="%s"'
    return Refuse(f"{kinds[-1]}-needed", why, 401, scheme % rule.name)
