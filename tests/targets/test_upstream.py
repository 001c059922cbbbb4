"""Targets that run already: their grammar, and what is said when they do not answer."""

from __future__ import annotations

import errno

import pytest

from homeport.doctor.checks.upstream import explain_upstream
from homeport.model.endpoint import Endpoint
from homeport.model.errors import HomeportError
from homeport.targets.upstream import Upstream, parse_target


@pytest.mark.parametrize(
    ("text", "kind", "endpoint"),
    [
        ("http://127.0.0.1:8080", "http", Endpoint("127.0.0.1", 8080)),
        ("http://127.0.0.1:8080/", "http", Endpoint("127.0.0.1", 8080)),
        ("http://localhost", "http", Endpoint("localhost", 80)),
        ("http://[::1]:8080", "http", Endpoint("::1", 8080)),
        ("http://[::1]", "http", Endpoint("::1", 80)),
        ("unix:/run/app.sock", "unix", Endpoint(path="/run/app.sock")),
        ("tcp:127.0.0.1:5432", "tcp", Endpoint("127.0.0.1", 5432)),
        ("tcp:5432", "tcp", Endpoint("127.0.0.1", 5432)),
        ("tcp://[::1]:5432", "tcp", Endpoint("::1", 5432)),
        ("udp:127.0.0.1:7777", "udp", Endpoint("127.0.0.1", 7777)),
        ("udp://[::1]:7777", "udp", Endpoint("::1", 7777)),
    ],
)
def test_targets(text: str, kind: str, endpoint: Endpoint) -> None:
    assert parse_target(text) == (kind, endpoint)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "api",
        "127.0.0.1:8080",
        "https://127.0.0.1:8443/path",
        "http:",
        "http://",
        "http:8080",
        "http://127.0.0.1:8080/base",
        "http://user:secret@127.0.0.1:8080",
        "http://127.0.0.1:8080?x",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:0",
        "http://::1",
        "tcp:localhost",
        "tcp:",
        "unix:",
    ],
)
def test_what_is_no_target(text: str) -> None:
    with pytest.raises(HomeportError) as caught:
        parse_target(text)
    assert caught.value.code == "bad-usage"
    assert "secret" not in caught.value.hint


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (None, "upstream-closed"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), "upstream-refused"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), "upstream-refused"),
        (TimeoutError(), "upstream-unreachable"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "upstream-unreachable"),
    ],
)
async def test_why_it_does_not_answer(error: OSError | None, code: str) -> None:
    endpoint = Endpoint("127.0.0.1", 8080)
    target = Upstream(endpoint, explain_upstream)
    assert target.address() == await target.ready() == endpoint
    finding = target.explain(error)
    assert finding.code == code
    assert finding.what
    assert finding.why
    assert finding.next
