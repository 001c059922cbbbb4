"""Which listener gets the requests."""

from __future__ import annotations

import pytest

from homeport.machine.interface import Listener
from homeport.model.endpoint import Endpoint
from homeport.targets import follow
from homeport.targets.command import Given

GIVEN = Given(port=21000, ports={"ADMIN_PORT": 21001})


def on(*addresses: str) -> list[Listener]:
    found = []
    for address in addresses:
        host, _, port = address.rpartition(":")
        found.append(Listener(endpoint=Endpoint(host.strip("[]"), int(port)), pid=1))
    return found


@pytest.mark.parametrize(
    ("listeners", "mentioned", "current", "chosen"),
    [
        ([], [], None, None),
        (["127.0.0.1:21001"], [], None, None),
        (["127.0.0.1:3000", "127.0.0.1:21000"], [3000], "127.0.0.1:3000", "127.0.0.1:21000"),
        (["127.0.0.1:3000", "127.0.0.1:5173"], [9999, 5173], None, "127.0.0.1:5173"),
        (["127.0.0.1:3000", "127.0.0.1:5173"], [], "127.0.0.1:5173", "127.0.0.1:5173"),
        (["127.0.0.1:5173", "127.0.0.1:3000"], [], None, "127.0.0.1:3000"),
        (["127.0.0.1:9229", "127.0.0.1:30000"], [], None, "127.0.0.1:30000"),
        (["127.0.0.1:9229"], [], None, "127.0.0.1:9229"),
        (["192.0.2.7:3000"], [], None, "192.0.2.7:3000"),
        (["[::1]:3000", "0.0.0.0:3000"], [], None, "127.0.0.1:3000"),
        (["[::]:3000"], [], None, "127.0.0.1:3000"),
        (["[::1]:3000"], [], None, "[::1]:3000"),
        (["[::ffff:127.0.0.1]:3000"], [], None, "127.0.0.1:3000"),
    ],
)
def test_the_order(listeners: list[str], mentioned: list[int], current: str | None, chosen: str | None) -> None:
    before = on(current)[0].endpoint if current else None
    found = follow.choose(on(*listeners), GIVEN, mentioned=mentioned, current=before)
    assert (str(found) if found else None) == chosen


def test_v6_only_is_dialled_by_v6() -> None:
    listener = Listener(endpoint=Endpoint("::", 3000), pid=1, v6only=True)
    assert follow.choose([listener], GIVEN) == Endpoint("::1", 3000)


def test_a_unix_socket_counts_only_where_it_was_asked_for() -> None:
    unix = Listener(endpoint=Endpoint(path="/run/web.sock"), pid=1)
    assert follow.choose([unix], GIVEN) is None
    assert follow.choose([unix, *on("127.0.0.1:3000")], Given(socket="/run/web.sock")) == unix.endpoint
    assert follow.choose(on("127.0.0.1:3000"), Given(socket="/run/web.sock")) == Endpoint("127.0.0.1", 3000)


@pytest.mark.parametrize(
    ("line", "ports"),
    [
        ("  ➜  Local:   http://localhost:5173/", [5173]),
        ("Listening on http://[::1]:8080 and https://127.0.0.1:8443/x", [8080, 8443]),
        ("Uvicorn running on http://0.0.0.0:8000 (Press CTRL+C to quit)", [8000]),
        ("Listening at: http://*:3001", [3001]),
        ("see https://example.com/docs", []),
        ("port 3000", []),
    ],
)
def test_urls_in_a_log(line: str, ports: list[int]) -> None:
    assert follow.mentioned_ports(line) == ports


def test_what_is_worth_saying() -> None:
    listeners = on("0.0.0.0:5173", "127.0.0.1:9000")
    text = follow.notice("web", GIVEN, Endpoint("127.0.0.1", 5173), listeners)
    assert text == (
        "web listens on 5173 instead of 21000; the route follows. "
        "web listens on 0.0.0.0:5173: other computers can reach it. HOST told it 127.0.0.1."
    )
    assert follow.notice("web", GIVEN, Endpoint("127.0.0.1", 21000), on("127.0.0.1:21000")) == ""
    asked_for = Given(host="0.0.0.0", port=21000)
    assert follow.notice("web", asked_for, Endpoint("127.0.0.1", 21000), on("0.0.0.0:21000")) == ""
