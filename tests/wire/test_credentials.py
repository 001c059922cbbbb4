"""Secrets are found where they stand, and taken out without touching anything else."""

from __future__ import annotations

import base64

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from homeport.wire.credentials import HIDDEN, all_hidden, authorization_lines, hidden, shown, without_cookie
from homeport.wire.http1 import BadMessage, parse_request_head, without_dropped

START = b"GET / HTTP/1.1\r\nHost: x\r\n"
LOGIN = base64.b64encode("ann:pässword:1".encode())
OURS = (b"homeport", b"homeport-8443", b"homeport-62893")
COOKIE_NAME = st.sampled_from([*OURS, b"a", b"xhomeport", b"homeportx", b"Homeport", b"homeport-", b"homeport-x"])
COOKIE_VALUE = st.text("abc=-_", max_size=6).map(str.encode)


def head(*lines: bytes) -> bytes:
    return START + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


@pytest.mark.parametrize(
    "line", [b"Authorization: Bearer hp_x", b"AUTHORIZATION:bearer \t hp_x ", b"authorization:  BEARER hp_x"]
)
def test_a_token_of_ours(line: bytes) -> None:
    assert shown(head(line)).token == "hp_x"
    assert authorization_lines(head(line), basic=False) == (line,)


@pytest.mark.parametrize(
    "value", [b"Bearer eyJ", b"Bearer", b"hp_x", b"Token hp_x", b"Bearer x hp_x", b"Digest a=b", b""]
)
def test_what_belongs_to_the_app_is_left_to_it(value: bytes) -> None:
    raw = head(b"Authorization: " + value)
    assert shown(raw).token == ""
    assert authorization_lines(raw, basic=True) == ()
    assert hidden(raw, basic=True) == raw


def test_logins() -> None:
    raw = head(b"Authorization: basic  " + LOGIN)
    seen = shown(raw)
    assert (seen.has_login, seen.user, seen.password) == (True, "ann", "pässword:1")
    assert authorization_lines(raw, basic=False) == ()
    assert hidden(raw, basic=False) == raw
    assert hidden(raw, basic=True) == head(b"Authorization: basic " + HIDDEN)
    for broken in (b"%%%", b"YQ", base64.b64encode(b"\xff:\xff")):
        assert shown(head(b"Authorization: Basic " + broken)).user == ""
        assert shown(head(b"Authorization: Basic " + broken)).has_login


def test_two_of_a_kind_are_none() -> None:
    assert shown(head(b"Authorization: Bearer hp_x", b"Authorization: Bearer hp_x")).token == ""
    assert shown(head(b"Cookie: homeport=a", b"Cookie: homeport=b")).session == ""
    assert shown(head(b"Cookie: homeport=a; homeport=a")).session == ""


def test_all_is_hidden_of_what_does_not_pass() -> None:
    raw = head(
        b"Authorization: Token hp_x", b"Authorization: secret", b"Cookie: a=1; homeport=s3cret; b=2;homeport-1=s"
    )
    kept = all_hidden(raw)
    assert kept == head(
        b"Authorization: Token " + HIDDEN,
        b"Authorization: " + HIDDEN,
        b"Cookie: a=1; homeport=" + HIDDEN + b"; b=2;homeport-1=" + HIDDEN,
    )


def test_a_body_or_a_value_that_looks_like_a_field_is_none() -> None:
    raw = head(b"X: Authorization: Bearer hp_x", b"X-Cookie: homeport=a", b"Y: a Cookie: homeport=b")
    assert shown(raw) == shown(START + b"\r\n")
    assert without_cookie(raw) == raw == all_hidden(raw)


@given(st.lists(st.tuples(COOKIE_NAME, COOKIE_VALUE), max_size=5), st.sampled_from([b"; ", b";", b" ; "]))
@example([(b"homeport", b"h")], b"; ")
@example([(b"homeport", b"a"), (b"homeport", b"b"), (b"a", b"c")], b";")
def test_our_cookie_goes_and_all_others_stay(pairs: list[tuple[bytes, bytes]], glue: bytes) -> None:
    raw = head(b"cookie: " + glue.join(name + b"=" + value for name, value in pairs), b"X: y")
    cleaned = without_cookie(raw)
    parse_request_head(cleaned)
    assert shown(cleaned).session == ""
    left = [line.partition(b":")[2] for line in cleaned.split(b"\r\n") if line.lower().startswith(b"cookie:")]
    kept = [part.strip() for line in left for part in line.split(b";") if part.strip()]
    assert kept == [name + b"=" + value for name, value in pairs if name not in OURS]
    assert b"X: y\r\n\r\n" in cleaned
    for name in OURS:
        ours = [value for found, value in pairs if found == name]
        assert shown(raw, name.decode()).session == (ours[0].decode() if len(ours) == 1 else "")


@given(st.binary(max_size=200))
@example(b"Authorization: Basic")
@example(b"Cookie:")
@example(b"Cookie: homeport")
def test_garbage_raises_nothing_and_leaves_no_secret(data: bytes) -> None:
    raw = START + data + b"\r\n\r\n"
    shown(raw)
    kept = shown(all_hidden(raw))
    assert (kept.token, kept.user, kept.password) == ("", "", "")
    try:
        parsed = parse_request_head(raw)
    except BadMessage:
        return
    parsed.dropped += authorization_lines(raw, basic=True)
    parsed.raw = without_cookie(raw)
    left = shown(without_dropped(parsed))
    assert (left.token, left.has_login, left.session) == ("", False, "")
