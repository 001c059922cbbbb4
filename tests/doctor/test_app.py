"""The sentences about apps: for each situation the whole finding, as a user reads it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.doctor.checks.app import duration, explain_app
from homeport.doctor.checks.last_words import last_words
from homeport.model.app import AppFacts, Ready
from tests.doctor.test_port_taken import STORY

NODE_CRASH = """\
node:internal/modules/cjs/loader:1143
  throw err;
  ^

Error: Cannot find module 'express'
Require stack:
- /home/ann/shop/server.js
    at Module._resolveFilename (node:internal/modules/cjs/loader:1140:15)
    at Module._load (node:internal/modules/cjs/loader:981:27)
  code: 'MODULE_NOT_FOUND',
  requireStack: [ '/home/ann/shop/server.js' ]
}

Node.js v18.19.0
""".splitlines()

PYTHON_CRASH = """\
Traceback (most recent call last):
  File "/home/ann/shop/app.py", line 1, in <module>
    import flask
ModuleNotFoundError: No module named 'flask'
""".splitlines()


def facts(**known: Any) -> AppFacts:
    known = {"name": "web", "route": "web", "state": "failed", "command": "npm run dev", **known}
    return AppFacts(given="127.0.0.1:21345", **known)


SITUATIONS = [
    (
        facts(exit_code=1, ran_s=0.31, last_log=NODE_CRASH),
        "app-exited",
        "web exited with code 1, 0.3 s after it was started.",
        "Its log says: Error: Cannot find module 'express'",
        "homeport logs web",
    ),
    (
        facts(exit_code=1, ran_s=75, last_log=PYTHON_CRASH),
        "app-exited",
        "web exited with code 1, 1 min 15 s after it was started.",
        "Its last line was: ModuleNotFoundError: No module named 'flask'",
        "homeport logs web",
    ),
    (
        facts(exit_code=137, ran_s=3600, state="backoff", again_in_s=4.0, last_log=[]),
        "app-exited",
        "web was ended by SIGKILL, 1 h after it was started.",
        "It wrote nothing to its log. Perhaps the system ran out of memory. It is started again in 4 s.",
        "homeport logs web",
    ),
    (
        facts(exit_code=0, ran_s=0.004, state="exited", last_log=["built"]),
        "app-exited",
        "web has ended by itself with code 0, 0.1 s after it was started.",
        "Its last line was: built",
        "homeport logs web",
    ),
    (
        facts(exit_code=127, ran_s=0.1, last_log=["sh: 1: vite: not found"], command="vite"),
        "command-not-found",
        "web could not be started: its shell did not find a command.",
        "Its last line was: sh: 1: vite: not found",
        "Install it, or correct the command: vite",
    ),
    (
        facts(exit_code=127, error="vite is not installed or not on PATH", command="vite"),
        "command-not-found",
        "web could not be started: vite is not installed or not on PATH.",
        "",
        "Install it, or correct the command: vite",
    ),
    (
        facts(error="port 3000 is taken", port_story=STORY),
        "port-taken",
        "web could not be started: port 3000 is taken by node (pid 4121), started from /home/ann/shop.",
        "It listens on 127.0.0.1:3000.",
        "homeport free 3000",
    ),
    (
        facts(waited_s=60.0, last_log=["compiling"]),
        "app-not-listening",
        "web runs, but has not listened on any port within 1 min.",
        "It was told to listen on 127.0.0.1:21345. Its last line was: compiling",
        "homeport logs web",
    ),
    (
        facts(waited_s=60.0, ready=Ready(path="/health"), ready_seen="status 500", listens=["127.0.0.1:21345"]),
        "app-not-ready",
        "web was not ready within 1 min.",
        "GET /health got: status 500.",
        "homeport logs web",
    ),
    (
        facts(waited_s=5.0, ready=Ready(log="listening on"), last_log=["Listening On 3000"]),
        "app-not-ready",
        "web was not ready within 5 s.",
        "No line of its log matched 'listening on'. Its last line was: Listening On 3000",
        "homeport logs web",
    ),
    (
        facts(waited_s=5.0, ready=Ready(command="pg_isready"), ready_seen="exit code 2"),
        "app-not-ready",
        "web was not ready within 5 s.",
        "`pg_isready` ended with: exit code 2.",
        "homeport logs web",
    ),
    (
        facts(state="waiting", needs="db", needs_state="failed"),
        "app-waiting",
        "web waits for db, which failed.",
        "It starts as soon as that one is ready.",
        "homeport logs db",
    ),
    (
        facts(state="ready", error="Connection refused", listens=["192.0.2.7:3000"]),
        "app-listens-elsewhere",
        "web refused the connection: it listens on 192.0.2.7:3000.",
        "It was told to listen on 127.0.0.1:21345.",
        "homeport logs web",
    ),
    (
        facts(state="starting", error="Connection refused"),
        "app-refused",
        "web runs, but refused the connection.",
        "Nothing of it listens now.",
        "homeport logs web",
    ),
    (
        facts(state="ready", error="connection closed", last_log=["GET /"]),
        "app-hung-up",
        "web closed the connection before it answered.",
        "Its last line was: GET /",
        "homeport logs web",
    ),
    (
        facts(state="ready", error="it speaks HTTP/1.1 instead of HTTP/2"),
        "app-no-h2",
        "web does not speak HTTP/2.",
        "Its settings say h2 = true, but it speaks HTTP/1.1 instead of HTTP/2.",
        "leave h2 out of its settings",
    ),
    (
        facts(state="ready", error="Connection timed out", listens=["127.0.0.1:21345"]),
        "app-not-answering",
        "web did not take the connection: Connection timed out.",
        "It listens on 127.0.0.1:21345.",
        "homeport doctor web",
    ),
    (
        facts(state="stopped"),
        "app-stopped",
        "web is stopped.",
        "",
        "homeport restart web",
    ),
    (
        facts(state="idle"),
        "app-not-started",
        "web has not been started yet.",
        "It starts with the first request.",
        "homeport restart web",
    ),
    (
        facts(state="starting"),
        "app-not-listening",
        "web runs, but has not listened on any port yet.",
        "It was told to listen on 127.0.0.1:21345.",
        "homeport logs web",
    ),
]


@pytest.mark.parametrize(("known", "code", "what", "why", "advice"), SITUATIONS)
def test_the_sentences(known: AppFacts, code: str, what: str, why: str, advice: str) -> None:
    finding = explain_app(known)
    assert (finding.code, finding.what, finding.why, finding.next) == (code, what, why, advice)


STATES = ["idle", "waiting", "starting", "ready", "backoff", "stopping", "stopped", "exited", "failed"]


@given(
    st.builds(
        AppFacts,
        name=st.just("web"),
        route=st.just("web"),
        state=st.sampled_from(STATES),
        exit_code=st.none() | st.integers(0, 300),
        ran_s=st.none() | st.floats(0, 1e6),
        again_in_s=st.none() | st.floats(0, 60),
        waited_s=st.none() | st.floats(0, 1e4),
        listens=st.lists(st.just("127.0.0.1:1")),
        last_log=st.lists(st.text()),
        error=st.sampled_from(["", "Connection refused", "connection closed", "No route to host"]),
        ready=st.sampled_from([Ready(), Ready(path="/x"), Ready(log="x"), Ready(command="x")]),
        port_story=st.sampled_from([None, STORY]),
    )
)
def test_whatever_is_known_there_is_one_sentence_with_an_end(known: AppFacts) -> None:
    finding = explain_app(known)
    assert finding.what.startswith("web ")
    assert finding.what.endswith(".")
    assert finding.next


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], ("", True)),
        (["", "  "], ("", True)),
        (["only"], ("only", True)),
        (NODE_CRASH, ("Error: Cannot find module 'express'", False)),
        (PYTHON_CRASH, ("ModuleNotFoundError: No module named 'flask'", True)),
        (["nginx: [emerg] bind() to 0.0.0.0:80 failed", "done"], ("nginx: [emerg] bind() to 0.0.0.0:80 failed", False)),
        (
            ["thread 'main' panicked at src/main.rs:2:5:", "note: run with"],
            ("thread 'main' panicked at src/main.rs:2:5:", False),
        ),
        (["error: old", *["fine"] * 40], ("fine", True)),
        (["errors: 0", "done"], ("done", True)),
        (["x" * 1000], ("x" * 300 + "…", True)),
    ],
)
def test_the_line_that_tells_most(lines: list[str], expected: tuple[str, bool]) -> None:
    assert last_words(lines) == expected


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0.1 s"), (0.34, "0.3 s"), (4.0, "4 s"), (9.96, "10 s"), (12.4, "12 s"), (60, "1 min"), (61, "1 min 1 s"),
     (3599.6, "1 h"), (7800, "2 h 10 min")],
)  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
