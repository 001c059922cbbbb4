"""`from homeport import net` and its pytest fixture, against a real engine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from homeport import net
from homeport.control.client import Client
from homeport.control.launch import ensure_engine
from homeport.machine.home import Home
from homeport.model.network import ConditionsState
from homeport.model.route import RouteSpec
from tests.engine_home import ended_with


@pytest.fixture
def nobody(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.chdir(tmp_path)
    with ended_with(home) as found:
        yield found


@pytest.fixture
def engine(nobody: Home) -> Client:
    client = ensure_engine(nobody)
    client.routes.add(RouteSpec(name="web", target="http://127.0.0.1:9"))
    return client


def now(client: str = "") -> str:
    states = net.show("web", client)
    return states[0].text if states else ""


def test_importing_it_loads_nothing_heavy() -> None:
    heavy = "{'msgspec', 'asyncio', 'socket', 'click', 'rich', 'homeport.control', 'homeport.app', 'subprocess'}"
    code = f"import sys; old = set(sys.modules); import homeport.net; print((set(sys.modules) - old) & {heavy})"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "set()\n"


@pytest.mark.parametrize(
    ("words", "keys", "text"),
    [
        (("3g",), {}, "latency=200ms rate=500kbit"),
        (("3g loss=1%",), {"seed": 7}, "latency=200ms rate=500kbit loss=1% seed=7"),
        (
            (),
            {"latency_ms": 0.5, "jitter_ms": 20, "jitter_shape": "normal"},
            "latency=0.5ms jitter=20ms jitter-shape=normal",
        ),
        ((), {"up": {"rate_kbit": 64}, "down": {"loss_percent": 1.5}}, "up.rate=64kbit down.loss=1.5%"),
        ((), {"silence": True}, "silence=yes"),
        ((), {"http_error": 503, "http_path": "/a*"}, "http-error=503 http-path=/a*"),
        (("clean",), {}, ""),
    ],
)
def test_what_is_set(engine: Client, words: tuple[str, ...], keys: dict[str, Any], text: str) -> None:
    assert net.set("web", *words, **keys).text == text


def test_with_conditions_of_its_own_and_back(engine: Client) -> None:
    with net.conditions("web", "3g", latency_ms=50) as state:
        assert (state.profile, state.text) == ("3g", "latency=50ms rate=500kbit")
        with suppress(ZeroDivisionError), net.conditions("web", loss_percent=2):
            assert now() == "loss=2%"
            raise ZeroDivisionError
        assert (now(), net.show("web")[0].profile) == ("latency=50ms rate=500kbit", "3g")
        with net.conditions("web", "clean", client="127.0.0.7"):
            assert [one.client for one in net.show()] == ["", "127.0.0.7"]
    assert net.show() == []


def test_a_route_or_an_engine_that_goes_meanwhile(engine: Client, nobody: Home) -> None:
    with net.conditions("web", "3g"):
        engine.routes.remove("web")
    engine.routes.add(RouteSpec(name="web", target="http://127.0.0.1:9"))
    with net.conditions("web", "3g"):
        engine.engine.stop()


def test_mistakes(engine: Client) -> None:
    calls: list[tuple[tuple[str, ...], dict[str, Any], str]] = [
        (("nope", "3g"), {}, "not-found"),
        (("web", "5gg"), {}, "bad-usage"),
        (("web",), {"latency": 200}, "bad-usage"),  # of what?
        (("web", "3g"), {"client": "alice"}, "not-found"),
    ]
    for words, keys, code in calls:
        with pytest.raises(net.HomeportError) as caught:
            net.set(*words, **keys)
        assert caught.value.code == code


def test_the_projects_own_profiles_and_clients(engine: Client, tmp_path: Path) -> None:
    text = '[profiles]\nslow = "latency=1s"\n[clients]\nalice = "127.64.0.9"\nbob = ["pid=1", "agent=Edge"]\n'
    (tmp_path / "homeport.toml").write_text(text)
    assert net.profiles()[0].source == "homeport.toml"
    for client in ("alice", "bob"):
        with net.conditions("web", "slow", client=client):
            assert now(client) == "latency=1s"
    assert {one.name: one.words for one in engine.clients.list()}["bob"] == ["pid=1", "agent=Edge"]


def test_without_an_engine(nobody: Home) -> None:
    assert net.show() == []
    assert "3g" in [one.name for one in net.profiles()]
    with pytest.raises(net.HomeportError) as caught:
        net.set("web", "3g")
    assert caught.value.code == "not-found"


def test_the_fixture(engine: Client, net_conditions: Callable[..., ConditionsState]) -> None:
    assert net_conditions("web", "3g", latency_ms=1).text == "latency=1ms rate=500kbit"
    net_conditions("web", "3g")
    assert now() == "latency=200ms rate=500kbit"
