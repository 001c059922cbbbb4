"""The edges of the command line: mistakes, surprises, closed pipes, quick commands, completion."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from homeport.cli.group import COMMANDS
from tests.cli.fake_engine import FakeEngine, app, invoke

HOMEPORT = [sys.executable, "-m", "homeport"]


def command(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*HOMEPORT, *words], capture_output=True, text=True, env={**os.environ, **environ})


def test_mistyped_command_names_the_nearest() -> None:
    outcome = invoke("statsu")
    assert outcome.status == 2
    assert outcome.err == "error: 'statsu' is not a command; did you mean `homeport status`?\nhint: homeport --help\n"


def test_mistyped_option_points_to_help() -> None:
    outcome = invoke("logs --folow")
    assert outcome.status == 2
    assert "--follow" in outcome.err
    assert "hint: homeport logs --help" in outcome.err


def test_options_alone_are_those_of_up() -> None:
    assert "holds nothing that homeport knows" in invoke("-d --requests").err
    assert "no such option '--nope'" in invoke("--nope").err


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_every_command_has_examples(name: str) -> None:
    result = invoke([name, "--help"])
    assert result.status == 0
    assert result.err == ""


def test_a_surprise_leaves_a_file_and_no_traceback(home: Path) -> None:
    engine = FakeEngine()
    engine.apps.list = lambda: 1 / 0  # type: ignore[assignment,method-assign,return-value]
    outcome = invoke("logs", engine)
    assert outcome.status == 70
    assert "Traceback" not in outcome.err
    file = Path(outcome.err.rstrip().rpartition(" ")[2])
    assert file.parent == home
    assert "ZeroDivisionError" in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_colours_only_where_they_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine(app())
    assert "\x1b[" in invoke("status", engine, screen=True).out
    assert "\x1b[" not in invoke("status --no-color", engine, screen=True).out
    assert "\x1b[" not in invoke("--no-color status", engine, screen=True).out
    assert "\x1b[" not in invoke("status", engine).out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in invoke("status", engine, screen=True).out


def test_door_of_a_running_engine_is_not_changed() -> None:
    outcome = invoke("requests --door 127.0.0.1:8000", FakeEngine())
    assert outcome.status == 2
    assert "already runs with its door on 127.0.0.1:62893" in outcome.err
    assert invoke("requests --door 127.0.0.1:62893", FakeEngine()).status == 0


def test_notices_of_a_new_engine_are_told_once() -> None:
    engine = FakeEngine()
    engine.engine.notices = ["web (pid 7) was left behind; it was stopped"]
    assert "warning: web (pid 7) was left behind" in invoke("requests", engine, new=True).err
    assert "left behind" not in invoke("requests", engine).err


def test_version_without_click() -> None:
    code = (
        "import sys; sys.argv[1:] = ['version']; from homeport.cli import main\ntry: main()\nfinally: "
        "print(sorted({'click', 'rich', 'msgspec', 'asyncio', 'socket'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[1] == "[]"


def test_status_without_click_or_msgspec() -> None:
    code = (
        "import sys; sys.argv[1:] = ['status']; from homeport.cli import main\ntry: main()\nfinally: "
        "print(sorted({'click', 'rich', 'msgspec', 'asyncio', 'dataclasses', 'inspect'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "nothing runs\n[]\n"


def test_closed_pipe_is_quiet() -> None:
    script = f"{sys.executable} -m homeport requests --help | head -1; echo ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
    assert result.stderr == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script(shell: str) -> None:
    out = invoke(["completion", shell]).out
    assert "_HOMEPORT_COMPLETE" in out


def test_completion_answers() -> None:
    result = command(_HOMEPORT_COMPLETE="bash_complete", COMP_WORDS="homeport re", COMP_CWORD="1")
    assert result.stdout.split() == ["plain,requests", "plain,release", "plain,restart"]
