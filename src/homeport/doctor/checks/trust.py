"""Certificates of homeport's own CA: which stores hold it, and which programs therefore object. Pure."""

from __future__ import annotations

from homeport.doctor.checks.naming import listed, place
from homeport.doctor.facts import OwnAuthority, PathFacts, StoreTrust
from homeport.model.finding import Finding

_TRUST = "homeport trust"
_ENVIRONMENT = 'eval "$(homeport trust --env)" in the shell that starts such programs'
_SYSTEM = ("system", "macos", "windows")


def is_ours_to_sign(host: str) -> bool:
    """The CA is good for these alone."""
    return host == "localhost" or host.endswith(".localhost") or host.startswith("127.") or host == "::1"


def explain_own(facts: PathFacts, authority: OwnAuthority) -> Finding:
    """The handshake was refused for want of trust."""
    where, holding = place(facts), _names(authority, holds=True)
    if not authority.is_current:
        return Finding(
            code="tls-untrusted",
            what=f"the certificate of {where} was signed by {authority.name}, which is not the CA of this home",
            why="It is an earlier one, or that of another user or home; no store is asked to trust it.",
            next=f"let the server load a new one: homeport cert {facts.target.host}",
        )
    if any(store.is_trusted and store.kind in _SYSTEM for store in authority.stores):
        return Finding(
            code="tls-untrusted",
            level="warning",
            what=f"the certificate of {where} is trusted by {listed(holding)}, but not by programs with a store of "
            "their own, as Python, Node and curl may have",
            why="homeport's CA is in the stores, and these programs are told of it by variables.",
            next=_ENVIRONMENT,
        )
    held = f"Only {listed(holding)} trusts it." if holding else "No store trusts it yet."
    return Finding(
        code="tls-untrusted",
        what=f"the certificate of {where} is of homeport's own CA, which this system does not trust yet",
        why=f"{held} Browsers show ERR_CERT_AUTHORITY_INVALID or SEC_ERROR_UNKNOWN_ISSUER.",
        next=f"{_TRUST}; for Python, Node and others with a store of their own also homeport trust --env",
    )


def explain_trust(facts: PathFacts) -> Finding | None:
    """It works here, and not in the programs of another store."""
    tls, authority = facts.tls, facts.authority
    if tls is None or tls.trouble or authority is None or not authority.is_current:
        return None
    missing, holding = _names(authority, holds=False), _names(authority, holds=True)
    if not missing:
        return None
    only_java = all(store.kind == "java" for store in authority.stores if store.is_trusted is False)
    return Finding(
        code="tls-trusted-in-part",
        level="note" if only_java else "warning",
        what=f"{listed(missing)} {'does' if len(missing) == 1 else 'do'} not trust homeport's CA, "
        f"so {place(facts)} works in some programs only",
        why=f"It is trusted by {listed(holding)}." if holding else "This program was told of it by a variable.",
        next=_TRUST,
    )


def _names(authority: OwnAuthority, *, holds: bool) -> list[str]:
    return [_name(store) for store in authority.stores if store.is_trusted is holds]


def _name(store: StoreTrust) -> str:
    return "the system's store" if store.kind in _SYSTEM else store.name
