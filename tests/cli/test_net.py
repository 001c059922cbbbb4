"""`homeport net`: what is asked of the engine, and what is printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from homeport.model.network import ConditionsSpec
from tests.cli.fake_engine import FakeEngine, invoke


@pytest.mark.parametrize(
    ("words", "spec"),
    [
        ("net set api 3g", ConditionsSpec(route="api", text="3g")),
        ("net set api 3g loss=1% --seed 7", ConditionsSpec(route="api", text="3g loss=1% seed=7")),
        ("net set api loss=1% --down", ConditionsSpec(route="api", text="loss=1%", side="down")),
        ("net set api 3g --up --down", ConditionsSpec(route="api", text="3g")),
        (
            "net set api --loss 20% --up.burst=5 --up",
            ConditionsSpec(route="api", text="loss=20% up.burst=5", side="up"),
        ),
        ("net set api 3g --client ::1 --for 30s", ConditionsSpec(route="api", text="3g", client="::1", lasts_s=30)),
    ],
)
def test_what_is_asked_for(words: str, spec: ConditionsSpec) -> None:
    engine = FakeEngine()
    done = invoke(words, engine)
    assert (done.status, engine.conditions.asked) == (0, [spec])
    assert done.out.splitlines()[:2][-1] == "  each way: 500 kbit/s, 200 ms later"


def test_set_show_and_clear() -> None:
    engine = FakeEngine()
    assert invoke("net", engine).err == "the network is as it is, no conditions are set\n"
    set_ = invoke("net set api 3g", engine)
    assert set_.out == "api  3g\n  each way: 500 kbit/s, 200 ms later\n  latency=200ms\n"
    assert invoke("net show api", engine).out == set_.out
    assert invoke("net show other", engine).out == ""
    assert json.loads(invoke("net --json", engine).out)[0]["profile"] == "3g"
    assert invoke("net clear", engine).err == "the network of api is as it is again\n"
    assert invoke("net clear", engine).err == "no conditions were set\n"


def test_without_an_engine_nothing_is_set() -> None:
    assert invoke("net").status == 0
    assert invoke("net --json").out == "[]\n"
    assert "nothing runs" in invoke("net set api 3g").err


def test_profiles_and_keys_need_no_engine() -> None:
    assert "3g" in invoke("net profiles").out
    profile = next(one for one in json.loads(invoke("net profiles --json").out) if one["name"] == "3g")
    assert profile["text"] == "latency=200ms rate=500kbit"
    assert "Chrome DevTools" in profile["source"]
    assert invoke("net keys").out.startswith("latency")
    assert "seed" in json.loads(invoke("net keys --json").out)


@pytest.mark.parametrize(
    ("words", "status", "error"),
    [
        ("net set api", 2, "needs a route and what to set"),
        ("net set nope 3g", 1, "cannot be changed"),
        ("net show --for 3s", 2, "belong to"),
        ("net show api 3g", 2, "takes no conditions"),
        ("net set api 3g --for soon", 2, "--for: expected a duration"),
        ("net sat api 3g", 2, "sat"),
        ("net set api --lass 20%", 2, "no such option '--lass'"),
        ("net timeline api", 2, "needs a route and a file"),
        ("net timeline api gone.txt", 2, "gone.txt cannot be read: No such file"),
        ("net timeline api gone.txt --for 3s", 2, "--client alone"),
    ],
)
def test_mistakes(words: str, status: int, error: str) -> None:
    done = invoke(words, FakeEngine())
    assert done.status == status
    assert error in done.err


def test_a_timeline_is_read_from_a_file(surroundings: Path) -> None:
    (surroundings / "ride.txt").write_text("at 0s 3g\n")
    engine = FakeEngine()
    assert invoke("net timeline api ride.txt", engine).status == 0
    assert engine.conditions.asked == [
        ConditionsSpec(route="api", text="", timeline="at 0s 3g\n", timeline_name="ride.txt")
    ]


def test_own_profiles_come_from_the_project(surroundings: Path) -> None:
    (surroundings / "homeport.toml").write_text('[profiles]\ntunnel = "3g loss=30%"\n')
    engine = FakeEngine()
    assert invoke("net set api tunnel", engine).status == 0
    assert engine.conditions.asked[-1].profiles == {"tunnel": "3g loss=30%"}
    assert json.loads(invoke("net profiles --json").out)[0]["source"] == "homeport.toml"
    (surroundings / "homeport.toml").write_text('[profiles]\ntunnel = "3gg"\n')
    done = invoke("net set api tunnel", engine)
    assert "homeport.toml:2: profiles.tunnel: no profile is called '3gg'" in done.err


def test_names_for_clients() -> None:
    engine = FakeEngine()
    assert invoke("net client", engine).err == "no client has a name yet: homeport net client alice\n"
    named = invoke("net client alice", engine)
    assert named.out == "alice  127.64.0.1\n"
    assert "homeport connect --from 127.64.0.1" in named.err
    assert invoke("net client bob pid=4121", engine).err == ""
    assert invoke("net client", engine).out == "alice  127.64.0.1\nbob    pid=4121\n"
    assert json.loads(invoke("net client --json", engine).out)[1] == {"name": "bob", "words": ["pid=4121"]}
    assert invoke("net client bob --remove", engine).status == 0
    assert list(engine.clients.all) == ["alice"]
    assert invoke("net client --remove", engine).status == 2
    assert invoke("net client").out == ""
