"""Apps together: their names, what they need of each other, restarts, starts on request, idle stops."""

from __future__ import annotations

import asyncio
import math
import signal
import sys

import pytest

from homeport.model.app import Serve
from homeport.model.errors import HomeportError
from homeport.model.finding import Unavailable
from homeport.targets.tree import Orphans
from tests.targets.workshop import Workshop

LISTEN = "serve('127.0.0.1', PORT)"
WAIT_FOR_GO = "\nwhile not os.path.exists('go'): time.sleep(0.01)\n"


async def test_routes_get_their_names(shop: Workshop) -> None:
    supervisor = shop.supervisor
    web = await supervisor.start(shop.spec("sleep 600"))
    branch = await supervisor.start(shop.spec("sleep 600", folder="/tmp", branch="Feature/Login"))
    other = shop.folder.parent / "other"
    other.mkdir()
    same_name = await supervisor.start(shop.spec("sleep 600", folder=str(other)))
    assert [web.route, branch.route, same_name.route] == ["web", "feature-login.web", "web.shop"]
    with pytest.raises(HomeportError, match="another app is called web"):
        await supervisor.start(shop.spec("sleep 600", folder="/var"))
    await supervisor.stop("web")
    assert (await supervisor.start(shop.spec("sleep 600", folder="/var"))).route == "web", "its owner has ended"


async def test_starting_what_runs_changes_nothing_and_new_wishes_restart_it(shop: Workshop) -> None:
    app = await shop.supervisor.start(shop.spec("sleep 600", listens="no"))
    first = (await app.settled()).pid
    again = await shop.supervisor.start(shop.spec("sleep 600", listens="no", env={"SHLVL": "3"}))
    assert again is app
    assert app.pid == first
    await shop.supervisor.start(shop.spec("sleep 601", listens="no"))
    assert (await app.settled()).pid not in (None, first)
    assert app.snapshot().command == "sleep 601"


async def test_apps_that_start_together_know_each_other(shop: Workshop) -> None:
    specs = [shop.spec("env", name="web"), shop.spec("env", name="api")]
    web, api = await shop.supervisor.start_all(specs)
    await web.settled()
    await api.settled()
    assert "HOMEPORT_API_URL=http://127.0.0.1:1/@api" in shop.log.of("web")
    assert "HOMEPORT_WEB_URL=http://127.0.0.1:1/@web" in shop.log.of("api")


async def test_unknown_apps(shop: Workshop) -> None:
    with pytest.raises(HomeportError) as caught:
        await shop.supervisor.stop("nobody")
    assert caught.value.code == "not-found"


async def test_an_app_waits_for_what_it_needs_and_ends_before_it(shop: Workshop) -> None:
    goodbye = (
        "signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.05), print('bye', time.monotonic()), os._exit(0)))\n"
    )
    web = await shop.supervisor.start(shop.python(goodbye + LISTEN, needs=["db"]))
    await shop.until(lambda: web.state == "waiting")
    assert web.finding
    assert web.finding.what == "web waits for db, which has not been started."
    db = await shop.supervisor.start(shop.python(WAIT_FOR_GO + goodbye + LISTEN, "db"))
    await shop.until(lambda: web.finding and "db, which is starting" in web.finding.what)
    (shop.folder / "go").touch()
    await web.ready()
    assert db.state == "ready"
    assert web.finding is None
    await shop.supervisor.stop_all(["db", "web"])
    ends = [float(shop.log.of(name)[0].removeprefix("bye ")) for name in ("web", "db")]
    assert ends == sorted(ends)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGCHLD")
async def test_a_child_whose_end_was_not_heard_of_yet_is_no_orphan(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the look at another app reaps it, and the one that started it waits for ever."""
    looks = 0

    def collect(orphans: Orphans) -> None:
        nonlocal looks
        looks += 1
        real(orphans)

    real = Orphans.collect
    monkeypatch.setattr(Orphans, "collect", collect)
    db = await shop.supervisor.start(shop.spec("sleep 600", "db", listens="no"))
    web = await shop.supervisor.start(shop.spec("sleep 600", listens="no"))
    await db.settled()
    await web.settled()
    pid = web.pid
    assert pid
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    try:
        stopping = asyncio.create_task(shop.supervisor.stop("web"))
        await shop.until(lambda: shop.machine.start_time(pid) is None)
        seen = looks
        await shop.until(lambda: looks > seen + 20)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    async with asyncio.timeout(20):
        await stopping
    assert web.state == "stopped"


async def test_a_need_that_did_its_work_is_met_and_one_that_failed_is_named(shop: Workshop) -> None:
    web = await shop.supervisor.start(shop.spec("sleep 600", listens="no", needs=["migrate"]))
    migrate = await shop.supervisor.start(shop.spec("exit 1", name="migrate"))
    await migrate.settled()
    await shop.until(lambda: web.finding and web.finding.what == "web waits for migrate, which failed.")
    await shop.supervisor.start(shop.spec("exit 0", name="migrate"))
    await web.settled()
    assert web.state == "ready"


async def test_a_circle_of_needs_can_be_stopped(shop: Workshop) -> None:
    one = await shop.supervisor.start(shop.spec("sleep 600", name="one", needs=["two"]))
    await shop.supervisor.start(shop.spec("sleep 600", name="two", needs=["one"]))
    await shop.until(lambda: one.state == "waiting" and one.needs_state == "waiting")
    await shop.supervisor.stop_all(["one", "two"])


async def test_restart_on_failure_with_a_pause(shop: Workshop) -> None:
    source = """
    with open('runs', 'a') as runs: runs.write('x')
    if os.path.getsize('runs') < 3: sys.exit(7)
    serve('127.0.0.1', PORT)
    """
    app = await shop.supervisor.start(shop.python(source, restart="on-failure"))
    await app.ready()
    assert app.restarts == 2
    backoff = next(state for state in shop.states if state.state == "backoff")
    assert backoff.finding
    assert "exited with code 7" in backoff.finding.what
    assert "It is started again in" in backoff.finding.why


async def test_on_failure_leaves_a_good_end_alone_and_always_does_not(shop: Workshop) -> None:
    once = await shop.supervisor.start(shop.spec("exit 0", name="once", restart="on-failure"))
    again = await shop.supervisor.start(shop.spec("exit 0", name="again", restart="always"))
    assert (await once.settled()).state == "exited"
    await shop.until(lambda: again.restarts >= 2)
    await shop.supervisor.stop("again")
    assert again.state == "stopped"


async def test_started_by_the_first_request_and_stopped_when_idle(shop: Workshop) -> None:
    shop.activity.idle_s = math.inf
    shop.activity.active = 1
    spec = shop.python(LISTEN, start="on-request", idle_stop_s=0.1)
    app = await shop.supervisor.start(spec)
    assert (app.state, app.pid, app.address()) == ("idle", None, None)
    assert (await shop.supervisor.wait_ready("web")).state == "idle"
    endpoints = await asyncio.gather(*(app.ready() for _ in range(5)))
    assert len(set(endpoints)) == 1
    shop.activity.active = 0
    await shop.until(lambda: app.state == "idle")
    assert app.pid is None
    assert "stopped until the next one" in shop.said()
    assert await app.ready() == endpoints[0], "the lease gives the same port"


async def test_a_request_tries_a_failed_on_request_app_again(shop: Workshop) -> None:
    app = await shop.supervisor.start(shop.python("sys.exit(1)", start="on-request"))
    with pytest.raises(Unavailable):
        await app.ready()
    await shop.supervisor.start(shop.python(LISTEN, start="on-request"))
    await app.ready()


async def test_a_stopped_app_says_so(shop: Workshop) -> None:
    app = await shop.supervisor.start(shop.python(LISTEN))
    await app.ready()
    await shop.supervisor.stop("web")
    with pytest.raises(Unavailable) as caught:
        await app.ready()
    assert caught.value.status == 503
    assert caught.value.finding.next == "homeport restart web"
    await shop.supervisor.restart("web")
    await app.ready()


async def test_a_request_does_not_wait_for_ever(shop: Workshop) -> None:
    app = await shop.supervisor.start(shop.spec("sleep 600", needs=["db"], ready_timeout_s=0.05))
    with pytest.raises(Unavailable) as caught:
        await app.ready()
    assert caught.value.status == 504
    assert caught.value.finding.code == "app-waiting"


async def test_stopping_goes_on_when_nobody_waits_for_it(shop: Workshop) -> None:
    app = await shop.supervisor.start(
        shop.python("signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + LISTEN, stop_timeout_s=0.1)
    )
    await app.ready()
    asked = asyncio.create_task(shop.supervisor.stop("web"))
    await asyncio.sleep(0)
    asked.cancel()
    await shop.until(lambda: app.state == "stopped")


async def test_a_directory_is_an_app_too(shop: Workshop) -> None:
    spec = shop.spec(name="docs", serve=Serve(directory="/srv/docs"))
    app = await shop.supervisor.start(spec)
    assert str(await app.ready()) == "unix:/run/docs.sock"
    state = app.snapshot()
    assert (state.kind, state.state, state.command) == ("directory", "ready", "/srv/docs")
    await shop.supervisor.stop("docs")
    assert shop.directories.opened == []
    shop.directories.refuses = "/srv/docs is not a directory"
    await shop.supervisor.restart("docs")
    assert app.finding
    assert (app.state, app.finding.what) == ("failed", "/srv/docs is not a directory")
