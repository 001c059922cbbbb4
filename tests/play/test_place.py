"""Where `connect` goes, as people type it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.model.endpoint import Endpoint
from homeport.model.errors import HomeportError
from homeport.play.place import Place, parse_place

HERE = Endpoint("127.0.0.1", 3000)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("3000", Place(endpoint=HERE)),
        (":3000", Place(endpoint=HERE)),
        (" [::1]:3000 ", Place(endpoint=Endpoint("::1", 3000))),
        ("api.localhost:3000", Place(endpoint=Endpoint("api.localhost", 3000))),
        ("unix:/run/app.sock", Place(endpoint=Endpoint(path="/run/app.sock"))),
        ("./app.sock", Place(endpoint=Endpoint(path="./app.sock"))),
        ("tcp://127.0.0.1:3000", Place(endpoint=HERE)),
        ("tls://127.0.0.1:3000/", Place(endpoint=HERE, is_tls=True, path="/")),
        ("udp://127.0.0.1:3000", Place(endpoint=HERE, protocol="udp")),
        ("http://127.0.0.1:3000/a?b#c", Place(endpoint=HERE, protocol="http", path="/a?b")),
        ("http://localhost", Place(endpoint=Endpoint("localhost", 80), protocol="http")),
        ("HTTPS://[::1]?q", Place(endpoint=Endpoint("::1", 443), protocol="http", is_tls=True, path="/?q")),
        ("ws://me:secret@127.0.0.1:3000/chat", Place(endpoint=HERE, protocol="ws", path="/chat")),
        ("wss://localhost", Place(endpoint=Endpoint("localhost", 443), protocol="ws", is_tls=True)),
    ],
)
def test_places(text: str, place: Place) -> None:
    assert parse_place(text) == place


def test_options_add_to_it() -> None:
    assert parse_place("3000", tls=True).name == "tls"
    assert parse_place("3000", udp=True).name == "udp"
    assert parse_place("3000", ws="chat", tls=True).uri == "wss://127.0.0.1:3000/chat"
    assert parse_place("/run/x.sock", ws="/").uri == "ws://localhost/"
    assert parse_place("https://localhost").authority == "localhost"


@pytest.mark.parametrize(
    "text", ["", "0", "70000", "ftp://x:1", "host", "tcp://127.0.0.1", "udp://x:1/path", "::1:3000"]
)
def test_what_is_no_place(text: str) -> None:
    with pytest.raises(HomeportError) as caught:
        parse_place(text)
    assert caught.value.code == "bad-usage"
    assert caught.value.hint


@pytest.mark.parametrize("more", [{"tls": True, "udp": True}, {"udp": True, "ws": "/"}])
def test_options_that_exclude_each_other(more: dict[str, object]) -> None:
    with pytest.raises(HomeportError):
        parse_place("3000", **more)  # type: ignore[arg-type]


@given(st.text(alphabet="ahtpsw:/[]@?#.0123456789\x00\n é", max_size=30))
def test_garbage_gives_only_our_error(text: str) -> None:
    try:
        place = parse_place(text)
    except HomeportError:
        return
    assert place.endpoint.is_unix or place.endpoint.port
    assert place.uri
