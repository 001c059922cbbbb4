"""What a path asks for, and the request as JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.play.http_answers import Request, answer


def request(target: str = "/", method: str = "GET", **more: Any) -> Request:
    return Request(method=method, target=target, version="1.1", **{"headers": [("Host", "x")], **more})


def test_the_echo() -> None:
    told = json.loads(
        answer(
            request(
                "/a/b?x=1&x=2&y=%C3%A9&z",
                "POST",
                headers=[("Content-Type", "application/json"), ("X-A", "1"), ("X-A", "2")],
                body=b'{"n": 1}',
                body_bytes=8,
                client="127.0.0.1:5",
            )
        ).body
    )
    assert told["method"] == "POST"
    assert told["path"] == "/a/b"
    assert told["query"] == {"x": ["1", "2"], "y": "é", "z": ""}
    assert told["headers"] == {"Content-Type": "application/json", "X-A": ["1", "2"]}
    assert told["json"] == {"n": 1}
    assert told["body"] == '{"n": 1}'


def test_a_body_that_is_no_text_and_one_that_was_cut() -> None:
    told = json.loads(answer(request(body=b"\xff\x00", body_bytes=9)).body)
    assert told["body"] is None
    assert told["body_base64"] == "/wA="
    assert told["is_cut"]


@pytest.mark.parametrize("code", [200, 204, 302, 304, 401, 404, 418, 500, 599])
def test_status(code: int) -> None:
    found = answer(request(f"/status/{code}"))
    head = found.head(keep_alive=True, date="now")
    assert head.startswith(b"HTTP/1.1 %d " % code)
    assert (b"Content-Length" in head) == (code not in (204, 304))
    assert bool(found.body) == (code not in (204, 304))


@pytest.mark.parametrize("path", ["/status/99", "/status/600", "/status/x", "/bytes/-1", "/bytes/1.5", "/delay/nan"])
def test_numbers_that_make_no_sense(path: str) -> None:
    assert answer(request(path)).status == 400


def test_delay_bytes_and_stream_have_limits() -> None:
    assert answer(request("/delay/2.5")).delay_s == 2.5
    assert answer(request("/delay/1e9")).delay_s == 60
    assert answer(request("/bytes/1000")).size == 1000
    assert answer(request("/bytes/1e18")).size == 100_000_000
    assert len(answer(request("/stream/5")).lines) == 5
    assert len(answer(request("/stream/99999")).lines) == 1000


def test_a_page_may_ask_first() -> None:
    asked = answer(request(method="OPTIONS", headers=[("Access-Control-Request-Method", "PUT")]))
    assert asked.status == 204
    assert answer(request(method="OPTIONS")).status == 200


@given(st.text(max_size=60), st.binary(max_size=60))
def test_any_request_has_an_answer(target: str, body: bytes) -> None:
    found = answer(request(target, headers=[("content-type", "json")], body=body, body_bytes=len(body)))
    assert found.status in (200, 204, 400) or target.lstrip().startswith("/")
    found.head(keep_alive=False, date="now")
