"""TLS: no TLS at all, nobody vouches, wrong name, wrong time. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from homeport.doctor.checks.naming import listed, place
from homeport.doctor.checks.trust import explain_own, is_ours_to_sign
from homeport.doctor.facts import PathFacts, Tls
from homeport.model.finding import Finding

_BEHIND_S = 3600.0


def explain_tls(facts: PathFacts) -> Finding | None:
    tls = facts.tls
    if tls is None or not tls.trouble:
        return None
    where = place(facts)
    if tls.trouble == "not-tls":
        return _not_tls(facts)
    if tls.trouble in ("expired", "not-yet-valid"):
        return _time(facts, tls)
    if tls.trouble == "wrong-name":
        return Finding(
            code="tls-wrong-name",
            what=f"the certificate of {where} is not for {facts.target.host}",
            why=f"It is for {listed(tls.names) or 'no name at all'}. A common name counts for nobody any more.",
            next=f"issue one with {facts.target.host} in its subjectAltName, or open a name that it has",
        )
    if tls.trouble == "self-signed":
        return Finding(
            code="tls-self-signed",
            what=f"the certificate of {where} is signed by itself, so nobody trusts it",
            why=f"It is for {listed(tls.names) or tls.subject or 'no name'}. Browsers show ERR_CERT_AUTHORITY_INVALID.",
            next=f"{_signed(facts)}, or use http on loopback",
        )
    if tls.trouble == "untrusted" and facts.authority:
        return explain_own(facts, facts.authority)
    if tls.trouble == "untrusted":
        return Finding(
            code="tls-untrusted",
            what=f"the certificate of {where} is issued by {tls.issuer or 'somebody'}, whom this system does not trust",
            why=f"The check ended with: {tls.why}. An intermediate certificate may be missing, or the authority's own.",
            next=f"let the server send its whole chain and this system trust the authority; or {_signed(facts)}",
        )
    return Finding(
        code="tls-failed",
        what=f"TLS with {where} failed: {tls.why or 'no reason was given'}",
        why="The server refused the handshake, asks for a client's certificate, or has none for this name.",
        next=f"openssl s_client -connect {where} -servername {facts.target.host}",
    )


def _signed(facts: PathFacts) -> str:
    host = facts.target.host
    if is_ours_to_sign(host):
        return f"homeport trust, then homeport cert {host} for one that is trusted"
    return "give it a name below localhost, which homeport trust and homeport cert make trusted"


def _not_tls(facts: PathFacts) -> Finding:
    where = place(facts)
    speaks_http = any(answer.status for answer in facts.answers)
    instead = f"http://{where}{facts.target.path}"
    return Finding(
        code="tls-not-spoken",
        what=f"{where} speaks {'plain http' if speaks_http else 'no TLS'}, and https was asked for",
        why="Programs say: wrong version number, ERR_SSL_PROTOCOL_ERROR, packet length too long.",
        next=f"open {instead}" if speaks_http else "turn TLS on in the server",
    )


def _time(facts: PathFacts, tls: Tls) -> Finding:
    """Where a certificate is not valid yet, the clock is the first suspect."""
    where, now = place(facts), _day(tls.now_s)
    doubt = "" if tls.is_clock_synchronised else " No time server keeps this clock right."
    behind_s = facts.machine.clock_behind_s
    if tls.trouble == "not-yet-valid" or behind_s > _BEHIND_S:
        evidence = " Files on this computer are newer than that." if behind_s > _BEHIND_S else doubt
        return Finding(
            code="clock-wrong",
            what=f"the certificate of {where} is valid from {_day(tls.not_before_s)} on, and this clock says {now}",
            why=f"A certificate is rarely issued for the future: the clock is probably behind.{evidence}",
            next="timedatectl, and set the clock (sudo timedatectl set-ntp true)",
        )
    return Finding(
        code="tls-expired",
        what=f"the certificate of {where} expired on {_day(tls.not_after_s)}",
        why=f"This clock says {now}.{doubt}",
        next="issue a new one; where it should be valid, set the clock",
    )


def _day(seconds: float | None) -> str:
    if seconds is None:
        return "an unknown day"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
