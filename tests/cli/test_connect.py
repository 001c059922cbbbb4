"""`homeport connect` as a process, against the echo server, servers of the test's own, openssl, and in a terminal."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.sync.server import ServerConnection, serve

from tests.cli.fake_engine import invoke
from tests.cli.play_stage import HOMEPORT, LIMIT_S, certificate, connect, echo, every, screen, serving


@contextmanager
def websocket_server(handler: object) -> Iterator[str]:
    with serve(handler, "127.0.0.1", 0) as server:  # type: ignore[arg-type]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield "ws://{}:{}".format(*server.socket.getsockname()[:2])
        finally:
            server.shutdown()
            thread.join(LIMIT_S)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_bytes_come_back_byte_for_byte_in_both_families() -> None:
    data = os.urandom(300_000) + b"\r\n\x00\n"
    with echo("--tcp") as server:
        for place in server.listening["endpoints"]:
            done = connect(place, stdin=data)
            assert (done.returncode, done.stdout, done.stderr) == (0, data, b"")


def test_an_answer_that_comes_after_our_half_close_is_waited_for() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.read()
        await asyncio.sleep(0.3)
        writer.write(b"heard " + asked)
        await writer.drain()

    with serving(answer) as port:
        assert connect(str(port), stdin=b"this").stdout == b"heard this"


def test_wait_ends_a_server_that_never_does() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"+OK\r\n")
        async for _ in every(reader):
            pass
        await asyncio.sleep(3600)

    with serving(answer) as port:
        done = connect(str(port), "--wait", "0.3", "-v", stdin=b"PING\r\n")
    assert (done.returncode, done.stdout) == (0, b"+OK\r\n")
    assert b"6 B sent, 5 B received" in done.stderr


def test_crlf() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(repr(await reader.read()).encode())
        await writer.drain()

    with serving(answer) as port:
        assert connect(str(port), "--crlf", stdin=b"one\ntwo\r\nrest").stdout == repr(b"one\r\ntwo\r\nrest").encode()


def test_hex_both_ways() -> None:
    with echo("--tcp") as server:
        done = connect(server.place, "--hex", stdin=b"68 69\n0xff,0x00\n")
        assert done.stdout.startswith(b"00000000  68 69")
        assert b"ff 00" in done.stdout
        wrong = connect(server.place, "--hex", stdin=b"zz\n")
    assert wrong.returncode == 2
    assert b"not hex" in wrong.stderr


def test_a_broken_connection_is_no_success() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        sock: socket.socket = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        writer.transport.abort()

    with serving(answer) as port:
        done = connect(str(port), stdin=b"x")
    assert done.returncode == 1
    assert b"broken off" in done.stderr


def test_input_without_end_ends_with_the_other_side() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"enough\n")
        await writer.drain()

    with serving(answer) as port:
        words = [*HOMEPORT, "connect", f"127.0.0.1:{port}"]
        piped = ["bash", "-c", 'yes | "$@"; exit ${PIPESTATUS[1]}', "bash", *words]
        done = subprocess.run(piped, capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode in (0, 1)
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


def test_refused_names_who_listens_elsewhere() -> None:
    with socket.socket(socket.AF_INET6) as listener:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(("::1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        done = connect(f"127.0.0.1:{port}")
    assert done.returncode == 1
    assert f"nobody listens on 127.0.0.1:{port}; " in done.stderr.decode()
    assert f"(pid {os.getpid()})" in done.stderr.decode()
    assert f"[::1]:{port}" in done.stderr.decode()
    assert f"hint: homeport doctor 127.0.0.1:{port}" in done.stderr.decode()


def test_a_name_below_localhost_needs_no_resolver() -> None:
    with echo("--tcp") as server:
        port = server.place.rpartition(":")[2]
        assert connect(f"api.localhost:{port}", stdin=b"hi").stdout == b"hi"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nobody.invalid:80"], "has no address"),
        (["./nothing.sock"], "there is no socket ./nothing.sock"),
    ],
)
def test_what_cannot_be_reached(words: list[str], said: str) -> None:
    done = invoke(["connect", *words])
    assert done.status == 1
    assert said in done.err
    assert "hint:" in done.err


@pytest.mark.parametrize("words", ["connect", "connect nonsense", "connect 3000 --hex --crlf", "connect 3000 --wait x"])
def test_mistakes(words: str) -> None:
    done = invoke(words)
    assert done.status == 2
    assert "hint:" in done.err


def test_a_unix_socket(tmp_path: Path) -> None:
    with echo(f"unix:{tmp_path}/e.sock") as server:
        assert connect(f"{tmp_path}/e.sock", stdin=b"hi\n").stdout == b"hi\n"
        assert server.place == f"unix:{tmp_path}/e.sock"


def test_datagrams() -> None:
    with echo("--udp") as server:
        done = connect(f"udp://{server.place}", "--wait", "0.3", stdin=b"one\ntwo\n")
        assert (done.returncode, done.stdout) == (0, b"one\ntwo\n")
        events, err = server.stop()
    assert [event["text"] for event in events if event["event"] == "in"] == ["one\n", "two\n"]
    assert "2 datagrams" in err


def test_datagrams_that_nobody_receives() -> None:
    done = connect("--udp", str(free_port()), stdin=b"x\n")
    assert done.returncode == 1
    assert b"nobody receives datagrams there" in done.stderr


@pytest.mark.counterpart("openssl")
def test_tls_checks_the_certificate(tmp_path: Path) -> None:
    pem = certificate(tmp_path, "localhost", "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"heard " + await reader.readline())
        await writer.drain()

    with serving(answer, context) as port:
        place = f"127.0.0.1:{port}"
        strange = connect(place, "--tls")
        assert strange.returncode == 1
        assert b"is not trusted: self-signed certificate" in strange.stderr
        trusted = connect(place, "--ca", str(pem), "-v", stdin=b"this\n")
        assert (trusted.returncode, trusted.stdout) == (0, b"heard this\n")
        assert b"TLSv1.3" in trusted.stderr
        assert connect(place, "--insecure", stdin=b"this\n").stdout == b"heard this\n"
        wrong = connect(place, "--ca", str(pem), "--sni", "other.localhost")
        assert wrong.returncode == 1
        assert b"--sni" in wrong.stderr


@pytest.mark.counterpart("openssl")
def test_tls_of_openssl(tmp_path: Path) -> None:
    pem = certificate(tmp_path, "localhost")
    port = free_port()
    words = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", str(pem), "-key", str(pem), "-www"]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        assert server.stdout
        while b"ACCEPT" not in server.stdout.readline():
            pass
        done = connect(f"https://127.0.0.1:{port}/", "--ca", str(pem), "--sni", "localhost")
        assert done.stdout.startswith(b"HTTP/1.0 200 ok")
        assert b"s_server" in done.stdout
    finally:
        server.terminate()
        server.communicate(timeout=LIMIT_S)


def test_no_tls_spoken_there() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail ready\r\n")
        await writer.drain()
        await reader.read()

    with serving(answer) as port:
        done = connect("--tls", str(port))
    assert done.returncode == 1
    assert b"no TLS with" in done.stderr


def test_a_server_that_closes_on_tls_is_told_in_words() -> None:
    with echo("--tcp", "--http") as server:  # with HTTP, it knows a handshake by its first bytes
        done = connect("--tls", server.place)
    assert done.returncode == 1
    assert f"no TLS with {server.place}: it closed the connection\n".encode() in done.stderr


def test_a_url_is_one_request() -> None:
    with echo() as server:
        done = connect(f"http://{server.place}/status/418?x")
    assert done.returncode == 0
    assert done.stdout.startswith(b"HTTP/1.1 418 ")


def test_websocket_messages() -> None:
    with echo() as server:
        done = connect(f"ws://{server.place}/chat", "--wait", "0.3", stdin="héllo\nthere".encode())
        assert (done.returncode, done.stdout.decode()) == (0, "héllo\nthere\n")
        binary = connect(server.place, "--ws", "/chat", "--hex", "--json", "--wait", "0.3", stdin=b"00 ff\n")
    steps = [json.loads(line) for line in binary.stdout.splitlines()]
    assert [(step["event"], step.get("kind")) for step in steps] == [
        ("open", None),
        ("out", "binary"),
        ("in", "binary"),
        ("in", "close"),
        ("close", None),
    ]
    assert steps[2]["hex"] == "00ff"


def test_the_close_of_a_websocket_decides_the_status() -> None:
    def handler(websocket: ServerConnection) -> None:
        asked = websocket.recv()
        websocket.ping(b"there?")
        websocket.close(int(asked), "because")

    with websocket_server(handler) as url:
        bad = connect(url, "-v", stdin=b"4001")
        assert bad.returncode == 1
        assert b"4001" in bad.stderr
        assert b"because" in bad.stderr
        assert connect(url, stdin=b"1001").returncode == 0


@pytest.mark.parametrize("after", [b"", b"\xff\x00garbage"])
def test_a_websocket_that_ends_without_a_close_is_broken_off(after: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        key = head.lower().partition(b"sec-websocket-key: ")[0]
        key = head[len(key) :].partition(b": ")[2].partition(b"\r\n")[0]
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
        writer.write(b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n" + after)
        await writer.drain()

    with serving(answer) as port:
        done = connect(f"ws://127.0.0.1:{port}/", stdin=b"x")
    assert done.returncode == 1
    assert b"broken off" in done.stderr


def test_stdin_that_is_closed_is_an_end() -> None:
    with echo("--tcp") as server:
        words = [*HOMEPORT, "connect", server.place]
        done = subprocess.run(["bash", "-c", 'exec "$@" <&-', "bash", *words], capture_output=True, timeout=LIMIT_S)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_no_websocket_there() -> None:
    with echo("--http") as server:
        done = connect(f"ws://{server.place}/")
    assert done.returncode == 1
    assert b"no WebSocket on" in done.stderr


def test_a_reader_that_has_seen_enough() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"more\n" * 1000)
            await writer.drain()

    with serving(answer) as port:
        words = f"{os.sys.executable} -m homeport connect {port} < /dev/null | head -1"  # type: ignore[attr-defined]
        done = subprocess.run(["bash", "-c", f"{words}; exit ${{PIPESTATUS[0]}}"], capture_output=True, timeout=LIMIT_S)
    assert (done.returncode, done.stdout, done.stderr) == (141, b"more\n", b"")


def test_on_a_terminal_nothing_of_the_peer_is_obeyed() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"\x1b[2J\x1b]0;title\x07\x9b31m\xc2\x9b\xe2\x80\xaegnol\r\n")
        await writer.drain()
        await reader.read()

    with serving(answer) as port, screen("connect", str(port)) as shown:
        shown.until("connected to")
        shown.press(b"hello\r")
        shown.until("→ (6 B)")
        shown.until("gnol")
        shown.press(b"\x04")
        shown.until("closed by the other side after")
        assert shown.wait() == 0
    assert "\\x1b[2J\\x1b]0;title\\x07\\x9b31m\\x9b\\u202egnol" in shown.shown
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(shown.shown)
    assert "6 B sent" in shown.shown


def test_ctrl_c_leaves_a_conversation() -> None:
    with echo("--tcp") as server, screen("connect", server.place, "--hex") as shown:
        shown.until("connected to")
        shown.press(b"68 69\r")
        shown.until("|hi|")
        shown.press(b"xyz\r")
        shown.until("not hex")
        shown.press(b"\x03")
        assert shown.wait() == 130
    assert "left after" in shown.shown
    assert "2 B sent, 2 B received" in shown.shown


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="one loopback address elsewhere")
@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_it_comes_from_the_address_that_was_asked_for(kind: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM) as server:
        server.settimeout(LIMIT_S)
        server.bind(("127.0.0.1", 0))
        if kind == "tcp":
            server.listen()
        place = f"{kind}://localhost:{server.getsockname()[1]}"
        done = connect(place, "--from", "127.64.0.1", "--wait", "0.1", stdin=b"hello")
        assert done.returncode == 0, done.stderr
        if kind == "tcp":
            visitor, where = server.accept()
            visitor.close()
        else:
            where = server.recvfrom(10)[1]
        assert where[0] == "127.64.0.1"
    assert b"no address to come from" in connect("3000", "--from", "nowhere").stderr
