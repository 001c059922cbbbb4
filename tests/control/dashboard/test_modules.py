"""The pure modules, called inside Chromium: stream grammar, terminal colours, JSON layout, words and numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from homeport.model.exchange import ENDINGS
from homeport.recording.filter import KEYS, parse_filter
from tests.control.dashboard.fake_api import FILES, serving
from tests.control.dashboard.scene import empty_scene

pytestmark = pytest.mark.counterpart("chromium")

STREAM = 'event: app\ndata: {"a":1}\n\n: still here\n\ndata: one\r\ndata: two\r\n\r\nevent: log\n\ndata:x\n\ndata: cut'


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """One page for all: the modules keep nothing."""
    with serving(empty_scene()) as api:
        context = browser.new_context(timezone_id="UTC")
        page = context.new_page()
        page.goto(api.url(key=""))
        yield page
        context.close()


def call(page: Page, module: str, body: str, *given: Any) -> Any:
    """Run `body` with the module as `m` and the values as `given`."""
    return page.evaluate(
        f"async (given) => {{ const m = await import('/{module}'); return (() => {{ {body} }})(); }}", list(given)
    )


def test_events_are_the_same_whole_and_byte_by_byte(page: Page) -> None:
    whole = call(page, "data/sse.js", "return new m.EventParser().feed(given[0])", STREAM)
    by_letter = call(
        page, "data/sse.js", "const p = new m.EventParser(); return [...given[0]].flatMap((one) => p.feed(one))", STREAM
    )
    assert whole == by_letter
    assert whole == [
        {"type": "app", "data": '{"a":1}'},
        {"type": "message", "data": "one\ntwo"},
        {"type": "message", "data": "x"},
    ]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("\x1b[31mred\x1b[0m and plain", "red and plain"),
        ("\x1b[2J\x1b[H\x1b[?25lcleared", "cleared"),
        ("\x1b]0;title\x07window \x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "window link"),
        ("bell\x07 back\x08 null\x00 tab\t end", "bell back null tab\t end"),
        ("broken \x1b[38;5", "broken 38;5"),
        ("\x1b[38;2;1;2mstill\x1b[999;;mhere\x1b", "stillhere"),
    ],
)
def test_escape_sequences_leave_nothing_but_text(page: Page, text: str, plain: str) -> None:
    assert call(page, "text/ansi.js", "return m.plain(given[0])", text) == plain
    runs = call(page, "text/ansi.js", "return m.parse(given[0]).runs.map((run) => run.text).join('')", text)
    assert runs == plain


def test_colours_of_every_notation(page: Page) -> None:
    text = "\x1b[1;31mA\x1b[38;5;203;44mB\x1b[38;2;1;2;3mC\x1b[22;39;49mD\x1b[97mE\x1b[mF"
    got = call(
        page,
        "text/ansi.js",
        "return m.parse(given[0]).runs.map(({ text, style }) => [text, style.fg, style.bg, style.bold])",
        text,
    )
    assert got == [
        ["A", 1, None, True],
        ["B", "#ff5f5f", 4, True],
        ["C", "#010203", 4, True],
        ["D", None, None, False],
        ["E", 15, None, False],
        ["F", None, None, False],
    ]


@pytest.mark.parametrize(
    "text",
    [
        '{"a":[1,2,{"b":null}],"c":{},"d":[],"e":"x\\"y"}',
        "[]",
        '"only text"',
        '{"big":12345678901234567890,"exp":-1.50E+10,"twice":1,"twice":2}',
        " [ true , false ] ",
    ],
)
def test_json_laid_out_is_the_same_json(page: Page, text: str) -> None:
    out = call(page, "text/json.js", "return m.layOut(given[0]).map((token) => token.text).join('')", text)
    assert "".join(out.split()) == "".join(text.split())
    assert json.loads(out) == json.loads(text)


def test_json_that_is_none_or_cut_off(page: Page) -> None:
    assert call(page, "text/json.js", "return m.layOut(given[0])", "{oops") is None
    cut = call(page, "text/json.js", "return m.layOut(given[0], true).map((t) => t.text).join('')", '{"a":[1,{"b":"he')
    assert cut == '{\n  "a": [\n    1,\n    {\n      "b": "he'


@pytest.mark.parametrize(
    ("ms", "words"),
    [
        (0, "0.0 ms"),
        (9.94, "9.9 ms"),
        (9.96, "10 ms"),
        (999.4, "999 ms"),
        (999.6, "1.00 s"),
        (9_996, "10.0 s"),
        (59_940, "59.9 s"),
        (59_960, "1 min 0 s"),
        (3_599_600, "1 h 0 min"),
        (None, ""),
    ],
)
def test_durations_never_jump_back(page: Page, ms: float | None, words: str) -> None:
    assert call(page, "text/format.js", "return m.duration(given[0])", ms) == words


@pytest.mark.parametrize(
    ("bytes_", "words"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (9_960, "10 kB"), (999_600, "1.0 MB")]
)
def test_sizes(page: Page, bytes_: int, words: str) -> None:
    assert call(page, "text/format.js", "return m.size(given[0])", bytes_) == words


@pytest.mark.parametrize(
    "name", ["Authorization", "cookie", "Set-Cookie", "X-Api-Key", "x-csrf-token", "Client_Secret"]
)
def test_secret_headers(page: Page, name: str) -> None:
    assert call(page, "text/http.js", "return m.isSecret(given[0])", name) is True


@pytest.mark.parametrize("name", ["Accept", "ETag", "Sec-WebSocket-Key", "X-Request-Id", "Tokenizer"])
def test_headers_that_are_none(page: Page, name: str) -> None:
    assert call(page, "text/http.js", "return m.isSecret(given[0])", name) is False


@pytest.mark.parametrize(
    ("text", "caret", "hints"),
    [("sta", 3, ["status:5xx"]), ("-met", 4, ["-method:POST"]), ("a route:w", 9, ["route:web"]), ("zzz", 3, [])],
)
def test_suggestions(page: Page, text: str, caret: int, hints: list[str]) -> None:
    names = {"route": ["web", "api"], "host": []}
    body = "return m.suggest(given[0], given[1], given[2]).hints.map((hint) => hint.term)"
    assert call(page, "text/language.js", body, text, caret, names) == hints


def test_every_key_of_the_filter_language_is_explained(page: Page) -> None:
    terms = call(page, "text/language.js", "return m.TERMS.map(({ term }) => term)")
    assert {term.partition(":")[0] for term in terms} == set(KEYS)
    examples = call(page, "text/language.js", "return m.EXAMPLES.map(({ term }) => term)")
    for example in [*examples, *(term for term in terms if not term.endswith(":"))]:
        parse_filter(example, 0.0)


def test_every_ending_has_a_word(page: Page) -> None:
    words = call(page, "text/http.js", "return given[0].map((ending) => m.endingWord(ending))", list(ENDINGS))
    assert len(set(words)) == len(ENDINGS)
    assert not any("-" in word for word in words)


def test_every_module_is_fetched_at_once_instead_of_one_after_the_other() -> None:
    index = (FILES / "index.html").read_text(encoding="utf-8")
    preloaded = set(re.findall(r'rel="modulepreload" href="([^"]+)"', index))
    modules = {file.relative_to(FILES).as_posix() for file in FILES.glob("*/*.js")}
    assert preloaded == modules - {"data/types.js"}  # types only, nothing imports it


def test_no_module_makes_markup_or_inline_styles_from_data() -> None:
    for file in [*FILES.rglob("*.js"), FILES / "index.html"]:
        text = file.read_text(encoding="utf-8")
        for word in (
            ".innerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "EventSource(",
            " style=",
        ):
            assert word not in text, f"{file.name}: {word}"
        assert "https://" not in text, f"{file.name} names an address on the internet"
