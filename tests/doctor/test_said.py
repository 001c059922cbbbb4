"""Pasted messages: what each is recognised as, and the place that it names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.doctor.said import SAYINGS, place_in, recognise
from homeport.doctor.target import parse_target
from homeport.model.errors import HomeportError

MESSAGES = [
    ("Error: listen EADDRINUSE: address already in use :::3000", "port-taken", "3000"),
    ("Error: listen EADDRINUSE: address already in use 127.0.0.1:3000", "port-taken", "127.0.0.1:3000"),
    ("OSError: [Errno 98] Address already in use", "port-taken", ""),
    ("[Errno 48] error while attempting to bind on address ('127.0.0.1', 8000): address already in use",
     "port-taken", "127.0.0.1:8000"),
    ("listen tcp 0.0.0.0:8080: bind: address already in use", "port-taken", "8080"),
    ("Bind for 0.0.0.0:5432 failed: port is already allocated", "port-taken", "5432"),
    ("Port 5173 is in use, trying another one...", "port-taken", "5173"),
    ("[WinError 10048] Only one usage of each socket address (protocol/network address/port) is normally permitted",
     "port-taken", ""),
    ("[WinError 10013] An attempt was made to access a socket in a way forbidden by its access permissions",
     "port-excluded", ""),
    ("PermissionError: [Errno 13] Permission denied: could not bind port 80", "port-privileged", "80"),
    ("Error: listen EACCES: permission denied 0.0.0.0:80", "port-privileged", "80"),
    ("nginx: [emerg] bind() to 0.0.0.0:80 failed (13: Permission denied)", "port-privileged", "80"),
    ("Error: connect ECONNREFUSED ::1:3000", "nobody-listens", "[::1]:3000"),
    ("connect ECONNREFUSED 127.0.0.1:5432", "nobody-listens", "127.0.0.1:5432"),
    ("curl: (7) Failed to connect to localhost port 3000 after 0 ms: Couldn't connect to server",
     "nobody-listens", "localhost:3000"),
    ("ConnectionRefusedError: [Errno 111] Connection refused", "nobody-listens", ""),
    ("No connection could be made because the target machine actively refused it. [::1]:5001",
     "nobody-listens", "[::1]:5001"),
    ("This site can't be reached. localhost refused to connect. ERR_CONNECTION_REFUSED", "nobody-listens", ""),
    ("[WinError 10061] No connection could be made", "nobody-listens", ""),
    ('dial tcp [::1]:6379: connect: connection refused', "nobody-listens", "[::1]:6379"),
    ("net::ERR_CERT_AUTHORITY_INVALID at https://localhost:8443/login", "tls-untrusted", "https://localhost:8443/login"),
    ("Your connection is not private NET::ERR_CERT_DATE_INVALID", "tls-expired", ""),
    ("ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed",
     "tls-untrusted", ""),
    ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:1006)",
     "tls-expired", ""),
    ("Error [ERR_TLS_CERT_ALTNAME_INVALID]: Hostname/IP does not match certificate's altnames: Host: api.localhost.",
     "tls-wrong-name", "http://api.localhost/"),
    ("routines:ssl3_get_record:wrong version number", "tls-not-spoken", ""),
    ("curl: (35) OpenSSL/3.0: error:0A00010B:SSL routines::wrong version number", "tls-not-spoken", ""),
    ("Invalid Host header", "host-check", ""),
    ('Blocked request. This host ("api.localhost") is not allowed.', "host-check", "http://api.localhost/"),
    ("django.core.exceptions.DisallowedHost: Invalid HTTP_HOST header: 'api.localhost:8000'.",
     "host-check", "api.localhost:8000"),
    ("Blocked hosts: api.localhost:3000", "host-check", "api.localhost:3000"),
    ("Error: EMFILE: too many open files, watch", "files-exhausted", ""),
    ("accept: too many open files", "files-exhausted", ""),
    ("getaddrinfo ENOTFOUND api.localhost", "name-not-found", "http://api.localhost/"),
    ("socket.gaierror: [Errno -2] Name or service not known", "name-not-found", ""),
    ("This webpage is not available ERR_UNSAFE_PORT http://localhost:6000/", "unsafe-port", "http://localhost:6000/"),
    ("connect EHOSTUNREACH 127.0.0.1:3000", "firewall-rejects", "127.0.0.1:3000"),
    ("connect ETIMEDOUT 127.0.0.1:3000", "firewall-drops", "127.0.0.1:3000"),
    ("Error: socket hang up", "upstream-closed", ""),
    ("curl: (52) Empty reply from server", "upstream-closed", ""),
    ("Permission was denied for this request to access the `loopback` address space.", "local-network-access", ""),
    ("OSError: [Errno 99] Cannot assign requested address", "ports-exhausted", ""),
    ("requests.exceptions.ProxyError: HTTPConnectionPool(host='localhost', port=3128)", "proxy-in-the-way", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "place"), MESSAGES, ids=[text[:40] for text, _, _ in MESSAGES])
def test_a_message_is_known(text: str, code: str, place: str) -> None:
    found = recognise(text)
    assert found
    assert found.code == code
    if place:
        assert place_in(text) == place
        parse_target(place)


def test_every_row_has_a_message() -> None:
    assert {code for _, code, _ in MESSAGES} | {"http-on-tls-port"} == {saying.code for saying in SAYINGS}


@given(st.text())
def test_whatever_is_pasted_the_place_can_be_examined(text: str) -> None:
    recognise(text)
    if place := place_in(text):
        try:
            parse_target(place)
        except HomeportError as error:
            assert error.code == "bad-usage"  # noqa: PT017 - only this one


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3000", ("", "localhost", 3000, "/", "")),
        (":3000", ("", "localhost", 3000, "/", "")),
        ("[::1]:3000", ("", "::1", 3000, "/", "")),
        ("API.localhost:3000/x?y=1", ("", "api.localhost", 3000, "/x?y=1", "")),
        ("http://api.localhost.:3000", ("http", "api.localhost", 3000, "/", "")),
        ("https://localhost", ("https", "localhost", 443, "/", "")),
        ("wss://localhost:9/ws", ("https", "localhost", 9, "/ws", "")),
        ("unix:/run/app.sock", ("", "", 0, "/", "/run/app.sock")),
        ("tcp:127.0.0.1:5432", ("", "127.0.0.1", 5432, "/", "")),
    ],
)
def test_targets(text: str, expected: tuple[str, str, int, str, str]) -> None:
    target = parse_target(text)
    assert (target.scheme, target.host, target.port, target.path, target.unix) == expected


@pytest.mark.parametrize(
    "text", ["", "0", "70000", "localhost:", "::1:3000", "ftp://x", "http://", "http://x:0", "http://x:y"]
)
def test_what_names_nothing_is_refused(text: str) -> None:
    with pytest.raises(HomeportError) as caught:
        parse_target(text)
    assert caught.value.code == "bad-usage"
