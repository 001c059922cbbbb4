"""Daemons that leave their parent, and what an engine that was killed leaves behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from homeport.machine.fake import FakeMachine, FakeProcess
from homeport.targets.journal import Content, Entry, Journal, Leftover, clean_up, leftovers
from tests.targets.workshop import Workshop

DAEMON = """
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
"""


async def test_an_app_that_forks_and_exits_stays_supervised(adopting: Workshop) -> None:
    shop = adopting
    app = await shop.supervisor.start(shop.python(DAEMON + "serve('127.0.0.1', PORT)"))
    endpoint = await app.ready()
    assert endpoint.port == app.given.port
    await shop.supervisor.stop("web")
    assert app.state == "stopped"
    assert shop.machine.strays() == {}


async def test_the_end_of_a_daemon_is_the_end_of_the_app(adopting: Workshop) -> None:
    shop = adopting
    source = (
        DAEMON + "server = listener('127.0.0.1', PORT)\nwhile not os.path.exists('go'): time.sleep(0.01)\nos._exit(9)"
    )
    app = await shop.supervisor.start(shop.python(source))
    await app.ready()
    (shop.folder / "go").touch()
    await shop.until(lambda: app.state == "failed")
    assert app.exit_code == 9


async def test_helpers_that_do_not_listen_are_not_the_app(adopting: Workshop) -> None:
    shop = adopting
    app = await shop.supervisor.start(shop.spec("setsid sleep 600 & echo built"))
    assert (await app.settled()).state == "exited"
    assert shop.machine.strays() == {}


@pytest.mark.counterpart("nginx")
async def test_nginx_as_a_daemon(adopting: Workshop) -> None:
    """It overwrites its environment, so that no marker tells whose it is."""
    shop = adopting
    (shop.folder / "n.conf").write_text(
        f"pid {shop.folder}/pid; error_log stderr; worker_processes 2; events {{}}\n"
        "http { access_log off; server { listen 127.0.0.1:PORT; return 200 hi; } }\n"
    )
    start = f"sed -i s/PORT/{{port}}/ n.conf && nginx -p {shop.folder} -e stderr -c {shop.folder}/n.conf"
    env = {"PATH": f"{os.environ['PATH']}:/usr/sbin"}
    one = await shop.supervisor.start(shop.spec(start, env=env))
    two = await shop.supervisor.start(shop.spec("sleep 600", name="two", listens="no"))
    endpoint = await one.ready()
    assert endpoint.port == one.given.port
    await shop.until(
        lambda: (shop.folder / "pid").exists() and str(one.pid) == (shop.folder / "pid").read_text().strip()
    )
    await two.settled()
    await shop.supervisor.stop("web")
    assert not (shop.folder / "pid").exists()
    assert two.state == "ready"


async def test_the_journal_names_every_process_while_it_runs(shop: Workshop) -> None:
    app = await shop.supervisor.start(shop.spec("sleep 600 & wait", listens="no"))
    await shop.until(lambda: len(journal_of(shop)) == 2)
    assert str(app.pid) in journal_of(shop)
    await shop.supervisor.stop("web")
    assert json.loads(Path(shop.home.children).read_text())["entries"] == []


def journal_of(shop: Workshop) -> dict[str, float]:
    path = Path(shop.home.children)
    entries = json.loads(path.read_text())["entries"] if path.exists() else []
    return dict(entries[0]["processes"]) if entries else {}


ENGINE = """
import asyncio, sys
from pathlib import Path
from tests.targets.workshop import opened

async def main():
    async with opened(Path(sys.argv[1])) as shop:
        shop.machine.adopt_orphans()
        stubborn = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\\n"
        daemon = "if os.fork(): os._exit(0)\\nos.setsid()\\n"
        for name, source in (("web", stubborn), ("daemon", daemon)):
            app = await shop.supervisor.start(shop.python(source + "serve('127.0.0.1', PORT)", name))
            await app.ready()
        print("running", flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into environments")
@pytest.mark.parametrize("journal", ["whole", "missing", "broken"])
async def test_after_kill_9_the_next_engine_finds_and_ends_what_is_left(
    shop: Workshop, tmp_path: Path, journal: str
) -> None:
    workplace = tmp_path / "killed"
    workplace.mkdir()
    root = Path(__file__).parent.parent.parent
    with subprocess.Popen([sys.executable, "-c", ENGINE, str(workplace)], stdout=subprocess.PIPE, cwd=root) as engine:
        assert engine.stdout
        assert engine.stdout.readline() == b"running\n"
        engine.kill()
    from homeport.machine.home import Home

    home = Home(str(workplace / "home"))
    if journal == "missing":
        os.unlink(home.children)
    elif journal == "broken":
        Path(home.children).write_text('{"boot":')
    found = leftovers(home.children, shop.machine, home.key)
    assert sorted(leftover.route for leftover in found) == ["daemon", "web"]
    assert "was left over from an engine that died" in str(found[0])
    await clean_up(found, shop.machine, grace_s=0.2)
    assert leftovers(home.children, shop.machine, home.key) == []


def written(path: Path, boot: str, processes: dict[int, float]) -> str:
    entry = Entry(route="web", command="npm run dev", processes=processes)
    path.write_bytes(msgspec.json.encode(Content(boot=boot, entries=[entry])))
    return str(path)


@pytest.fixture
def machine() -> FakeMachine:
    made = FakeMachine()
    made.processes = {
        10: FakeProcess(started=1.0),
        11: FakeProcess(started=2.0, parent=10),
        12: FakeProcess(started=3.0),
        13: FakeProcess(started=4.0, marker="key/api"),
    }
    return made


def test_only_the_very_processes_count(machine: FakeMachine, tmp_path: Path) -> None:
    path = written(tmp_path / "children", "boot", {10: 1.0, 12: 99.0, 77: 1.0})
    assert leftovers(path, machine, "key") == [
        Leftover(route="web", command="npm run dev", processes={10: 1.0, 11: 2.0}),
        Leftover(route="api", command="", processes={13: 4.0}),
    ]


def test_after_a_boot_the_journal_means_nothing(machine: FakeMachine, tmp_path: Path) -> None:
    path = written(tmp_path / "children", "another boot", {10: 1.0})
    assert leftovers(path, machine, "other") == []


async def test_whoever_does_not_end_is_ended(machine: FakeMachine, tmp_path: Path) -> None:
    machine.processes[11].ignores_requests = True
    found = leftovers(written(tmp_path / "children", "boot", {10: 1.0, 11: 2.0}), machine, "none")
    await clean_up(found, machine, grace_s=0.01, look_s=0.001)
    assert machine.signalled == [(10, False), (11, False), (11, True)]
    assert sorted(machine.processes) == [12, 13]


def test_a_journal_that_cannot_be_written_is_no_reason_to_stop(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path / "missing" / "children"), FakeMachine())
    journal.put(Entry(route="web", command="x", processes={1: 1.0}))
    journal.remove("web")
