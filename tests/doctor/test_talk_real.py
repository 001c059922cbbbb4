"""What the doctor finds behind a connection that was made: TLS, HTTP, Host checks, proxies.

Servers and certificates are real, and on loopback.
"""

from __future__ import annotations

import datetime
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.doctor.real import examine

pytestmark = pytest.mark.usefixtures("home")

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


@contextmanager
def server(answer: bytes | None = OK, *, context: ssl.SSLContext | None = None, ok_for: bytes = b"") -> Iterator[int]:
    """Answers each connection once with the same bytes; None: never. A request with `ok_for` in it gets OK."""
    listener = socket.create_server(("127.0.0.1", 0))
    kept: list[socket.socket] = []
    thread = threading.Thread(target=_serve, args=(listener, answer, context, ok_for, kept), name="server")
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        for one in (*kept, listener):
            one.close()


def _serve(
    listener: socket.socket,
    answer: bytes | None,
    context: ssl.SSLContext | None,
    ok_for: bytes,
    kept: list[socket.socket],
) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        try:
            client = context.wrap_socket(client, server_side=True) if context else client
            request = client.recv(65536)
            if answer is None:
                kept.append(client)
                continue
            client.sendall(OK if ok_for and ok_for in request else answer)
        except OSError:
            pass
        client.close()


def certificate(folder: Path, *, begins: int = -1, ends: int = 30, names: str = "DNS:localhost,IP:127.0.0.1") -> Path:
    """A self-signed one with its key, in one file. Days are counted from now."""
    now = datetime.datetime.now(datetime.UTC)
    moments = [(now + datetime.timedelta(days=days)).strftime("%Y%m%d%H%M%SZ") for days in (begins, ends)]
    path, key, request = folder / "site.pem", folder / "key.pem", folder / "request.pem"
    configuration = folder / "ca.cnf"
    (folder / "index.txt").write_text("")
    configuration.write_text(
        f"[ca]\ndefault_ca=me\n[me]\ndatabase={folder}/index.txt\nnew_certs_dir={folder}\nrand_serial=yes\n"
        f"default_md=sha256\npolicy=any\nx509_extensions=site\n[any]\ncommonName=supplied\n[site]\nsubjectAltName={names}\n"
    )
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-subj", "/CN=made up", "-out", str(request))
    openssl("ca", "-batch", "-selfsign", "-config", str(configuration), "-keyfile", str(key), "-in", str(request),
            "-startdate", moments[0], "-enddate", moments[1], "-notext", "-out", str(path))  # fmt: skip
    path.write_text(path.read_text() + key.read_text())
    return path


def openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)


def context_of(path: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@pytest.mark.counterpart("openssl")
@pytest.mark.parametrize(
    ("made", "is_trusted", "code"),
    [
        ({}, True, None),
        ({}, False, "tls-self-signed"),
        ({"names": "DNS:shop.test,IP:127.0.0.2"}, True, "tls-wrong-name"),
        ({"begins": -30, "ends": -2}, True, "tls-expired"),
        ({"begins": 300, "ends": 400}, True, "clock-wrong"),
    ],
)
def test_certificates(tmp_path: Path, made: dict[str, str], is_trusted: bool, code: str | None) -> None:
    path = certificate(tmp_path, **made)  # type: ignore[arg-type]
    env = {"SSL_CERT_FILE": str(path)} if is_trusted else {}
    with server(context=context_of(path)) as port:
        verdict = examine(None, f"https://localhost:{port}/", env=env)
    assert verdict.codes == ([code] if code else [])
    tls = verdict.report["walks"][0]["facts"]["tls"]
    assert tls["names"] == made.get("names", "DNS:localhost,IP:127.0.0.1").replace("DNS:", "").replace("IP:", "").split(
        ","
    )
    assert tls["subject"] == "made up"


@pytest.mark.counterpart("openssl")
def test_http_and_https_are_mixed_up(tmp_path: Path) -> None:
    with server() as port:
        verdict = examine(None, f"https://localhost:{port}/")
        assert (verdict.status, verdict.codes) == (2, ["tls-not-spoken"])
        assert f"http://localhost:{port}/" in verdict.said("tls-not-spoken")
    with server(context=context_of(certificate(tmp_path))) as port:
        verdict = examine(None, f"http://localhost:{port}/")
        assert (verdict.status, verdict.codes) == (2, ["http-on-tls-port"])
        assert verdict.said("http-on-tls-port").endswith(f"open https://localhost:{port}/")
        alone = examine(None, f"127.0.0.1:{port}")
        assert (alone.status, alone.notes) == (0, ["http-on-tls-port"])
    with server(b"HTTP/1.1 400 Bad Request\r\n\r\n<p>The plain HTTP request was sent to HTTPS port") as port:
        assert examine(None, f"http://localhost:{port}/").codes == ["http-on-tls-port"]


@pytest.mark.parametrize(
    ("answer", "code"), [(b"", "upstream-closed"), (None, "no-answer"), (b"-ERR unknown command\r\n", "not-http")]
)
def test_no_answer_worth_the_name(answer: bytes | None, code: str) -> None:
    with server(answer) as port:
        verdict = examine(None, f"http://localhost:{port}/")
        assert (verdict.status, verdict.codes) == (2, [code])
        assert examine(None, f"127.0.0.1:{port}").status == 0, "an endpoint need not speak HTTP"


@pytest.mark.parametrize(
    ("status", "advice"),
    [(b"500 Internal Server Error", "look at its log"), (b"502 Bad Gateway", "look at the server behind it")],
)
def test_a_server_that_fails_by_itself(status: bytes, advice: str) -> None:
    with server(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n") as port:
        verdict = examine(None, f"http://localhost:{port}/")
    assert (verdict.status, verdict.codes) == (1, ["server-error"])
    assert f"with {status.decode()}" in verdict.said("server-error")
    assert advice in verdict.said("server-error")


PAGES = [
    (b'403 Forbidden\r\n\r\nBlocked request. This host ("api.localhost") is not allowed.', "Vite"),
    (b"200 OK\r\n\r\nInvalid Host header", "webpack-dev-server"),
    (b"403 Forbidden\r\n\r\nInvalid Host/Origin header", "webpack-dev-server"),
    (b"400 Bad Request\r\n\r\n<h1>DisallowedHost at /</h1> You may need to add it to ALLOWED_HOSTS.", "Django"),
    (b"400 Bad Request\r\n\r\n<!doctype html><h1>Bad Request (400)</h1>", "Django"),
    (b"403 Forbidden\r\n\r\n<h1>Blocked hosts: api.localhost</h1>", "Rails"),
    (b"403 Forbidden\r\n\r\nnot for you", "the server"),
]


@pytest.mark.parametrize(("page", "who"), PAGES, ids=[who for _, who in PAGES])
def test_the_page_of_a_host_check(page: bytes, who: str) -> None:
    with server(b"HTTP/1.1 " + page, ok_for=b"Host: localhost:") as port:
        verdict = examine(None, f"http://api.localhost:{port}/")
    assert (verdict.status, verdict.codes) == (2, ["host-check"])
    assert verdict.said("host-check").startswith(f"{who} answers, but refuses the host api.localhost")


def test_a_403_for_everybody_is_no_host_check() -> None:
    with server(b"HTTP/1.1 403 Forbidden\r\n\r\nnot for you") as port:
        assert examine(None, f"http://api.localhost:{port}/").codes == []


def test_a_proxy_in_the_way() -> None:
    with server() as port, server(b"HTTP/1.1 503 Service Unavailable\r\n\r\n") as proxy:
        named = f"http://127.0.0.1:{proxy}"
        url = f"http://localhost:{port}/"
        verdict = examine(None, url, env={"http_proxy": named})
        assert (verdict.status, verdict.codes) == (2, ["proxy-in-the-way"])
        assert "503" in verdict.said("proxy-in-the-way")
        around = {"HTTP_PROXY": named, "NO_PROXY": "localhost,127.0.0.1,::1,.localhost"}
        assert examine(None, url, env=around).codes == []
        assert examine(None, env=around).codes == []
        overview = examine(None, env={"HTTP_PROXY": named})
        assert (overview.status, overview.codes) == (1, ["proxy-for-loopback"])


def test_a_proxy_that_is_gone() -> None:
    with server() as port:
        verdict = examine(None, f"http://localhost:{port}/", env={"ALL_PROXY": "http://127.0.0.1:1"})
        assert verdict.codes == ["proxy-in-the-way"]


def test_a_port_that_browsers_refuse_is_told_for_urls() -> None:
    verdict = examine(None, "http://127.0.0.1:6000/")
    assert "unsafe-port" in verdict.codes


def test_a_unix_socket(tmp_path: Path) -> None:
    verdict = examine(None, f"unix:{tmp_path}/none.sock")
    assert (verdict.status, verdict.codes) == (2, ["nobody-listens"])
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{tmp_path}/some.sock")
        listener.listen()
        assert examine(None, f"unix:{tmp_path}/some.sock").status == 0


def test_a_healthy_machine_is_one_line() -> None:
    verdict = examine(None)
    assert (verdict.status, verdict.findings) == (0, [])
