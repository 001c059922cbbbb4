"""`homeport lease`, `leases` and `release`: what is asked of the engine, what is printed, and real shells."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from homeport.cli.lease_command import with_ports
from homeport.machine.caller import caller
from homeport.model.lease import LeaseOwner, LeaseState
from tests.cli.fake_engine import FakeEngine, invoke
from tests.engine_home import ended_with

HOMEPORT = f"{sys.executable} -m homeport"
needs_shells = pytest.mark.skipif(sys.platform == "win32", reason="POSIX shells")


def test_a_port_is_data_and_nothing_else_is(surroundings: Path) -> None:
    engine = FakeEngine()
    assert invoke("lease", engine) == invoke("lease", FakeEngine())
    done = invoke("lease web --count 2", engine)
    assert (done.status, done.out, done.err) == (0, "20002\n20003\n", "")
    spec = engine.leases.asked[-1]
    assert (spec.name, spec.count, spec.folder, spec.alone) == ("web", 2, str(surroundings), False)
    assert spec.pid == caller() != os.getpid()


def test_asking_again_says_so_in_json() -> None:
    engine = FakeEngine()
    assert [one["again"] for one in json.loads(invoke("lease web --json", engine).out)] == [False]
    assert [one["again"] for one in json.loads(invoke("lease web --json", engine).out)] == [True]


def test_whose_end_is_its_end() -> None:
    engine = FakeEngine()
    for words in ("lease --keep", "lease --pid 4711"):
        assert invoke(words, engine).status == 0
    assert [spec.pid for spec in engine.leases.asked] == [0, 4711]
    engine.leases.table.dead.add(4711)
    done = invoke("lease --pid 4711", engine)
    assert (done.status, done.err.splitlines()[0]) == (1, "error: no process has the pid 4711")


@pytest.mark.parametrize(
    ("words", "out"),
    [
        ("lease --env", "export PORT=20001;\n"),
        ("lease api --env", "export API_PORT=20001;\n"),
        ("lease api --count 2 --env", "export API_PORT1=20001;\nexport API_PORT2=20002;\n"),
        ("lease api --shell fish", "set -gx API_PORT 20001;\n"),
        ("lease api --shell powershell", "$env:API_PORT = 20001;\n"),
        ("lease --portserver", "export PORTSERVER_ADDRESS='/home/me/it'\\''s/portserver.sock';\n"),
        ("lease --portserver --shell powershell", "$env:PORTSERVER_ADDRESS = '/home/me/it''s/portserver.sock';\n"),
        ("lease --portserver --json", '{\n  "PORTSERVER_ADDRESS": "/home/me/it\'s/portserver.sock"\n}\n'),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="there PowerShell's is the default")
def test_lines_for_eval(words: str, out: str) -> None:
    assert invoke(words, FakeEngine()).out == out


@pytest.mark.parametrize(
    "words",
    [
        "lease --",
        "lease a b",
        "lease --count x",
        "lease --pid 0",
        "lease --pid 1 --keep",
        "lease --env -- true",
        "lease --keep -- true",
        "lease --portserver web",
        "lease --shell tcsh",
        "release",
        "release web --all",
        "release 70000",
    ],
)
def test_mistakes_lease_nothing(words: str) -> None:
    engine = FakeEngine()
    done = invoke(words, engine)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("error: ")
    assert engine.leases.list() == []


def test_the_table_names_owners_and_ends() -> None:
    engine = FakeEngine()
    sh, node = LeaseOwner(pid=7, process="sh"), LeaseOwner(pid=8, process="node")
    engine.leases.table.all = [
        LeaseState(port=20001, name="web", folder="/a", owners=(sh, node)),
        LeaseState(port=20002, name="web", number=2, folder="/a"),
        LeaseState(port=20003, name="api", folder="/b", kind="app", owners=(node,)),
        LeaseState(port=20004, kind="portserver", owners=(node,)),
    ]
    assert [line.split(maxsplit=1) for line in invoke("leases", engine).out.splitlines()] == [
        ["port", "name     for                       until           folder"],
        ["20001", "web      sh (pid 7), node (pid 8)  it ends         /a"],
        ["20002", "web (2)                            it is released  /a"],
        ["20003", "api      node (pid 8)              the app stops   /b"],
        ["20004", "node (pid 8)              it ends"],
    ]
    found = msgspec.json.decode(invoke("leases --json", engine).out, type=list[LeaseState])
    assert found == engine.leases.table.all


def test_without_an_engine_nothing_is_leased_and_none_is_started() -> None:
    assert (invoke("leases").status, invoke("leases").err) == (0, "no port is leased\n")
    assert invoke("leases --json").out == "[]\n"
    assert invoke("release --all").status == 0
    assert invoke("release web").status == 1


def test_giving_back_by_name_port_and_all() -> None:
    engine = FakeEngine()
    for words in ("lease web --count 2", "lease", "lease api"):
        invoke(words, engine)
    assert invoke("release web", engine).err == "port 20001 (web) is released\nport 20002 (web) is released\n"
    assert invoke("release 20003", engine).err == "port 20003 is released\n"
    assert [one["port"] for one in json.loads(invoke("release --all --json", engine).out)] == [20004]


def test_places_in_words() -> None:
    words = ["--http={port}", "{port2}:{port1}", "${port}", "{port3}", "{host}"]
    assert with_ports(words, [7, 8]) == ["--http=7", "8:7", "${port}", "{port3}", "{host}"]


@pytest.fixture
def engine(home: Path) -> Iterator[None]:
    with ended_with(home):
        yield


def sh(script: str, shell: str = "sh") -> subprocess.CompletedProcess[str]:
    """In one shell; $H is homeport."""
    environ = {**os.environ, "H": HOMEPORT}
    return subprocess.run([shell, "-c", script], env=environ, capture_output=True, text=True, check=False)


@needs_shells
@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_lease_belongs_to_the_shell_and_not_to_its_copies(shell: str) -> None:
    script = "A=$($H lease web); B=$($H lease web | cat); ($H lease web >/dev/null); echo $A $B $$; $H leases --json"
    done = sh(script, shell)
    first, _, rest = done.stdout.partition("\n")
    a, b, pid = first.split()
    [lease] = json.loads(rest)
    assert a == b == str(lease["port"]), done.stderr
    assert [owner["pid"] for owner in lease["owners"]] == [int(pid)]
    assert sh("$H leases --json").stdout == "[]\n"


@needs_shells
@pytest.mark.usefixtures("engine")
def test_a_shell_that_was_started_is_no_copy() -> None:
    done = sh("""sh -c 'A=$($H lease); echo $$; '; B=$($H lease); echo $$; $H leases --json""")
    inner, outer, rest = done.stdout.split("\n", 2)
    assert [owner["pid"] for lease in json.loads(rest) for owner in lease["owners"]] == [int(outer)]
    assert inner != outer


@needs_shells
@pytest.mark.usefixtures("engine")
def test_a_command_takes_our_place_with_its_ports() -> None:
    done = sh(
        """$H lease dev --count 2 -- sh -c 'echo $PORT $PORT1 $PORT2 $DEV_PORT1 $DEV_PORT2 {port} {port2}; exit 7'"""
    )
    ports = done.stdout.split()
    assert done.returncode == 7
    assert ports == [ports[0], ports[0], ports[2], ports[0], ports[2], ports[0], ports[2]]
    assert sh("$H lease -- 'yes | head -1; echo $PORT'").stdout.startswith("y\n")
    assert sh("$H lease -- yes | head -1").stdout == "y\n"  # SIGPIPE is as it was
    missing = sh("$H lease -- no-such-program; echo $?; $H leases --json")
    assert missing.stdout == "127\n[]\n"
    assert "no-such-program" in missing.stderr


@needs_shells
@pytest.mark.usefixtures("engine")
def test_its_signals_are_its_own_and_its_name_is_refused_meanwhile() -> None:
    trap = "trap 'exit 9' TERM; echo $PORT $$; while :; do sleep 0.05; done"
    words = [sys.executable, "-m", "homeport", "lease", "dev", "--", "sh", "-c", trap]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as command:
        assert command.stdout
        port, pid = command.stdout.readline().split()
        assert int(pid) == command.pid
        refused = sh("$H lease dev -- true")
        asked = sh("$H lease dev")  # to ask is not to bind
        command.send_signal(signal.SIGTERM)
    assert (refused.returncode, f"is used by sh (pid {pid})" in refused.stderr) == (1, True)
    assert (asked.stdout, command.returncode) == (f"{port}\n", 9)
    assert sh("$H lease dev -- sh -c 'echo $PORT'").stdout == f"{port}\n"


@needs_shells
@pytest.mark.usefixtures("engine")
def test_a_lease_keeps_the_engine_and_its_end_ends_it(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("HOMEPORT_IDLE_EXIT_S", "0.2")
    done = sh("P=$($H lease web); sleep 0.8; test -S $HOMEPORT_HOME/engine.sock && $H lease web --json")
    assert [one["again"] for one in json.loads(done.stdout)] == [True]
    sh("while test -S $HOMEPORT_HOME/engine.sock; do sleep 0.05; done")


@needs_shells
@pytest.mark.usefixtures("engine")
def test_portpicker_in_a_shell() -> None:
    code = "import portpicker; print(portpicker.pick_unused_port())"
    done = sh(f'eval "$($H lease --portserver)"; {sys.executable} -c "{code}"; $H leases --json; $H lease --keep')
    port, leases, kept = done.stdout.splitlines()
    assert 10_000 <= int(port) < 49152, done.stderr
    assert (leases, sh("$H release " + kept).returncode) == ("[]", 0)
