"""`homeport doctor` in a terminal: how a walk looks, names of the engine, wrong uses, exit statuses."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator

import pytest

from homeport.app.doctor import Report
from homeport.cli.doctor_view import exit_status, overview_lines, report_lines
from homeport.cli.terminal import Paint
from homeport.doctor.diagnosis import diagnose, diagnose_machine
from homeport.doctor.facts import MachineFacts, PathFacts, Phase, Resolved, Target, Walk
from homeport.model.finding import Finding, Level
from homeport.model.route import RouteState
from tests.cli.fake_engine import FakeEngine, app, invoke

PLAIN = Paint(False)


@pytest.fixture
def port() -> Iterator[int]:
    """A server that says hello to everybody."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                client.recv(4096)
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")

    thread = threading.Thread(target=serve, name="hello")
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    thread.join()
    listener.close()


@pytest.fixture
def closed() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def walk(*findings: Finding) -> Walk:
    target = Target(text="http://api.localhost:3000/", scheme="http", host="api.localhost", port=3000)
    names = (
        Resolved(client="browser", addresses=("::1", "127.0.0.1"), why="built in"),
        Resolved(client="getaddrinfo", why="Name or service not known"),
        Resolved(client="node", why="Name or service not known"),
    )
    phases = (
        Phase(name="name", text="the system: Name or service not known", start_ms=0.0, ms=4.0),
        Phase(name="connect", text="127.0.0.1:3000 connected", start_ms=4.0, ms=0.1),
        Phase(
            name="http", text="200 OK, a server with quite a long name that nobody needs to read", start_ms=4.1, ms=12.0
        ),
    )
    return Walk(title=target.text, phases=phases, facts=PathFacts(target=target, names=names), findings=findings)


def finding(level: Level = "problem") -> Finding:
    return Finding(
        code="nobody-listens",
        level=level,
        what="nobody listens on \x1b[2J127.0.0.1:3000",
        why="It does not run.",
        next="start it",
    )


def test_a_walk_at_80_columns_without_colour() -> None:
    lines = report_lines(Report(walks=(walk(finding()),)), PLAIN, 80)
    assert lines == [
        "http://api.localhost:3000/",
        "  ✓ name    ████               4.0 ms  the system: Name or service not known",
        "  ✓ connect    █               0.1 ms  127.0.0.1:3000 connected",
        "  ✓ http        ████████████    12 ms  200 OK, a server with quite a long name …",
        "    names   browser: ::1, 127.0.0.1 (built in)",
        "            getaddrinfo, node: Name or service not known",
        "",
        "✗ nobody listens on \\x1b[2J127.0.0.1:3000 [nobody-listens]",
        "  It does not run.",
        "  next: start it",
    ]
    assert max(map(len, lines)) <= 80


def test_a_clean_walk_says_so() -> None:
    assert report_lines(Report(walks=(walk(),)), PLAIN, 80)[-1] == "✓ http://api.localhost:3000/ answers"


def test_an_overview_tells_only_what_is_wrong() -> None:
    assert overview_lines(Report(walks=(walk(finding("note")),), looked_at=1), PLAIN, None) == [
        "✓ nothing is wrong: loopback, localhost, limits, clock, proxies, and 1 app or route"
    ]
    told = overview_lines(Report(walks=(walk(), walk(finding("warning")))), PLAIN, None)
    assert told[:2] == ["http://api.localhost:3000/", "! nobody listens on \\x1b[2J127.0.0.1:3000 [nobody-listens]"]


@pytest.mark.parametrize(
    ("levels", "status"), [([], 0), (["note"], 0), (["note", "warning"], 1), (["warning", "problem"], 2)]
)
def test_the_exit_status_is_that_of_the_worst(levels: list[Level], status: int) -> None:
    assert exit_status(Report(walks=(walk(*map(finding, levels)),))) == status


def test_a_server_that_answers(port: int) -> None:
    outcome = invoke(f"doctor 127.0.0.1:{port}", screen=True)
    assert outcome.status == 0
    assert re.search(r"http .*200 OK", outcome.out)
    assert f"127.0.0.1:{port} answers with 200" in outcome.out


def test_a_route_is_walked_to_its_target_and_through_the_door(port: int, closed: int) -> None:
    engine = FakeEngine()
    engine.routes.all["api"] = RouteState(
        name="api", kind="http", target=f"http://127.0.0.1:{port}", url=f"http://localhost:{port}/"
    )
    engine.routes.all["dead"] = RouteState(
        name="dead", kind="http", target=f"http://127.0.0.1:{closed}", url="http://x/"
    )
    found = json.loads(invoke("doctor api --json", engine).out)
    assert [one["title"] for one in found["walks"]] == [
        f"api: http://127.0.0.1:{port}",
        f"api through the door: http://localhost:{port}/",
    ]
    assert invoke("doctor api.localhost", engine).status == 0
    assert invoke("doctor dead", engine).status == 2
    overview = invoke("doctor", engine)
    assert overview.status == 2
    assert overview.out.splitlines()[0] == f"dead: http://127.0.0.1:{closed}"


def test_an_app_that_listens_on_another_port(closed: int, port: int) -> None:
    engine = FakeEngine(app("web", port=closed, listens=[f"127.0.0.1:{port}"], address=f"127.0.0.1:{port}"))
    outcome = invoke(f"doctor 127.0.0.1:{closed}", engine)
    assert outcome.status == 2
    assert f"but the app there listens on 127.0.0.1:{port} [listens-elsewhere]" in outcome.out


def test_an_app_that_has_failed_speaks_with_its_own_finding() -> None:
    ended = Finding(code="app-exited", what="web exited with code 1.", next="homeport logs web")
    outcome = invoke("doctor web", FakeEngine(app("web", "failed", finding=ended)))
    assert outcome.status == 2
    assert outcome.out == "✗ web exited with code 1. [app-exited]\n  next: homeport logs web\n"
    assert "app-stopped" in invoke("doctor web", FakeEngine(app("web", "stopped"))).out
    assert "app-stopped" not in invoke("doctor", FakeEngine(app("web", "stopped"))).out, "nobody wants it to run"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["doctor", "nope"], "'nope' is not an endpoint, and no engine runs that could know it"),
        (["doctor", "70000"], "'70000' is not an endpoint: it needs a port from 0 to 65535"),
        (["doctor", "ftp://localhost/"], "'ftp://localhost/' is not an http or https URL"),
        (["doctor", "--explain", " "], "there is no message to explain"),
        (["doctor", "--explain", "it does not work"], "that message is not known, and it names no address"),
        (["doctor", "--fix"], "--fix and --trace need an endpoint"),
        (["doctor", "--loopback", "3000"], "--loopback looks at the whole computer: give it no place and no message"),
    ],
)
def test_wrong_uses(words: list[str], message: str) -> None:
    outcome = invoke(words)
    assert outcome.status == 4
    assert outcome.out == ""
    assert outcome.err.splitlines()[0] == f"error: {message}"
    assert outcome.err.splitlines()[1].startswith("hint: homeport doctor")


def test_a_message_is_explained_for_this_machine(port: int, closed: int) -> None:
    taken = invoke(["doctor", "--explain", f"listen EADDRINUSE: address already in use 127.0.0.1:{port}"])
    assert taken.status == 2
    assert "It says that another program has this port already." in taken.out
    assert f"port {port} is taken by" in taken.out
    free = invoke(["doctor", "--explain", f"EADDRINUSE 127.0.0.1:{closed}"])
    assert (free.status, "port-free-now" in free.out) == (0, True)
    refused = invoke(["doctor", "--explain", f"connect ECONNREFUSED 127.0.0.1:{closed}"])
    assert (refused.status, "nobody-listens" in refused.out) == (2, True)
    again = invoke(["doctor", "--explain", f"connect ECONNREFUSED 127.0.0.1:{port}"])
    assert (again.status, "works-now" in again.out) == (0, True)
    mixed = invoke(["doctor", "--explain", "ssl wrong version number", f"localhost:{port}"])
    assert (mixed.status, "tls-not-spoken" in mixed.out) == (2, True)
    denied = invoke(["doctor", "--explain", f"listen EACCES: permission denied 127.0.0.1:{closed}"])
    assert (denied.status, "port-privileged" in denied.out) == (0, True)
    unknown = invoke(["doctor", "--explain", "getaddrinfo ENOTFOUND shop.invalid http://shop.invalid/"])
    assert (unknown.status, "name-not-found" in unknown.out) == (2, True)
    alone = invoke(["doctor", "--explain", "EMFILE: too many open files"])
    assert (alone.status, alone.out.count("as many files and connections open as it may")) == (0, 1)
    asks = invoke(["doctor", "--explain", "blocked by Local Network Access checks"])
    assert (asks.status, "local-network-access" in asks.out) == (0, True)


def test_where_nothing_is_known_nothing_is_said() -> None:
    assert diagnose(PathFacts(target=Target(text="x", host="127.0.0.1", port=1))) == ()
    assert diagnose_machine(MachineFacts()) == ()
