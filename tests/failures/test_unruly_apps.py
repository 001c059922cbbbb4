"""Apps that fork and leave, ignore signals, hold pipes, and write what no log should hold: `stop` ends all of it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from homeport.model.app import Ready
from tests.failures.stage import MIB, Stage, runs, until

DAEMON = """
import http.server, os, sys
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
os.chdir("/")
if "--quiet" in sys.argv:
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(null, descriptor)
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), http.server.SimpleHTTPRequestHandler)
server.serve_forever()
"""

# Each generation writes its pid, ignores SIGTERM and begets the next.
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
depth = int(sys.argv[1])
if depth:
    subprocess.Popen([sys.executable, __file__, str(depth - 1)], start_new_session=depth == 2)
open("pids", "a").write(f"{os.getpid()}\\n")
print("here", depth, flush=True)
time.sleep(600)
"""

# It ends at once; what it leaves behind has another session, another environment, and its pipes.
HEIR = """
import os, subprocess, sys
keep = subprocess.Popen([sys.executable, "-c", "import time; print('heir', flush=True); time.sleep(600)"],
                        start_new_session=True, env=ENV)
open("pids", "w").write(str(keep.pid))
os._exit(3)
"""

FLOOD = """
import os, sys, threading
size = 25 << 20
def flood(descriptor, make):
    left = size
    while left:
        left -= os.write(descriptor, make(min(left, 65536)))
other = threading.Thread(target=flood, args=(2, os.urandom))
other.start()
flood(1, lambda count: b"x" * count)
other.join()
print("\\nthe flood is over", flush=True)
import http.server
address = ("127.0.0.1", int(os.environ["PORT"]))
http.server.ThreadingHTTPServer(address, http.server.SimpleHTTPRequestHandler).serve_forever()
"""


def pids(stage: Stage, count: int) -> list[int]:
    path = stage.folder / "pids"

    def found() -> list[int]:
        return [int(word) for word in path.read_text().split()] if path.exists() else []

    until(lambda: len(found()) == count)
    return found()


@pytest.mark.parametrize("words", [[], ["--quiet"]], ids=["with its pipes", "with none"])
def test_a_daemon_is_followed_and_stopped(stage: Stage, words: list[str]) -> None:
    engine = stage.engine()
    spec = stage.python(DAEMON)
    state = stage.start(engine, stage.spec([*spec.command, *words]))
    assert engine.get("/web.py")[0] == 404, "it went to /"
    assert runs(state.pid)
    assert os.getsid(state.pid or 0) != state.pid, "it is the grandchild, in the session of the child"
    stopped = engine.client.apps.stop("web")
    assert stopped.state == "stopped"
    assert not runs(state.pid)


def test_a_daemon_of_a_killed_engine(stage: Stage) -> None:
    engine = stage.engine()
    spec = stage.python(DAEMON)
    pid = stage.start(engine, stage.spec([*spec.command, "--quiet"])).pid
    stage.kill(engine)
    assert runs(pid)
    assert f"pid {pid}" in stage.homeport("status").stderr
    assert not runs(pid)


def test_sigterm_ignored_by_three_generations(stage: Stage) -> None:
    engine = stage.engine()
    script = stage.folder / "stubborn.py"
    script.write_text(STUBBORN)
    stage.start(engine, stage.spec([sys.executable, str(script), "2"], listens="no", stop_timeout_s=0.5))
    family = pids(stage, 3)
    until(lambda: len([line for line in engine.client.logs.list("web") if line.stream == "out"]) == 3)
    assert all(runs(pid) for pid in family)
    stopped = engine.client.apps.stop("web")
    assert (stopped.state, stopped.exit_code) == ("stopped", 128 + signal.SIGKILL)
    assert [pid for pid in family if runs(pid)] == []
    said = [line.text for line in engine.client.logs.list("web") if line.stream == "homeport"]
    assert "did not end within 0.5 s: killed" in said


@pytest.mark.parametrize("env", ["None", "{'PATH': os.environ['PATH']}"], ids=["as it was", "with a new environment"])
def test_a_child_that_outlives_its_app_with_the_pipes(stage: Stage, env: str) -> None:
    engine = stage.engine()
    engine.client.apps.start([stage.python(HEIR.replace("ENV", env))])
    [heir] = pids(stage, 1)
    try:
        state = engine.client.apps.wait("web")
        assert (state.state, state.exit_code) == ("failed", 3)
        if env == "None":
            assert not runs(heir), "what is known to be the app's ends with it"
        stage.origin(engine)
        assert engine.get()[0] == 200
        engine.client.apps.stop("web")
        stage.down(engine)
    finally:
        if runs(heir):
            os.kill(heir, signal.SIGKILL)


def test_fifty_megabytes_without_a_line_and_binary_garbage(stage: Stage) -> None:
    engine = stage.engine()
    stage.origin(engine)
    before = engine.rss()
    engine.forget_peak()
    engine.client.apps.start([stage.python(FLOOD, "flood", default=False, ready=Ready(log="the flood is over"))])
    while engine.client.apps.list()[1].state == "starting":
        assert engine.get() == (200, b"hello")
    state = engine.client.apps.wait("flood")
    assert state.state == "ready", state
    peak = engine.peak() - before
    size = Path(stage.home.store).stat().st_size
    print(f"engine: peak {peak / MIB:+.1f} MiB, store {size / MIB:.0f} MiB")
    assert peak < 48 * MIB
    last = engine.client.logs.list("flood", limit=3)
    assert "the flood is over" in [line.text for line in last]
    pieces = [len(line.text) for line in engine.client.logs.list("flood", limit=500)]
    assert max(pieces) <= 64 * 1024
    engine.client.apps.stop("flood")
