"""`homeport echo` as a process: what it says, and real clients that talk to it."""

from __future__ import annotations

import json
import os
import socket
import subprocess

import pytest

from tests.cli.fake_engine import invoke
from tests.cli.play_stage import HOMEPORT, LIMIT_S, connect, echo, screen

NODE = """
const [, base] = process.argv;
const answer = await fetch(`http://${base}/a?b=1`, {method: "POST", body: JSON.stringify({n: 1}),
  headers: {"content-type": "application/json"}});
const lines = await (await fetch(`http://${base}/stream/3`)).text();
console.log(JSON.stringify({echo: await answer.json(), lines: lines.trim().split("\\n").length}));
"""


def test_json_tells_each_step() -> None:
    with echo() as server:
        assert server.listening["protocols"] == ["http", "tcp", "udp", "ws"]
        connect(server.place, stdin=b"hi\xff")
        events, err = server.stop()
    assert [event["event"] for event in events] == ["open", "in", "out", "close"]
    assert events[1]["hex"] == "6869ff"
    assert events[1]["bytes"] == 3
    assert events[2]["ms"] >= 0
    assert "echoed 1 connection and 0 datagrams: 3 B in, 3 B out" in err


def test_quiet_says_only_where_it_listens() -> None:
    with echo("--quiet") as server:
        connect(server.place, stdin=b"hi")
        events, _ = server.stop()
    assert events == []


@pytest.mark.counterpart("curl")
def test_curl() -> None:
    with echo("--http") as server:
        words = ["curl", "-s", "-i", "--max-time", "10", "-d", "a=b"]
        done = subprocess.run([*words, f"http://{server.place}/form"], capture_output=True, text=True, timeout=LIMIT_S)
        head, _, body = done.stdout.partition("\n\n")
        assert head.startswith("HTTP/1.1 200 OK")
        assert json.loads(body)["body"] == "a=b"
        large = subprocess.run(
            [*words[:1], "-s", "--max-time", "10", "-T", "-", f"http://{server.place}/put"],
            input=b"x" * 3_000_000,  # chunked, and with Expect: 100-continue
            capture_output=True,
            timeout=LIMIT_S,
        )
        told = json.loads(large.stdout)
        assert (told["bytes"], len(told["body"]), told["is_cut"]) == (3_000_000, 1 << 20, True)


@pytest.mark.counterpart("node")
def test_node() -> None:
    with echo() as server:
        words = ["node", "--input-type=module", "-e", NODE, server.place]
        done = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT_S)
    told = json.loads(done.stdout)
    assert told["echo"]["json"] == {"n": 1}
    assert told["lines"] == 3


def test_a_taken_port_is_told_with_its_holder() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        done = invoke(["echo", str(port)])
    assert done.status == 1
    assert f"(pid {os.getpid()})" in done.err
    assert "hint: homeport" in done.err


@pytest.mark.parametrize("option", [[], ["--udp"]])
def test_a_port_that_is_taken_for_udp_is_told_with_its_holder(option: list[str]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        done = invoke(["echo", str(port), *option])
    assert done.status == 1
    assert f"127.0.0.1:{port} is taken for UDP by " in done.err
    assert f"(pid {os.getpid()}). It receives on 127.0.0.1:{port}\n" in done.err
    assert f"hint: end pid {os.getpid()}, or use another port" in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("echo 0.0.0.0:0", "other computers"),
        ("echo nonsense", "not an endpoint"),
        ("echo unix:/nowhere/at/all.sock", "cannot listen on"),
    ],
)
def test_where_it_does_not_listen(words: str, said: str) -> None:
    done = invoke(words)
    assert done.status == 2
    assert said in done.err
    assert "hint:" in done.err


def test_on_a_terminal_each_step_is_a_line_that_fits() -> None:
    with screen("echo") as shown:
        shown.until("try: homeport connect ws://")
        place = shown.shown.split("homeport connect ", 1)[1].split()[0]
        connect(place, stdin=b"\x1b[31m" + b"long " * 40 + b"\n")
        shown.until("closed after")
        shown.press(b"\x03")
        assert shown.wait() == 0
    assert "\x1b" not in shown.shown
    assert "← 206 B  \\x1b[31mlong long" in shown.shown
    assert "echoed 1 connection" in shown.shown
    assert max(map(len, shown.shown.split("\r\n"))) <= 80


def test_a_reader_that_has_seen_enough_ends_it() -> None:
    words = [*HOMEPORT, "echo", "--json"]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert server.stdout
    assert server.stderr
    place = json.loads(server.stdout.readline())["endpoints"][0]
    server.stdout.close()
    connect(place, stdin=b"hi")
    assert server.wait(LIMIT_S) == 141
    assert server.stderr.read() == b""
    server.stderr.close()
