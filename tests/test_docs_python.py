"""docs/python.md is kept true: what stands in its blocks runs, in their order, with an engine of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from homeport.control.launch import ensure_engine
from homeport.machine.home import Home
from homeport.model.route import RouteSpec
from tests.engine_home import ended_with

PAGE = Path(__file__).parent.parent / "docs" / "python.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


def test_every_block_runs(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tests = [block for block in BLOCKS if "def test_" in block]
    names: dict[str, object] = {}
    with ended_with(home):
        routes = ensure_engine(Home(str(home))).routes
        routes.add(RouteSpec(name="web", target="http://127.0.0.1:9"))
        routes.add(RouteSpec(name="game", target="udp:127.0.0.1:9", listen="127.0.0.1:0"))
        for block in BLOCKS:
            exec(compile(block, str(PAGE), "exec"), names)
        (tmp_path / "test_page.py").write_text("import socket\n\n" + "\n".join(tests))
        # A pytest of its own, so that the fixtures come the way that they come to users: by the entry point.
        words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio", "test_page.py"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, "3 passed" in done.stdout) == (0, True), done.stdout


def test_every_public_name_is_told() -> None:
    from homeport import net, ports, pytest_plugin

    page = PAGE.read_text("utf-8")
    fixtures = {name for name in vars(pytest_plugin) if name.startswith(("free_", "net_"))}
    assert set(ports.__all__) - {"Lease"} <= set(re.findall(r"\bports\.(\w+)", page))
    assert {name for name in net.__all__ if name.islower()} <= set(re.findall(r"\bnet\.(\w+)", page))
    assert fixtures == set(re.findall(r"\(((?:free|net)_\w+)\)", page))
