"""What an engine has loaded when it is ready: every command that finds none waits for that."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

READY = """
import gc, os, signal, sys
from homeport import build
from homeport.control import daemon

settle = daemon.settle

def told():
    settle()
    print(*sys.modules, gc.isenabled())
    os.kill(os.getpid(), signal.SIGTERM)

daemon.settle = told
sys.exit(build.main(["--foreground"]))
"""
# What only some sessions need, and some take longer to load than the whole engine.
LATER = {
    "click",
    "cryptography",
    "h2",
    "homeport.conditions.profiles",
    "homeport.conditions.text",
    "homeport.conditions.timeline",
    "homeport.gateway.conditioned",
    "homeport.gateway.h2_inbound",
    "homeport.gateway.h2_outbound",
    "homeport.gateway.h2_upstream",
    "homeport.gateway.stream_link",
    "homeport.recording.filter",
    "homeport.recording.store",
    "homeport.wire.h2",
    "httpx2",
    "ngh2",
    "psutil",
    "rich",
    "sqlite3",
    "tomllib",
}


@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
def test_an_engine_loads_what_every_session_needs(home: Path) -> None:
    done = subprocess.run([sys.executable, "-c", READY], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *loaded, collects = done.stdout.split()
    assert "homeport.gateway.door" in loaded
    assert sorted(LATER & set(loaded)) == []
    assert collects == "True", "the collector rests while it starts, and then works"
