"""Another user of the same computer, for real: a process with another uid, at a real engine and its real home."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.access_stage import MAY_BE_ANOTHER, SECRET, Castle, as_another, castle

pytestmark = [
    pytest.mark.skipif(not MAY_BE_ANOTHER, reason="needs root, to be another user"),
    pytest.mark.timeout(120),
]

# Sends one request, and does what the third word says with its end of the connection before it reads.
ASK = """
import socket, sys
port, request, then = int(sys.argv[1]), sys.argv[2], sys.argv[3]
family, host = (socket.AF_INET6, "::1") if then == "ipv6" else (socket.AF_INET, "127.0.0.1")
sock = socket.socket(family)
sock.settimeout(20)
sock.connect((host, port))
data = b""
try:
    sock.sendall(request.replace("|", "\\r\\n").encode())
    if then == "shut":
        sock.shutdown(socket.SHUT_WR)
    while then != "close" and (piece := sock.recv(65536)):
        data += piece
except ConnectionError:  # a TCP route says nothing to whom it does not let in
    pass
print(data.decode())
"""
# Tries to open, list and connect to every path that it is given, and prints what it got.
SNOOP = """
import json, os, socket, sys
home, *paths = json.loads(sys.argv[1])
tries = [(home, os.listdir), (home, os.chdir)]
for path in paths:
    tries += [(path, what) for what in (open, os.stat, os.listdir, os.unlink, socket.socket(socket.AF_UNIX).connect)]
for path, what in tries:
    try:
        what(path)
    except PermissionError:
        continue
    print("got at", path)
"""
GET = "GET / HTTP/1.1|Host: {host}|Connection: close|Accept: application/json||"


@pytest.fixture(scope="module")
def place() -> Iterator[Castle]:
    with castle() as made:
        made.route("mine", "--access", "same-user")
        made.route("shared", "--access", "users:nobody", "--access", "same-user")
        made.route("free")
        made.homeport("route", "raw", f"tcp:127.0.0.1:{made.app.server_port}", "--listen", "0", "--access", "same-user")
        yield made


def other(place: Castle, host: str, then: str = "wait") -> str:
    return as_another(ASK, str(place.port), GET.format(host=host), then)


@pytest.mark.parametrize("then", ["wait", "shut", "ipv6"])
@pytest.mark.parametrize("host", ["mine.localhost", "homeport.localhost"])
def test_another_user_is_refused_and_told_why(place: Castle, host: str, then: str) -> None:
    """ "shut": its end says FIN (FIN_WAIT2 once we have heard it) and still waits for the answer."""
    before = list(place.app.asked)
    answer = other(place, host, then)
    assert answer.startswith("HTTP/1.1 403 ")
    assert "of another user" in answer
    assert SECRET not in answer
    assert place.app.asked == before


def test_the_other_user_gets_what_is_meant_for_it(place: Castle) -> None:
    assert SECRET in other(place, "free.localhost")
    assert SECRET in other(place, "shared.localhost")
    assert SECRET in other(place, "shared.localhost", "shut")


@pytest.mark.parametrize("user", ["another", "own"])
def test_a_connection_that_was_closed_already_is_nobodys(place: Castle, user: str) -> None:
    """Its row shows uid 0 by then, which is the very uid that the engine has here. Stopping the engine for a moment
    makes sure that it looks when the other end is gone."""
    before, refused = list(place.app.asked), len(refusals(place))
    pid, port = place.engine_pid, place.port
    os.kill(pid, signal.SIGSTOP)
    try:
        if user == "another":
            as_another(ASK, str(port), GET.format(host="mine.localhost"), "close")
        else:
            with socket.create_connection(("127.0.0.1", port)) as sock:
                sock.sendall(GET.format(host="mine.localhost").replace("|", "\r\n").encode())
    finally:
        os.kill(pid, signal.SIGCONT)
    while len(refusals(place)) == refused:
        pass
    assert place.app.asked == before


def refusals(place: Castle, route: str = "mine") -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(place.homeport("requests", f"route:{route}", "--json"))
    return found


def test_a_tcp_route_lets_go_of_another_user(place: Castle) -> None:
    listen = next(route["listen"] for route in place.status()["routes"] if route["name"] == "raw")
    port = listen.rpartition(":")[2]
    before = list(place.app.asked)
    assert SECRET not in as_another(ASK, port, GET.format(host="x"), "wait")
    assert place.app.asked == before
    while not (refused := refusals(place, "raw")):
        pass
    assert refused[0]["why"] == "The connection comes from a process of another user."
    with socket.create_connection(("127.0.0.1", int(port))) as sock:
        sock.sendall(GET.format(host="x").replace("|", "\r\n").encode())
        assert SECRET.encode() in sock.makefile("rb").read()


def test_the_dashboard_on_its_own_port_is_ours_even_with_the_token(place: Castle) -> None:
    port = place.homeport("open", "--own-port", "--print").partition("/#")[0].rpartition(":")[2]
    token = (place.home / "token").read_text()
    for path in ("/", "/api/status"):
        request = f"GET {path} HTTP/1.1|Host: 127.0.0.1:{port}|Authorization: Bearer {token}|Connection: close||"
        assert as_another(ASK, port, request, "wait").startswith("HTTP/1.1 403 ")
    with socket.create_connection(("127.0.0.1", int(port))) as sock:
        sock.sendall(request.replace("|", "\r\n").encode())
        assert sock.makefile("rb").readline().startswith(b"HTTP/1.1 200 ")


def test_another_user_makes_no_toxiproxy_of_ours_connect_for_it(home: Path) -> None:
    """Its proxies would come in as us wherever we may."""
    command = [sys.executable, "-m", "homeport", "toxiproxy", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        port = process.stderr.readline().rpartition(":")[2].strip()
        request = "GET /proxies HTTP/1.1|Host: localhost|Connection: close||"
        assert "User not allowed" in as_another(ASK, port, request, "wait")
        with socket.create_connection(("127.0.0.1", int(port))) as sock:
            sock.sendall(request.replace("|", "\r\n").encode())
            assert sock.makefile("rb").readline().startswith(b"HTTP/1.1 200 ")
        process.terminate()


def test_another_user_cannot_take_a_link_that_it_saw_in_ps(place: Castle) -> None:
    place.route("tok", "--access", "token")
    path = place.homeport("open", "tok", "--print").partition(f":{place.port}")[2]
    request = f"GET {path} HTTP/1.1|Host: tok.localhost|Connection: close||"
    assert as_another(ASK, str(place.port), request, "wait").startswith("HTTP/1.1 403 ")
    with socket.create_connection(("127.0.0.1", place.port)) as sock:
        sock.sendall(request.replace("|", "\r\n").encode())
        assert b"Set-Cookie: homeport=" in sock.makefile("rb").read()


def test_another_user_gets_at_no_file_of_ours(place: Castle) -> None:
    place.homeport("token", "new", "watchman")
    paths = [str(place.home), *(str(path) for path in place.home.rglob("*"))]
    assert {"token", "tokens.json", "engine.sock", "recording.db"} <= {os.path.basename(path) for path in paths}
    assert as_another(SNOOP, json.dumps(paths)) == ""
    assert stat.S_IMODE(place.home.stat().st_mode) == 0o700
    for path in place.home.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_no_secret_is_seen_in_the_engines_process(place: Castle) -> None:
    """Command line and environment are there to be read by everybody, or by the same user's other programs."""
    token = place.homeport("token", "new", "loud")
    for name in ("cmdline", "environ", "comm"):
        with open(f"/proc/{place.engine_pid}/{name}", "rb") as file:
            assert token.encode() not in file.read()
    assert not any(
        token.encode() in path.read_bytes() for path in place.home.rglob("*") if path.is_file() and not path.is_socket()
    )
