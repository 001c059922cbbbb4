"""`homeport demo --once`: whatever happens, its apps are stopped again."""

from __future__ import annotations

import pytest

from homeport.demo import specs
from homeport.model.errors import HomeportError
from tests.cli.fake_engine import FakeEngine, exchange, invoke


def test_once_shows_what_was_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine()
    seen: list[str] = []

    def visit(url: str) -> list[str]:
        seen.append(url)
        engine.emit(exchange(2, path="/second"), exchange(1, path="/first"), exchange(2, path="/second"))
        return []

    monkeypatch.setattr("homeport.demo.visit", visit)
    outcome = invoke("demo --once", engine)
    assert outcome.status == 0
    assert seen == ["http://127.0.0.1:62893"]
    assert [line.split()[3] for line in outcome.out.splitlines()[1:]] == ["/first", "/second"]
    assert sorted(engine.apps.stopped) == sorted(spec.name for spec in specs())


def test_apps_are_stopped_when_a_request_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def visit(url: str) -> list[str]:
        raise HomeportError("app-failed", "GET / was answered with 500")

    engine = FakeEngine()
    monkeypatch.setattr("homeport.demo.visit", visit)
    outcome = invoke("demo", engine)
    assert (outcome.status, outcome.err.splitlines()[-1]) == (1, "error: GET / was answered with 500")
    assert len(engine.apps.stopped) == 3
