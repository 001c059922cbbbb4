"""Checks whose situations cannot be built for real here, by made-up facts: another clock, a full system, Next."""

from __future__ import annotations

import pytest

from homeport.doctor.checks.clock import explain_clock
from homeport.doctor.checks.host_check import explain_host_check
from homeport.doctor.checks.limits import explain_system_files, explain_time_wait
from homeport.doctor.checks.listener import explain_two_servers
from homeport.doctor.checks.tls import explain_tls
from homeport.doctor.diagnosis import diagnose
from homeport.doctor.facts import Answer, Listening, MachineFacts, Outcome, PathFacts, Reach, Target, Tls
from homeport.model.endpoint import Endpoint
from homeport.model.firewall import FirewallState
from homeport.model.ports import ProcessFact, SocketFact

TARGET = Target(text="https://localhost:8443/", scheme="https", host="localhost", port=8443)


def test_the_clock_is_behind_the_files_that_lie_here() -> None:
    assert explain_clock(MachineFacts(clock_behind_s=3600.0)) is None, "zones and archives make hours"
    found = explain_clock(MachineFacts(clock_behind_s=40 * 86_400.0))
    assert found
    assert (found.code, found.what) == ("clock-wrong", "the clock of this computer is at least 40 days behind")


def test_a_clock_that_is_behind_is_told_instead_of_an_expired_certificate() -> None:
    tls = Tls(trouble="expired", not_before_s=0.0, not_after_s=1.0)
    expired = explain_tls(PathFacts(target=TARGET, tls=tls))
    behind = explain_tls(PathFacts(target=TARGET, tls=tls, machine=MachineFacts(clock_behind_s=90_000.0)))
    assert expired
    assert behind
    assert (expired.code, behind.code) == ("tls-expired", "clock-wrong")


@pytest.mark.parametrize(("trouble", "code"), [("untrusted", "tls-untrusted"), ("failed", "tls-failed")])
def test_other_troubles_of_tls(trouble: str, code: str) -> None:
    found = explain_tls(PathFacts(target=TARGET, tls=Tls(trouble=trouble, why="so it is", issuer="Made Up CA")))  # type: ignore[arg-type]
    assert found
    assert found.code == code
    assert "so it is" in found.what + found.why


def test_limits_of_the_system() -> None:
    assert explain_system_files(MachineFacts(open_files=(970, 1000))) is None
    assert explain_time_wait(MachineFacts(time_wait=20_000, ephemeral=(32768, 60999))) is None
    full = explain_system_files(MachineFacts(open_files=(995, 1000)))
    waiting = explain_time_wait(MachineFacts(time_wait=27_000, ephemeral=(32768, 60999)))
    assert full
    assert waiting
    assert (full.code, full.level) == ("system-files-exhausted", "problem")
    assert (waiting.code, waiting.level) == ("time-wait-many", "warning")


def test_next_refuses_its_own_files_to_another_origin() -> None:
    target = Target(text="http://api.localhost:3000/", scheme="http", host="api.localhost", port=3000)
    page = Answer(status=200, server="Next.js")
    refused, absent = Answer(status=403, body="Unauthorized"), Answer(status=404)
    found = explain_host_check(PathFacts(target=target, answer=page, answers=(refused,)))
    assert found
    assert found.what == "Next.js answers, but refuses the host api.localhost"
    assert "allowedDevOrigins" in found.next
    assert explain_host_check(PathFacts(target=target, answer=page, answers=(absent,))) is None


def listening(host: str, pid: int, **more: object) -> Listening:
    process = ProcessFact(pid=pid, name="node", command=("node",), **more)  # type: ignore[arg-type]
    return Listening(socket=SocketFact(endpoint=Endpoint(host, 3000), pids=(pid,)), process=process)


@pytest.mark.parametrize(
    ("second", "is_told"),
    [
        (listening("127.0.0.1", 12, parent=1), False),  # the same process
        (listening("127.0.0.1", 13, parent=12), False),  # its worker
        (listening("127.0.0.1", 13, group=12), False),  # a copy in its job
        (listening("127.0.0.1", 13, group=99), True),
    ],
)
def test_sockets_of_one_app_are_no_two_servers(second: Listening, is_told: bool) -> None:
    target = Target(text="localhost:3000", host="localhost", port=3000)
    reached = (Reach(endpoint=Endpoint("::1", 3000), outcome="connected"),)
    facts = PathFacts(target=target, reached=reached, listening=(listening("::1", 12, group=12), second))
    assert (explain_two_servers(facts) is not None) is is_told


def test_docker_publishes_past_ufw() -> None:
    proxy = ProcessFact(pid=7, name="docker-proxy")
    target = Target(text="127.0.0.1:3000", host="127.0.0.1", port=3000)
    reached = (Reach(endpoint=Endpoint("127.0.0.1", 3000), outcome="connected"),)
    published = tuple(
        Listening(socket=SocketFact(endpoint=Endpoint(host, 3000), pids=(7,)), process=proxy)
        for host in ("0.0.0.0", "::")
    )
    ufw = FirewallState(tool="ufw", state="active")
    facts = PathFacts(target=target, reached=reached, listening=published, firewalls=(ufw,))
    assert [finding.code for finding in diagnose(facts)] == ["exposed", "docker-past-ufw"]
    assert "-p 127.0.0.1:3000:3000" in diagnose(facts)[0].next


@pytest.mark.parametrize(
    "outcome", ["refused", "timeout", "unreachable", "forbidden", "exhausted", "no-address", "failed"]
)
@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "192.0.2.7", "fe80::1%lo"])
def test_whatever_fails_there_is_one_problem(outcome: Outcome, host: str) -> None:
    target = Target(text="x", host=host, port=3000)
    facts = PathFacts(target=target, reached=(Reach(endpoint=Endpoint(host, 3000), outcome=outcome, error="EWHY"),))
    assert [finding.level for finding in diagnose(facts)] == ["problem"]
