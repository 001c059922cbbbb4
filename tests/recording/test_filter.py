"""The filter language, asked of a real store: what matches, what the mistakes say, and that nothing else is raised."""

from __future__ import annotations

import contextlib
import gzip
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from homeport.model.conditions_felt import ConditionsFelt
from homeport.model.errors import HomeportError
from homeport.recording.filter import ABOUT, KEYS, parse_filter
from homeport.recording.search import Scan
from homeport.recording.store import Store
from tests.recording.stage import exchange, keeper, kept, request

POST = request("POST /orders HTTP/1.1", "host: shop.localhost", "X-Trace: abc%def", "Content-Type: text/plain")
NOT_FOUND = request("HTTP/1.1 404 Not Found", "content-type: text/html")
GZIPPED = request("HTTP/1.1 500 Oops", "Content-Encoding: gzip", "Content-Type: text/plain; charset=utf-8")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    made = keeper(tmp_path_factory.mktemp("filter") / "store.db")
    now_s = time.perf_counter()
    kept(
        made,
        exchange(1),
        exchange(
            2,
            route="web.shop",
            request_head=POST,
            response_head=NOT_FOUND,
            request_body=[b"Blue Shoes"],
            conditions=ConditionsFelt(number=1, text="3g latency=200ms loss=1%"),
        ),
        exchange(3, response_head=GZIPPED, body=gzip.compress("größe = 42".encode()), opened_s=now_s - 400),
        exchange(
            4, kind="tcp", route="db", request_head=b"", response_head=b"", client="", body=b"", response_bytes=2**21
        ),
        exchange(5, kind="upgrade", ending="open", closed_s=0.0, opened_s=now_s - 100, request_head=b"nonsense"),
    )
    assert made.store is not None
    yield made.store
    made.close()


def found(store: Store, text: str) -> list[int]:
    scan = Scan(store, text, 50)
    while not scan.step():
        pass
    return [summary.id for summary in scan.found]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", [5, 4, 3, 2, 1]),
        ("   ", [5, 4, 3, 2, 1]),
        ("method:post", [2]),
        ("-method:GET", [5, 4, 2]),
        ("status:404", [2]),
        ("status:4xx", [2]),
        ("status:>=400", [3, 2]),
        ("status:<100", [4]),
        ("-status:2xx -status:0", [3, 2]),
        ("route:api", [5, 3, 1]),
        ("route:*.shop", [2]),
        ("route:shop", []),
        ("host:shop", [2]),
        ("path:/users", [3, 1]),
        ('path:"users?page=2"', [3, 1]),
        ("path:/u*page", [3, 1]),
        ("path:nonsense", [5]),
        ("type:html", [2]),
        ("client:50123", [5, 3, 2, 1]),
        ("ending:open", [5]),
        ("conditions:3g", [2]),
        ("conditions:loss", [2]),
        ("conditions:any", [2]),
        ("-conditions:* -ending:open", [4, 3, 1]),
        ("kind:upgrade kind:tcp", []),
        ("kind:tcp", [4]),
        ("since:5m", [5, 4, 2, 1]),
        ("since:1h", [5, 4, 3, 2, 1]),
        ("duration:>1s", [5, 3]),
        ("duration:<1000", [4, 2, 1]),
        ("size:>1mb", [4]),
        ("size:1mb", [4]),
        ("id:>3", [5, 4]),
        ("id:3", [3]),
        ("orders", [2]),
        ("404", [2]),
        ("SHOP.localhost", [2]),
        ('"users?page"', [3, 1]),
        ('"path:/users"', []),
        ("body:shoes", [2]),
        ("body:GRÖSSE", []),
        ("body:größe", [3]),
        ("-body:name -kind:tcp", [3]),
        ("body:shoes status:200", []),
        ("header:x-trace", [2]),
        ("header:c%d", [2]),
        ("header:c_d", []),
        ("-header:host", [5, 4]),
        ("body:42 header:gzip", [3]),
    ],
)
def test_what_a_filter_finds(store: Store, text: str, numbers: list[int]) -> None:
    assert found(store, text) == numbers


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("statsu:500", "there is no key 'statsu'", "status:500"),
        ("zzz:1", "there is no key 'zzz'", "the keys are"),
        ("localhost:3000", "there is no key 'localhost'", "looks for the text"),
        ("status:", "needs a value", "status:404"),
        ("status:teapot", "cannot be 'teapot'", "status:404"),
        ("status:6xx", "cannot be '6xx'", "status"),
        ("since:yesterday", "cannot be", "since:"),
        ("duration:>1parsec", "cannot be", "duration:"),
        ('path:"/a b', "quotation mark", ""),
        ("- -", "not a filter", ""),
    ],
)
def test_a_mistake_is_named_with_what_was_meant(text: str, says: str, hint: str) -> None:
    with pytest.raises(HomeportError) as caught:
        parse_filter(text, 0.0)
    assert caught.value.code == "bad-usage"
    assert says in caught.value.message
    assert hint in caught.value.hint


def test_every_key_is_explained() -> None:
    assert KEYS.keys() == ABOUT.keys()


keys = st.sampled_from(sorted(KEYS))
values = st.one_of(st.text(max_size=8), st.sampled_from(["5xx", ">=400", "5m", ">1mb", '"a b"', "%", "_", "*", "\\"]))
terms = st.tuples(st.sampled_from(["", "-"]), keys, values).map(lambda term: f"{term[0]}{term[1]}:{term[2]}")


@given(st.one_of(st.text(max_size=20), st.lists(terms, max_size=4).map(" ".join)))
@example("-")
@example("status:>=")
@example("id:" + "9" * 40)
@example("since:" + "9" * 400 + "d")
@example("\x00 path:\x00")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_a_filter_or_bad_usage(store: Store, text: str) -> None:
    with contextlib.suppress(HomeportError):
        found(store, text)
