"""The example projects load as their README says, and their programs answer on the port that they are given."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from homeport.app.project import load_project

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize(
    ("example", "source", "apps", "default"),
    [
        ("node-api", "homeport.toml", ["web", "api"], "web"),
        ("procfile", "Procfile", ["web", "api", "clock"], "web"),
        ("static", "homeport.toml", ["site"], "site"),
        ("game", "homeport.toml", ["server"], "server"),
    ],
)
def test_examples_load_without_a_notice(example: str, source: str, apps: list[str], default: str) -> None:
    project = load_project(EXAMPLES / example, {})
    assert (project.source, [spec.name for spec in project.specs]) == (source, apps)
    assert [spec.name for spec in project.specs if spec.default] == [default]
    assert project.notices == []


def test_the_procfile_example_reads_its_env_file() -> None:
    assert load_project(EXAMPLES / "procfile", {}).specs[0].env["GREETING"] == "Ahoy from the Procfile"


@pytest.fixture
def port() -> Iterator[int]:
    """Held as leases are: bound with SO_REUSEADDR and never listening, so that only a child can listen there."""
    with socket.socket() as hold:
        hold.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        hold.bind(("127.0.0.1", 0))
        yield hold.getsockname()[1]


@pytest.mark.parametrize(
    ("program", "script", "path", "expected"),
    [
        pytest.param("node", "node-api/server.js", "/", b"Harbour log", marks=pytest.mark.counterpart("node")),
        (sys.executable, "node-api/api.py", "/ships", b"Aurora"),
        (sys.executable, "procfile/web.py", "/", b"at.home"),
    ],
)
def test_programs_answer_where_they_are_told(program: str, script: str, path: str, expected: bytes, port: int) -> None:
    env = os.environ | {"PORT": str(port), "HOST": "127.0.0.1", "GREETING": "at.home"}
    with subprocess.Popen([program, EXAMPLES / script], env=env, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert str(port).encode() in process.stdout.readline()  # "… listens on …": from now on it answers
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
                assert expected in answer.read()
        finally:
            process.terminate()
