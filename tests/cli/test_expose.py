"""`homeport expose` and `--expose`: what is asked of the engine, what is said in red, and the QR code."""

from __future__ import annotations

import json

import pytest
import segno

from homeport.cli.qr import qr_lines
from homeport.model.access import Access
from homeport.model.exposure import ExposeSpec
from tests.cli.fake_engine import FakeEngine, app, invoke

ADDRESS = "192.168.1.20"
URL = f"https://{ADDRESS}:62893/"
LINK = f"{URL}.homeport/enter?key=KEY"
TOKEN = ExposeSpec(address=ADDRESS, access=Access(token=True))


def exposed() -> FakeEngine:
    engine = FakeEngine(app())
    engine.routes.expose("web", TOKEN)
    engine.routes.exposed.clear()
    return engine


class TestExpose:
    @pytest.mark.parametrize(
        ("typed", "spec"),
        [
            (f"web {ADDRESS} --access token", TOKEN),
            (f"web {ADDRESS}:8443", ExposeSpec(address=f"{ADDRESS}:8443")),
            (
                f"web {ADDRESS} --access public --for 2h",
                ExposeSpec(address=ADDRESS, access=Access(public=True), lasts_s=7200),
            ),
            ("web", ExposeSpec(address="")),  # the engine says which addresses there are
        ],
    )
    def test_what_is_asked_for(self, typed: str, spec: ExposeSpec) -> None:
        engine = FakeEngine(app())
        assert invoke(f"expose {typed}", engine).status == 0
        assert engine.routes.exposed == [("web", spec)]

    def test_the_link_alone_is_data(self) -> None:
        outcome = invoke(f"expose web {ADDRESS} --access token --for 2h", FakeEngine(app()))
        assert outcome.out == f"{LINK}\n"
        assert f"open to other computers at {URL} (token), until 12:00:00" in outcome.err
        assert "works once" in outcome.err
        assert "/home/root.pem" in outcome.err
        assert "homeport expose web --close" in outcome.err
        assert "█" not in outcome.err  # nobody looks at it

    def test_a_person_gets_the_code_in_the_terminal_and_what_is_open_in_red(self) -> None:
        outcome = invoke(f"expose web {ADDRESS} --access token", FakeEngine(app()), screen=True)
        assert "\x1b[31mopen to other computers\x1b[0m" in outcome.err
        assert "\n".join(qr_lines(LINK, colour=True)) in outcome.err
        plain = invoke(f"expose web {ADDRESS} --access token --no-color", FakeEngine(app()), screen=True)
        assert "\n".join(qr_lines(LINK, colour=False)) in plain.err
        assert "\x1b" not in plain.err

    def test_a_link_without_a_key_works_more_than_once(self) -> None:
        outcome = invoke(f"expose web {ADDRESS} --access public", FakeEngine(app()))
        assert outcome.out == f"{URL}\n"
        assert "works once" not in outcome.err

    def test_what_is_open_gets_another_link(self) -> None:
        engine = exposed()
        assert invoke("expose web", engine).out == f"{LINK}\n"
        assert engine.routes.exposed == []

    def test_closing(self) -> None:
        engine = exposed()
        outcome = invoke("expose web --close", engine)
        assert (outcome.status, outcome.out) == (0, "")
        assert f"{ADDRESS}:62893 does not listen any more" in outcome.err
        assert engine.routes.all["web"].exposed is None
        again = invoke("expose web --close", engine)
        assert again.status == 1
        assert "web is not exposed" in again.err

    def test_listing(self) -> None:
        assert invoke("expose", FakeEngine()).err == "nothing is open to other computers\n"
        assert invoke("expose", exposed()).out == f"web is open to other computers at {URL} (token)\n"

    def test_json(self) -> None:
        made = json.loads(invoke("expose web --json", exposed()).out)
        assert (made["route"], made["link"], made["exposed"]["url"]) == ("web", LINK, URL)
        [one] = json.loads(invoke("expose --json", exposed()).out)
        assert one["exposed"]["access"] == "token"
        assert json.loads(invoke("expose web --close --json", exposed()).out)["exposed"]["url"] == URL
        assert json.loads(invoke("expose --json", FakeEngine()).out) == []

    @pytest.mark.parametrize(
        ("typed", "says"),
        [
            (f"web {ADDRESS} --close", "--close needs the name"),
            (f"web {ADDRESS} --access token --for soon", "--for:"),
            (f"web {ADDRESS} --access public --access token", "stands alone"),
        ],
    )
    def test_mistakes(self, typed: str, says: str) -> None:
        engine = FakeEngine(app())
        outcome = invoke(f"expose {typed}", engine)
        assert outcome.status == 2
        assert says in outcome.err
        assert engine.routes.exposed == []


class TestOption:
    def test_of_route(self) -> None:
        engine = FakeEngine()
        outcome = invoke(f"route web 3000 --expose {ADDRESS} --access token --for 30m --subdomains", engine)
        [spec] = engine.routes.added
        assert spec.expose == ExposeSpec(address=ADDRESS, lasts_s=1800)
        assert (spec.access, spec.subdomains) == (Access(token=True), True)
        assert outcome.out.splitlines()[-1] == LINK

    @pytest.mark.parametrize("command", ["run -d --name web {} -- true", "serve -d --name web {}"])
    def test_of_apps(self, command: str) -> None:
        engine = FakeEngine()
        outcome = invoke(command.format(f"--expose {ADDRESS} --access token"), engine)
        assert engine.apps.started[0].expose == ExposeSpec(address=ADDRESS)
        assert outcome.out.splitlines()[-1] == LINK

    @pytest.mark.parametrize(
        ("typed", "says"),
        [
            (f"--expose {ADDRESS}", "--expose needs --access"),
            ("--for 2h", "--for says how long --expose"),
        ],
    )
    def test_mistakes(self, typed: str, says: str) -> None:
        for command in (f"route web 3000 {typed}", f"run -d {typed} -- true", f"serve -d {typed}"):
            engine = FakeEngine()
            outcome = invoke(command, engine)
            assert outcome.status == 2, command
            assert says in outcome.err
            assert not engine.routes.added
            assert not engine.apps.started


def test_status_says_it_in_red_until_it_is_closed() -> None:
    engine = exposed()
    assert (
        "\x1b[31mexposed\x1b[0m    \x1b[1mweb\x1b[0m at \x1b[31;1m" + URL in invoke("status", engine, screen=True).out
    )
    engine.routes.unexpose("web")
    assert "exposed" not in invoke("status", engine).out


@pytest.mark.parametrize("colour", [True, False])
def test_the_code_holds_every_module_of_the_symbol(colour: bool) -> None:
    symbol = segno.make(LINK, error="m", micro=False)
    expected = [list(map(bool, row)) for row in symbol.matrix_iter(border=2)]
    shown = []
    for line in qr_lines(LINK, colour=colour):
        cells = line.removeprefix("\x1b[38;5;16;48;5;231m").removesuffix("\x1b[0m")
        for inked in ("▀█", "▄█"):
            shown.append([(cell in inked) is colour for cell in cells])
    assert shown[: len(expected)] == expected
    assert shown[len(expected) :] in ([], [[False] * len(expected[0])])
