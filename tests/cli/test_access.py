"""`--access`, `homeport token` and `homeport password`: what is asked of the engine, and what never shows."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from homeport.model.access import Access
from homeport.model.password import hash_password, is_password
from homeport.model.route import RouteState
from tests.cli.fake_engine import FakeEngine, app, invoke

HASH = hash_password("hunter2", ln=10)


class TestOption:
    @pytest.mark.parametrize(
        ("typed", "access"),
        [
            ("", Access()),
            ("--access anyone-local", Access()),
            ("--access same-user", Access(same_user=True)),
            ("--access same-user,token", Access(same_user=True, token=True)),
            ("--access users:ann,1001 --access token", Access(users=["ann", 1001], token=True)),
        ],
    )
    def test_it_goes_with_the_route(self, typed: str, access: Access) -> None:
        engine = FakeEngine()
        assert invoke(f"route web 8080 {typed}", engine).status == 0
        assert engine.routes.added[0].access == access

    def test_a_file_of_passwords(self, tmp_path: Path) -> None:
        file = tmp_path / "passwords"
        file.write_text(f"# ours\n\nann:{HASH}\n")
        engine = FakeEngine()
        assert invoke(f"route web 8080 --cross-site deny --access basic:{file}", engine).status == 0
        assert engine.routes.added[0].access == Access(basic={"ann": HASH})
        assert engine.routes.added[0].cross_site == "deny"

    def test_it_goes_with_an_app(self) -> None:
        engine = FakeEngine()
        assert invoke("run -d --name web --access token --cross-site deny -- true", engine).status == 0
        assert engine.apps.started[0].access == Access(token=True)
        assert engine.apps.started[0].cross_site == "deny"

    @pytest.mark.parametrize(
        ("typed", "says"),
        [
            ("--access me", "there are anyone-local, same-user, token"),
            ("--access anyone-local --access token", "stands alone"),
            ("--access basic", "needs a file"),
            ("--access basic:/no/such/file", "cannot be read: No such file"),
            ("--access users:", "is not understood"),
        ],
    )
    def test_mistakes(self, typed: str, says: str) -> None:
        engine = FakeEngine()
        outcome = invoke(f"route web 8080 {typed}", engine)
        assert outcome.status == 2
        assert says in outcome.err
        assert engine.routes.added == []

    @pytest.mark.parametrize("text", ["ann:hunter2\n", "ann\n", f":{HASH}\n", "", "# nobody\n"])
    def test_a_file_without_hashes_is_refused_without_being_repeated(self, tmp_path: Path, text: str) -> None:
        file = tmp_path / "passwords"
        file.write_text(text)
        outcome = invoke(f"route web 8080 --access basic:{file}", FakeEngine())
        assert outcome.status == 2
        assert "hunter2" not in outcome.err


class TestStatus:
    def test_who_may_come_in_is_said_where_not_everybody_may(self) -> None:
        engine = FakeEngine(app())
        engine.routes.all["web"] = RouteState(name="web", kind="app", target="x", url="u", access="same-user")
        engine.routes.all["adm"] = RouteState(
            name="adm", kind="http", target="y", url="v", access="token", cross_site="deny"
        )
        engine.routes.all["free"] = RouteState(name="free", kind="http", target="z", url="w")
        lines = invoke("status", engine).out.split("\n")
        assert any("web" in line and "same-user" in line for line in lines)
        assert any("adm" in line and "token, no other sites" in line for line in lines)
        assert not any("anyone-local" in line for line in lines)


class TestToken:
    def test_the_token_alone_goes_to_stdout(self) -> None:
        engine = FakeEngine()
        outcome = invoke("token new laptop --route web --for 30d", engine)
        assert outcome.out == "hp_secret\n"
        assert "shown this once" in outcome.err
        assert "hp_secret" not in outcome.err
        [spec] = engine.tokens.made
        assert (spec.name, spec.route, spec.lasts_s) == ("laptop", "web", 30 * 86400.0)

    def test_listing_and_revoking(self) -> None:
        engine = FakeEngine()
        assert invoke("token", engine).err == "no tokens\n"
        invoke("token new ci", engine)
        invoke("token new laptop --route web --for 1h", engine)
        assert invoke("token list", engine).out == (
            "ci      opens every route that takes tokens\nlaptop  opens web until 2027-01-01T00:00:00Z\n"
        )
        assert [one["name"] for one in json.loads(invoke("token --json", engine).out)] == ["ci", "laptop"]
        assert invoke("token revoke ci", engine).status == 0
        assert [state.name for state in engine.tokens.list()] == ["laptop"]
        assert invoke("token revoke ci", engine).status == 1

    @pytest.mark.parametrize(
        "typed",
        ["token new", "token revoke", "token list x", "token make x", "token revoke x --for 1d", "token new x --for y"],
    )
    def test_wrong_usage(self, typed: str) -> None:
        engine = FakeEngine()
        assert invoke(typed, engine).status == 2
        assert engine.tokens.made == []


class TestPassword:
    def test_it_is_read_from_stdin_and_never_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO("hunter2\n"))
        outcome = invoke("password ann")
        user, _, hashed = outcome.out.strip().partition(":")
        assert user == "ann"
        assert is_password("hunter2", hashed)
        assert "hunter2" not in outcome.out + outcome.err

    def test_as_json(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO("hunter2"))
        answer = json.loads(invoke("password ann --json").out)
        assert answer["user"] == "ann"
        assert is_password("hunter2", answer["hash"])

    @pytest.mark.parametrize(("typed", "stdin"), [("ann", ""), ("ann", "\n"), ("a:b", "x\n")])
    def test_what_cannot_be(self, monkeypatch: pytest.MonkeyPatch, typed: str, stdin: str) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        outcome = invoke(f"password {typed}")
        assert (outcome.status, outcome.out) == (2, "")


class TestOpen:
    def test_a_route_that_takes_tokens_has_a_link(self) -> None:
        engine = FakeEngine(app())
        engine.routes.all["web"] = RouteState(name="web", kind="app", target="x", url="u", access="token")
        engine.routes.all["adm"] = RouteState(name="adm", kind="http", target="y", url="v", access="token")
        for name in ("web", "adm"):
            assert (
                invoke(f"open {name} --print", engine).out == f"http://{name}.localhost:62893/.homeport/enter?key=KEY\n"
            )


class TestUp:
    @pytest.mark.parametrize(
        "line", ['access = "token"', 'cross_site = "deny"', f'access = {{ basic = {{ ann = "{HASH}" }} }}']
    )
    def test_a_route_that_stands_lets_in_whom_the_file_says_now(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
    ) -> None:
        monkeypatch.chdir(tmp_path)
        file = tmp_path / "homeport.toml"
        file.write_text('[routes.old]\ntarget = "http://127.0.0.1:8080"\n')
        engine = FakeEngine()
        for _ in range(2):
            assert invoke("up -d", engine).status == 0
        assert len(engine.routes.added) == 1
        file.write_text(file.read_text() + line + "\n")
        assert invoke("up -d", engine).status == 0
        assert len(engine.routes.added) == 2
        assert list(engine.routes.all) == ["old"]
