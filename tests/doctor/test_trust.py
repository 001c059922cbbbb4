"""Sentences about homeport's own CA, for stores that a test cannot fill: the system's own."""

from __future__ import annotations

from homeport.doctor.diagnosis import diagnose
from homeport.doctor.facts import OwnAuthority, PathFacts, Reach, StoreTrust, Target, Tls
from homeport.model.endpoint import Endpoint
from homeport.model.finding import Finding

SYSTEM = StoreTrust(name="the system", kind="system", is_trusted=True)
CHROMIUM = StoreTrust(name="Chromium", kind="nss", is_trusted=True)
JAVA = StoreTrust(name="Java (17)", kind="java", is_trusted=False)
UNKNOWN = StoreTrust(name="Firefox", kind="nss", why="certutil is not installed")


def told(tls: Tls, *stores: StoreTrust) -> list[Finding]:
    target = Target(text="https://localhost:8443/", scheme="https", host="localhost", port=8443)
    reached = (Reach(endpoint=Endpoint("127.0.0.1", 8443), outcome="connected"),)
    authority = OwnAuthority(name="homeport local CA 12", stores=stores)
    return list(diagnose(PathFacts(target=target, reached=reached, tls=tls, authority=authority)))


def test_a_program_with_a_store_of_its_own() -> None:
    (found,) = told(Tls(trouble="untrusted", issuer="homeport local CA 12 intermediate"), SYSTEM, CHROMIUM)
    assert (found.code, found.level) == ("tls-untrusted", "warning")
    assert "is trusted by the system's store and Chromium, but not by programs with a store of their own" in found.what
    assert found.next.startswith('eval "$(homeport trust --env)"')


def test_only_java_is_left() -> None:
    (found,) = told(Tls(), SYSTEM, JAVA)
    assert (found.code, found.level) == ("tls-trusted-in-part", "note")
    assert found.what.startswith("Java (17) does not trust homeport's CA")
    assert found.why == "It is trusted by the system's store."


def test_everybody_trusts_it_as_far_as_is_known() -> None:
    assert told(Tls(), SYSTEM, CHROMIUM, UNKNOWN) == []
