"""From an Access as a user wrote it to a Rule for the road: accounts become uids, and what cannot work is refused now.

It decides about no visitor; that is homeport.gateway.access.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from homeport.gateway.access import Rule, why_not_this_account
from homeport.gateway.tcp_route import WhyNot
from homeport.machine.peers import ROOT, own_uid, peer_of, uid_of
from homeport.model.access import ANYONE_LOCAL, EVERYONE, PUBLIC, Access, CrossSite
from homeport.model.errors import HomeportError
from homeport.model.name import RESERVED
from homeport.model.password import is_password_hash


def make_rule(route: str, access: Access, cross_site: CrossSite) -> Rule | None:
    """None where everybody may come in. Raises HomeportError("bad-usage") for an unknown user or a bad hash, and for
    "public" beside anything that it would undo.
    """
    if access == EVERYONE and cross_site == "allow":
        return None
    if access.public and str(access) != PUBLIC:
        raise HomeportError("bad-usage", '"public" asks for nothing, so it stands alone', "--access token")
    for user, hashed in access.basic.items():
        if not user or ":" in user or not is_password_hash(hashed):
            raise HomeportError("bad-usage", f"{user!r} has no password hash of homeport", f"homeport password {user}")
    return Rule(
        name=route,
        words=str(access),
        uids=_uids(access),
        takes_token=access.token,
        logins=access.basic,
        denies_cross_site=cross_site == "deny",
        is_public=access.public,
    )


def control_rule() -> Rule:
    """The dashboard: our own user's processes, where the system can tell. Its guard asks for the token besides.

    Root's too: root reads the token anyway, and the relay that brings Windows' browsers into WSL is root's.
    """
    own = own_uid()
    return Rule(RESERVED, "same-user and token", None if own is None else frozenset({own, ROOT}), if_known=True)


def exposed_rule(name: str, rule: Rule | None, host: str, realm: str) -> Rule:
    """The rule of a route as it holds beyond loopback. Raises HomeportError("bad-usage") where it asks for nothing, or
    for what no network tells.
    """
    if rule is None or not (rule.needs_secret or rule.is_public or rule.uids is not None):
        raise HomeportError(
            "bad-usage",
            f"{name} is for {ANYONE_LOCAL} alone; beyond this computer somebody has to say who may use it",
            f"homeport expose {name} {host} --access token",
        )
    if rule.uids is not None:
        raise HomeportError(
            "bad-usage",
            f"{name} asks whose process connects ({rule.words}), and no network tells that of another computer",
            f"homeport expose {name} {host} --access token",
        )
    return replace(rule, host=host, realm=realm)


def why_not_connect(rule: Rule | None) -> WhyNot | None:
    """The rule of a TCP route, which has nothing to show a secret in; None for one that lets in everyone."""
    if rule is None:
        return None
    if rule.needs_secret or rule.denies_cross_site:
        raise HomeportError(
            "bad-usage", "a tcp route can ask whose process connects, and nothing else", "--access same-user"
        )
    return partial(_why_not, rule)


def _why_not(rule: Rule, client: object, server: object) -> str:
    return why_not_this_account(rule, peer_of(client, server))


def _uids(access: Access) -> frozenset[int] | None:
    if not access.same_user and not access.users:
        return None
    own = own_uid()
    if own is None:
        raise HomeportError("unsupported", "Windows does not tell whose process a connection is", "--access token")
    return frozenset([*([own] if access.same_user else []), *map(uid_of, access.users)])
