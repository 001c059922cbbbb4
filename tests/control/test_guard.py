"""Who gets past the guard: by host, by page, by secret. Requests are written by hand, so that nothing is tidied up."""

from __future__ import annotations

import asyncio
import json

import pytest

from homeport.control.guard import HEADERS
from homeport.control.server import listen_loopback
from tests.control.conftest import TOKEN, Served

BEARER = f"Authorization: Bearer {TOKEN}"
DASHBOARD = "Host: homeport.localhost:62893"


class Reply:
    def __init__(self, raw: bytes) -> None:
        head, _, self.body = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        self.status = int(first.split()[1])
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}

    @property
    def code(self) -> str:
        return str(json.loads(self.body)["error"]["code"])


async def ask(where: Served | int, line: str, *headers: str, body: bytes = b"") -> Reply:
    opening = (
        asyncio.open_connection("127.0.0.1", where)
        if isinstance(where, int)
        else asyncio.open_unix_connection(where.socket)
    )
    reader, writer = await opening
    lines = [f"{line} HTTP/1.1", *headers, "Connection: close", f"Content-Length: {len(body)}", "", ""]
    writer.write("\r\n".join(lines).encode("latin-1") + body)
    raw = await reader.read()
    writer.close()
    await writer.wait_closed()
    return Reply(raw)


async def session(served: Served) -> str:
    body = json.dumps({"key": served.auth.one_time()}).encode()
    reply = await ask(served, "POST /api/enter", DASHBOARD, "Content-Type: application/json", body=body)
    assert reply.status == 204
    return reply.headers["set-cookie"]


@pytest.mark.parametrize("host", ["homeport", "homeport.localhost", "HomePort.Localhost:62893"])
async def test_the_token_opens_the_api(served: Served, host: str) -> None:
    assert (await ask(served, "GET /api/status", f"Host: {host}", BEARER)).status == 200


async def test_http_1_0_without_a_host_is_the_command_line(served: Served) -> None:
    reader, writer = await asyncio.open_unix_connection(served.socket)
    writer.write(f"GET /api/status HTTP/1.0\r\n{BEARER}\r\n\r\n".encode())
    assert Reply(await reader.read()).status == 200
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:62893", "localhost", "evil.test", "homeport.localhost.evil.test", "api.localhost", "a, b", "[::1]"],
)
async def test_other_hosts_get_nothing_not_even_with_the_token(served: Served, host: str) -> None:
    for line in ("GET /api/status", "GET /", "POST /api/enter"):
        reply = await ask(served, line, f"Host: {host}", BEARER)
        assert (reply.status, reply.code) == (403, "forbidden")
    assert served.house.touched == 0


@pytest.mark.parametrize(
    "header",
    [
        "Authorization: Bearer wrong",
        f"Authorization: Basic {TOKEN}",
        f"Authorization: {TOKEN}",
        f"Cookie: homeport={TOKEN}",
        "Cookie: homeport=",
        "X-Nothing: 1",
    ],
)
async def test_nothing_else_opens_the_api(served: Served, header: str) -> None:
    reply = await ask(served, "GET /api/status", DASHBOARD, header)
    assert (reply.status, reply.code) == (401, "unauthorised")
    assert reply.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/api/status", "/api/", "/api", "/%61pi/status", "/api/nothing", "/api//status"])
async def test_every_path_of_the_api_is_guarded(served: Served, path: str) -> None:
    assert (await ask(served, f"GET {path}", DASHBOARD)).status == 401


async def test_wrong_tokens_wait_and_missing_ones_do_not(served: Served) -> None:
    await ask(served, "GET /api/status", DASHBOARD)
    assert served.sleeper.slept == []
    await ask(served, "GET /api/status", DASHBOARD, "Authorization: Bearer wrong")
    await ask(served, "GET /api/status", DASHBOARD, "Cookie: homeport=wrong")
    await ask(served, "POST /api/enter", DASHBOARD, "Content-Type: application/json", body=b'{"key": "wrong"}')
    assert served.sleeper.slept == [0.1, 0.2, 0.4]


async def test_where_other_users_could_send_the_cookie_there_is_none(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their server at another port of the name is sent it by every browser."""
    cookie = (await session(served)).partition(";")[0]
    assert (await ask(served, "GET /api/status", DASHBOARD, f"Cookie: {cookie}")).status == 200
    monkeypatch.setattr("homeport.control.guard.tells_accounts", lambda: False)
    assert (await ask(served, "GET /api/status", DASHBOARD, f"Cookie: {cookie}")).status == 401
    body = json.dumps({"key": served.auth.one_time()}).encode()
    reply = await ask(served, "POST /api/enter", DASHBOARD, "Content-Type: application/json", body=body)
    assert "set-cookie" not in reply.headers
    bearer = f"Authorization: Bearer {json.loads(reply.body)['token']}"
    assert (await ask(served, "GET /api/status", DASHBOARD, bearer)).status == 200


async def test_a_key_becomes_a_cookie_on_the_dashboards_host_only(served: Served) -> None:
    cookie = await session(served)
    pair, *attributes = cookie.split("; ")
    assert {one.lower() for one in attributes} == {"httponly", "samesite=strict", "path=/"}
    assert (await ask(served, "GET /api/status", DASHBOARD, f"Cookie: a=b; {pair}")).status == 200
    assert (await ask(served, "GET /api/status", "Host: homeport", f"Cookie: {pair}")).status == 401
    body = json.dumps({"key": served.auth.one_time()}).encode()
    reply = await ask(served, "POST /api/enter", "Host: homeport", "Content-Type: application/json", body=body)
    token = json.loads(reply.body)["token"]
    assert "set-cookie" not in reply.headers
    assert token != TOKEN
    assert (await ask(served, "GET /api/status", DASHBOARD, f"Authorization: Bearer {token}")).status == 200


async def test_a_used_key_opens_nothing(served: Served) -> None:
    body = json.dumps({"key": served.auth.one_time()}).encode()
    for status in (204, 401):
        reply = await ask(served, "POST /api/enter", DASHBOARD, "Content-Type: application/json", body=body)
        assert reply.status == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (["Origin: http://homeport.localhost:62893"], 200),
        (["Origin: http://homeport.localhost:62893", "Sec-Fetch-Site: same-origin"], 200),
        (["Origin: null", "Sec-Fetch-Site: same-origin"], 200),
        (["Origin: https://homeport.localhost:62893", "X-Forwarded-Proto: https"], 200),
        (["Origin: http://homeport.localhost:62893", "X-Forwarded-Proto: https"], 403),
        (["Sec-Fetch-Site: none"], 200),
        (["Origin: http://api.localhost:62893"], 403),
        (["Origin: http://homeport.localhost:4000"], 403),
        (["Origin: https://homeport.localhost:62893"], 403),
        (["Origin: null"], 403),
        (["Origin: http://homeport.localhost:62893", "Origin: http://evil.test"], 403),
        (["Sec-Fetch-Site: same-site"], 403),
        (["Sec-Fetch-Site: cross-site"], 403),
    ],
)
async def test_other_pages_may_not_act(served: Served, headers: list[str], status: int) -> None:
    cookie = (await session(served)).partition(";")[0]
    reply = await ask(served, "POST /api/engine/link", DASHBOARD, f"Cookie: {cookie}", *headers)
    assert reply.status == status


async def test_another_sites_page_may_not_even_read(served: Served) -> None:
    reply = await ask(served, "GET /api/status", DASHBOARD, BEARER, "Sec-Fetch-Site: cross-site")
    assert reply.status == 403


async def test_a_form_cannot_post(served: Served) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        reply = await ask(served, "POST /api/routes", DASHBOARD, BEARER, f"Content-Type: {kind}", body=b"{}")
        assert (reply.status, reply.code) == (400, "bad-usage")


async def test_every_answer_carries_the_security_headers(served: Served) -> None:
    served.house.recording.bodies[1, "response"] = (b"<script>alert(1)</script>", "text/html")
    for line, headers in (
        ("GET /api/status", [DASHBOARD, BEARER]),
        ("GET /api/status", [DASHBOARD]),
        ("GET /", [DASHBOARD]),
        ("GET /nothing.html", [DASHBOARD]),
        ("GET /api/status", ["Host: evil.test"]),
        ("POST /", [DASHBOARD]),
        ("GET /api/requests/1/body/response", [DASHBOARD, BEARER]),
    ):
        reply = await ask(served, line, *headers)
        for name, value in HEADERS:
            own = name == b"content-security-policy" and "body" in line
            expected = "sandbox; default-src 'none'" if own else value.decode()
            assert reply.headers[name.decode()] == expected
        assert not {"server", "x-powered-by", "access-control-allow-origin"} & reply.headers.keys()


async def test_a_recorded_page_is_saved_and_never_run(served: Served) -> None:
    served.house.recording.bodies[1, "response"] = (b"<script>alert(1)</script>", "text/html; charset=utf-8\r\nX-A: b")
    reply = await ask(served, "GET /api/requests/1/body/response", DASHBOARD, BEARER)
    assert reply.headers["content-type"] == "application/octet-stream"
    assert reply.headers["content-disposition"] == 'attachment; filename="1-response"'
    assert reply.headers["x-homeport-type"] == "text/html; charset=utf-8??X-A: b"
    assert reply.body == b"<script>alert(1)</script>"


async def test_a_port_of_its_own_answers_to_its_address_alone_and_takes_no_cookie(served: Served) -> None:
    listener = listen_loopback()
    port = listener.getsockname()[1]
    await served.server.serve(listener)
    cookie = (await session(served)).partition(";")[0]
    assert (await ask(port, "GET /api/status", f"Host: 127.0.0.1:{port}", BEARER)).status == 200
    assert (await ask(port, "GET /api/status", f"Host: localhost:{port}", BEARER)).status == 200
    assert (await ask(port, "GET /api/status", f"Host: 127.0.0.1:{port}", f"Cookie: {cookie}")).status == 401
    for host in (f"homeport.localhost:{port}", "127.0.0.1", "127.0.0.1:1", f"evil.test:{port}", "homeport"):
        assert (await ask(port, "GET /api/status", f"Host: {host}", BEARER)).status == 403


async def test_unknown_paths_and_methods(served: Served) -> None:
    assert (await ask(served, "GET /api/nothing", DASHBOARD, BEARER)).code == "not-found"
    reply = await ask(served, "PUT /api/status", DASHBOARD, BEARER)
    assert (reply.status, reply.code) == (405, "bad-usage")
    assert (await ask(served, "GET /api/requests?limit=-1", DASHBOARD, BEARER)).code == "bad-usage"
    assert (await ask(served, "GET /api/requests/abc", DASHBOARD, BEARER)).code == "bad-usage"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"specs": [{}]}', b'{"specs": [{"name": 3}]}', b"\xff", b"[" * 9999]
)
async def test_bodies_that_do_not_fit(served: Served, body: bytes) -> None:
    reply = await ask(served, "POST /api/apps", DASHBOARD, BEARER, "Content-Type: application/json", body=body)
    assert (reply.status, reply.code) == (400, "bad-usage")


async def test_a_mistake_of_ours_says_so_without_a_traceback(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(served.house.recording, "state", lambda: 1 / 0)
    reply = await ask(served, "GET /api/status", DASHBOARD, BEARER)
    assert (reply.status, reply.code) == (500, "internal")
    assert b"Traceback" not in reply.body
    assert "ZeroDivisionError" in caplog.text
