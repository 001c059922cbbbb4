"""What the gate says to whoever it does not let pass, and to a browser that a link has let in.

A refusal names the route, because whoever asked for it did, and nothing else: no account, no token, no other route.
"""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from homeport.gateway.access import Refuse, Rule
from homeport.model.exchange import COMPLETE, REFUSED
from homeport.model.finding import Finding


@dataclass(frozen=True, slots=True)
class Reply:
    """A page of the door's own. `fields` are header lines; `is_private` when nothing of the exchange may be stored."""

    status: int
    finding: Finding
    fields: bytes = b""
    ending: str = REFUSED
    is_private: bool = False


def refusal(rule: Rule, refused: Refuse) -> Reply:
    fields = f"WWW-Authenticate: {refused.challenge}\r\n".encode() if refused.challenge else b""
    finding = _FINDINGS[refused.code](rule.name, refused.why)
    if rule.host and finding.next:
        finding = replace(finding, next=f"homeport expose {rule.name}")
    return Reply(refused.status, finding, fields)


def too_many(rule: Rule) -> Reply:
    """So many passwords wait to be looked at that one more would only make all of them slower."""
    finding = Finding(
        code="too-many-attempts",
        what=f"Too many passwords for {rule.name} are being tried right now.",
        why="Each wrong password makes the next one wait a little longer, up to five seconds.",
        next="Try again in a few seconds.",
    )
    return Reply(429, finding, b"Retry-After: 5\r\n")


def entered(name: str, cookie: str) -> Reply:
    """On to the app by a page of our own: on a redirect that another page began, a strict cookie would stay behind."""
    finding = Finding(code="entered", what=f"This browser may use {name} now.")
    fields = f"Set-Cookie: {cookie}\r\nRefresh: 0; url=/\r\n"
    return Reply(200, finding, fields.encode(), COMPLETE, is_private=True)


def link_is_used(name: str) -> Reply:
    finding = Finding(
        code="link-used",
        what="This link was used already, or it is older than a minute.",
        next=f"homeport open {name}",
    )
    return Reply(403, finding, is_private=True)


def _other_user(name: str, why: str) -> Finding:
    return Finding(code="other-user", what=f"{name} is not open to this connection.", why=why, next="homeport status")


def _cross_site(name: str, why: str) -> Finding:
    return Finding(code="cross-site", what=f"{name} does not take this from a page of another site.", why=why)


def _token_needed(name: str, why: str) -> Finding:
    return Finding(
        code="token-needed",
        what=f"{name} is open only to who shows a token.",
        why=why,
        next=f"homeport open {name}\nhomeport token new NAME",
    )


def _password_needed(name: str, why: str) -> Finding:
    return Finding(code="password-needed", what=f"{name} is open only to who has a password.", why=why)


_FINDINGS = {
    "other-user": _other_user,
    "cross-site": _cross_site,
    "token-needed": _token_needed,
    "password-needed": _password_needed,
}
