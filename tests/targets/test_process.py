"""Apps that are real processes: how they become ready, how they end, and what is said about it."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys

import pytest

from homeport.model.app import Ready
from homeport.model.endpoint import Endpoint
from homeport.model.finding import Unavailable
from tests.targets.workshop import Workshop


async def test_ready_when_it_listens_and_gone_when_it_is_stopped(shop: Workshop) -> None:
    app = await shop.supervisor.start(shop.python("serve('127.0.0.1', PORT)"))
    endpoint = await app.ready()
    state = app.snapshot()
    assert endpoint == app.address() == Endpoint("127.0.0.1", state.port or 0)
    assert (state.state, state.address, state.listens) == ("ready", str(endpoint), [str(endpoint)])
    assert state.pid
    assert (state.exposed, state.notice, state.finding) == (False, "", None)
    await shop.supervisor.stop("web")
    assert shop.machine.start_time(state.pid) is None
    assert (app.state, app.address(), app.pid) == ("stopped", None, None)
    assert list(dict.fromkeys(state.state for state in shop.states)) == ["starting", "ready", "stopping", "stopped"]


async def test_the_route_follows_a_child_of_a_shell_to_another_port(shop: Workshop) -> None:
    source = "server = listener('127.0.0.1', 0); print(server.getsockname()[1], flush=True); time.sleep(600)"
    spec = shop.python(source)
    assert isinstance(spec.command, list)
    app = await shop.supervisor.start(shop.spec(f"true; {' '.join(spec.command)}; true"))
    endpoint = await app.ready()
    await shop.until(lambda: shop.log.of("web"))
    port = int(shop.log.of("web")[0])
    assert endpoint == Endpoint("127.0.0.1", port)
    state = app.snapshot()
    assert state.notice == f"web listens on {port} instead of {state.port}; the route follows."
    assert state.notice in shop.said()


@pytest.mark.parametrize(
    ("host", "dialled", "exposed"),
    [("0.0.0.0", "127.0.0.1", True), ("::1", "::1", False), ("::", "127.0.0.1", True)],
)
async def test_other_addresses_of_the_same_port(shop: Workshop, host: str, dialled: str, exposed: bool) -> None:
    app = await shop.supervisor.start(shop.python(f"serve({host!r}, PORT)"))
    endpoint = await app.ready()
    assert endpoint.host == dialled
    state = app.snapshot()
    assert state.exposed == exposed
    assert ("other computers can reach it" in state.notice) == exposed
    with socket.create_connection((endpoint.host, endpoint.port), timeout=5):
        pass


async def test_the_route_follows_later_changes(shop: Workshop) -> None:
    source = """
    first = listener('127.0.0.1', 0)
    sys.stdout.write(f"{first.getsockname()[1]}\\n"); sys.stdout.flush()
    while not os.path.exists('go'): time.sleep(0.01)
    first.close()
    serve('127.0.0.1', PORT)
    """
    app = await shop.supervisor.start(shop.python(source))
    await app.ready()
    assert app.endpoint != Endpoint("127.0.0.1", app.given.port or 0)
    (shop.folder / "go").touch()
    await shop.until(lambda: app.address() == Endpoint("127.0.0.1", app.given.port or 0))
    assert app.snapshot().notice == ""


async def test_its_environment(shop: Workshop) -> None:
    source = (
        "print(__import__('json').dumps(dict(os.environ)), flush=True); listener('127.0.0.1', PORT); time.sleep(600)"
    )
    await shop.supervisor.start(shop.spec("sleep 600", name="my-api", listens="no"))
    spec = shop.python(source, env={"GREETING": "hi", "PORT": "1"}, ports={"ADMIN_PORT": None}, port_env="PORT")
    app = await shop.supervisor.start(spec)
    await shop.until(lambda: shop.log.of("web"))
    env = json.loads(shop.log.of("web")[0])
    given = app.given
    assert env["PORT"] == str(given.port)
    assert env["ADMIN_PORT"] == str(given.ports["ADMIN_PORT"]) != env["PORT"]
    assert env["HOST"] == "127.0.0.1"
    assert env["GREETING"] == "hi"
    assert env["HOMEPORT_APP"] == f"{shop.home.key}/web"
    assert env["HOMEPORT_URL"] == "http://web.localhost:1"
    assert env["HOMEPORT_MY_API_URL"] == "http://127.0.0.1:1/@my-api"
    assert env["PYTHONUNBUFFERED"] == "1"
    assert "HOMEPORT_SOCKET" not in env


async def test_a_further_port_is_never_the_route(shop: Workshop) -> None:
    source = """
    admin = listener('127.0.0.1', int(os.environ['ADMIN_PORT']))
    while not os.path.exists('go'): time.sleep(0.01)
    serve('127.0.0.1', 0)
    """
    app = await shop.supervisor.start(shop.python(source, ports={"ADMIN_PORT": None}))
    await shop.until(lambda: app.listens)
    assert app.state == "starting"
    (shop.folder / "go").touch()
    endpoint = await app.ready()
    assert endpoint.port != app.given.ports["ADMIN_PORT"]


async def test_an_app_on_a_unix_socket(shop: Workshop) -> None:
    spec = shop.python("serve(os.environ['HOMEPORT_SOCKET'], None)", socket=True)
    app = await shop.supervisor.start(spec)
    endpoint = await app.ready()
    assert endpoint.path == shop.home.socket_for("web")
    assert app.snapshot().listens == [f"unix:{endpoint.path}"]
    await shop.supervisor.restart("web")
    assert await app.ready() == endpoint, "the socket of the last run is not in the way"


async def test_a_port_in_the_command_is_replaced(shop: Workshop) -> None:
    code = "import socket, sys, time; s = socket.create_server(('{host}', int(sys.argv[1]))); time.sleep(600)"
    app = await shop.supervisor.start(shop.spec([sys.executable, "-c", code, "{port}"]))
    assert (await app.ready()).port == app.given.port


async def test_what_ended_says_why(shop: Workshop) -> None:
    source = "print('starting'); print(\"Error: Cannot find module 'express'\", file=sys.stderr); sys.exit(1)"
    app = await shop.supervisor.start(shop.python(source))
    with pytest.raises(Unavailable) as caught:
        await app.ready()
    finding = caught.value.finding
    assert finding.what.startswith("web exited with code 1, ")
    assert finding.what.endswith(" s after it was started.")
    assert finding.why == "Its last line was: Error: Cannot find module 'express'"
    assert finding.next == "homeport logs web"
    assert (app.state, app.exit_code, app.finding) == ("failed", 1, finding)
    assert app.explain(None) == finding


async def test_the_end_by_a_signal_is_128_and_its_number(shop: Workshop) -> None:
    app = await shop.supervisor.start(shop.spec("kill -SEGV $$"))
    state = await app.settled()
    assert state.exit_code == 139
    assert state.finding
    assert "was ended by SIGSEGV" in state.finding.what


async def test_an_end_with_0_is_no_failure(shop: Workshop) -> None:
    app = await shop.supervisor.start(shop.spec("echo done"))
    state = await app.settled()
    assert (state.state, state.exit_code, state.finding) == ("exited", 0, None)
    assert shop.log.of("web") == ["done"]
    with pytest.raises(Unavailable, match="has ended"):
        await app.ready()


async def test_a_command_that_does_not_exist(shop: Workshop) -> None:
    tool = shop.folder / "node_modules" / ".bin" / "vite"
    tool.parent.mkdir(parents=True)
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    app = await shop.supervisor.start(shop.spec(["vite", "--port", "{port}"]))
    state = await app.settled()
    assert state.finding
    assert state.finding.code == "command-not-found"
    assert "vite is not installed or not on PATH, but the project has it: npx vite" in state.finding.what
    assert state.exit_code == 127


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        (["./missing"], "command-not-found", "./missing does not exist"),
        (["./plain.txt"], "command-not-executable", "./plain.txt is not executable"),
        ("no-such-program --x", "command-not-found", "did not find a command"),
    ],
)
async def test_commands_that_cannot_run(shop: Workshop, command: str | list[str], code: str, words: str) -> None:
    (shop.folder / "plain.txt").write_text("")
    app = await shop.supervisor.start(shop.spec(command))
    state = await app.settled()
    assert state.finding
    assert (state.state, state.finding.code) == ("failed", code)
    assert words in state.finding.what


async def test_a_missing_folder(shop: Workshop) -> None:
    app = await shop.supervisor.start(shop.spec("true", cwd="nowhere"))
    state = await app.settled()
    assert state.finding
    assert f"its folder {shop.folder}/nowhere does not exist" in state.finding.what


async def test_a_taken_fixed_port_names_its_holder(shop: Workshop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        app = await shop.supervisor.start(shop.spec("true", port=port))
        state = await app.settled()
    assert state.finding
    assert state.finding.code == "port-taken"
    assert f"port {port} is taken by " in state.finding.what
    assert f"(pid {os.getpid()})" in state.finding.what
    assert f"127.0.0.1:{port}" in state.finding.why
    assert state.finding.next == f"homeport free {port}"
    assert (await shop.supervisor.restart("web")).route == "web"
    assert (await app.settled()).state == "exited"


@pytest.mark.parametrize("words", ["listen EADDRINUSE: address already in use :::{}", "Address already in use"])
async def test_a_port_that_the_app_chose_itself_names_its_holder(shop: Workshop, words: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        complaint = f"Error: {words.format(port)}"
        app = await shop.supervisor.start(shop.python(f"print({complaint!r}, flush=True); sys.exit(1)"))
        state = await app.settled()
    assert state.finding
    if "{}" in words:
        assert state.finding.code == "port-taken"
        assert f"(pid {os.getpid()})" in state.finding.what
    else:
        assert state.finding.code == "app-exited", "no port is known, so nobody is blamed"


async def test_a_child_without_reuseaddr_gets_its_port_on_the_second_try(shop: Workshop) -> None:
    app = await shop.supervisor.start(shop.python("serve('127.0.0.1', PORT, reuse=False)"))
    assert (await app.ready()).port == app.given.port
    assert "started once more without the hold" in shop.said()
    assert app.restarts == 0
    await shop.supervisor.restart("web")
    assert (await app.ready()).port == app.given.port
    assert shop.said().count("once more") == 1, "it is remembered"


async def test_ready_by_path_says_what_it_saw(shop: Workshop) -> None:
    spec = shop.python("serve('127.0.0.1', PORT, '500 Broken')", ready=Ready(path="/health"), ready_timeout_s=2.0)
    app = await shop.supervisor.start(spec)
    state = await app.settled()
    assert (state.state, bool(state.pid)) == ("failed", True)
    assert state.finding
    assert state.finding.code == "app-not-ready"
    assert "GET /health got: status 500." in state.finding.why
    assert app.address() is not None, "its own error page says more than ours"


async def test_late_is_better_than_never(shop: Workshop) -> None:
    source = """
    while not os.path.exists('go'): time.sleep(0.01)
    serve('127.0.0.1', PORT)
    """
    app = await shop.supervisor.start(shop.python(source, ready_timeout_s=0.1))
    state = await app.settled()
    assert state.finding
    assert state.finding.code == "app-not-listening"
    assert f"It was told to listen on 127.0.0.1:{state.port}" in state.finding.why
    with pytest.raises(Unavailable):
        await app.ready()
    (shop.folder / "go").touch()
    await shop.until(lambda: app.state == "ready")
    assert app.finding is None


async def test_ready_by_a_line_of_its_log(shop: Workshop) -> None:
    source = """
    server = listener('127.0.0.1', PORT)
    while not os.path.exists('go'): time.sleep(0.01)
    print('\\x1b[32mcompiled\\x1b[0m in 3 s', flush=True)
    time.sleep(600)
    """
    app = await shop.supervisor.start(shop.python(source, ready=Ready(log=r"^compiled in \d+ s")))
    await shop.until(lambda: app.endpoint)
    assert app.state == "starting"
    (shop.folder / "go").touch()
    await app.ready()


async def test_a_ready_line_that_is_no_regular_expression(shop: Workshop) -> None:
    app = await shop.supervisor.start(shop.spec("sleep 600", ready=Ready(log="[")))
    state = await app.settled()
    assert state.finding
    assert "web could not be started: '[' is no regular expression" in state.finding.what


async def test_ready_by_a_command(shop: Workshop) -> None:
    spec = shop.python("serve('127.0.0.1', PORT)", ready=Ready(command="test -e go"))
    app = await shop.supervisor.start(spec)
    await shop.until(lambda: app.ready_seen == "exit code 1")
    assert app.state == "starting"
    (shop.folder / "go").touch()
    await app.ready()


async def test_a_ready_command_that_hangs_is_ended_with_the_app(shop: Workshop) -> None:
    spec = shop.spec("sleep 600", ready=Ready(command="echo $$ > pid; sleep 600; true"))
    await shop.supervisor.start(spec)
    await shop.until(lambda: (shop.folder / "pid").exists() and (shop.folder / "pid").read_text().strip())
    pid = int((shop.folder / "pid").read_text())
    await shop.supervisor.stop("web")
    assert shop.machine.start_time(pid) is None


async def test_workers_need_not_listen(shop: Workshop) -> None:
    never = await shop.supervisor.start(shop.spec("sleep 600", name="worker", listens="no"))
    maybe = await shop.supervisor.start(shop.spec("sleep 600", name="clock", listens="maybe"))
    assert (await never.settled()).state == "ready"
    assert (await maybe.settled()).state == "ready"
    with pytest.raises(Unavailable, match="worker"):
        await never.ready()


async def test_an_app_that_ignores_sigterm_is_killed_with_all_of_its_tree(shop: Workshop) -> None:
    source = """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.fork() == 0: time.sleep(600)
    serve('127.0.0.1', PORT)
    """
    app = await shop.supervisor.start(shop.python(source, stop_timeout_s=0.2))
    await app.ready()
    await shop.supervisor.stop("web")
    assert app.exit_code == 137
    assert "did not end within 0.2 s: killed" in shop.said()


async def test_an_app_may_say_goodbye(shop: Workshop) -> None:
    source = """
    def goodbye(*_): print('goodbye', flush=True); os._exit(3)
    signal.signal(signal.SIGTERM, goodbye)
    serve('127.0.0.1', PORT)
    """
    app = await shop.supervisor.start(shop.python(source))
    await app.ready()
    await shop.supervisor.stop("web")
    assert shop.log.of("web") == ["goodbye"]
    assert app.exit_code == 3


async def test_children_of_a_failed_command_do_not_stay(shop: Workshop) -> None:
    app = await shop.supervisor.start(shop.spec("sleep 600 & echo $!; exit 4"))
    state = await app.settled()
    assert (state.state, state.exit_code) == ("failed", 4)
    assert shop.machine.start_time(int(shop.log.of("web")[0])) is None


async def test_stopping_while_it_is_being_started(shop: Workshop) -> None:
    for _ in range(5):
        app = await shop.supervisor.start(shop.spec("sleep 600"))
        await asyncio.sleep(0)
        await shop.supervisor.stop("web")
        assert app.state == "stopped"


async def test_requests_wait_while_a_dev_server_starts_itself_anew(shop: Workshop) -> None:
    source = """
    first = listener('127.0.0.1', PORT)
    while not os.path.exists('down'): time.sleep(0.01)
    first.close()
    while not os.path.exists('up'): time.sleep(0.01)
    serve('127.0.0.1', PORT, reuse=False)
    """
    app = await shop.supervisor.start(shop.python(source))
    await app.ready()
    (shop.folder / "down").touch()
    await shop.until(lambda: app.address() is None)
    finding = app.explain(ConnectionRefusedError(111, "Connection refused"))
    assert finding.code == "app-refused"
    (shop.folder / "up").touch()
    await app.ready()


async def test_a_look_that_sees_nothing_is_not_its_end(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where this process has no descriptor left to read /proc with."""
    app = await shop.supervisor.start(
        shop.python("while not os.path.exists('go'): time.sleep(0.01)\nserve('127.0.0.1', PORT)")
    )
    await shop.until(lambda: app.pid is not None)
    monkeypatch.setattr("homeport.machine.proc.stat", lambda pid: None)
    await shop.until(lambda: app.pid is None)
    monkeypatch.undo()
    (shop.folder / "go").touch()
    await app.ready()
    assert app.state == "ready"
