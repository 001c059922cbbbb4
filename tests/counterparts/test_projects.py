"""Projects at work: two branches side by side, an app that wakes up, the order of needs, a start after a failure."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.counterparts.audience import by_chromium, by_curl
from tests.counterparts.stage import Stage

# Says its name; on SIGTERM it says good-bye. GET /end ends it badly.
APP = """
import os, signal, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer

name = sys.argv[1]

class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/end":
            os._exit(9)
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(f"<!doctype html><title>{name}</title><h1>{name}</h1>".encode())

    def log_message(self, *words):
        pass

def stop(number, frame):
    with open("story", "a") as story:
        story.write(f"{name} ends\\n")
    sys.exit(0)

signal.signal(signal.SIGTERM, stop)
with HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Page) as server:
    with open("story", "a") as story:
        story.write(f"{name} listens\\n")
    server.serve_forever()
"""

pytestmark = pytest.mark.counterpart("curl", "chromium")


def story(stage: Stage) -> list[str]:
    path = stage.folder / "story"
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.counterpart("git")
def test_two_branches_side_by_side(stage: Stage, page: Page) -> None:
    stage.write("homeport.toml", 'name = "shop"\n[apps.web]\nrun = ["python", "app.py", "main"]\n')
    stage.write("app.py", APP)
    git(stage.folder, "init", "-q", "-b", "main")
    git(stage.folder, "add", ".")
    git(stage.folder, "-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "-qm", "Open the shop")
    other = stage.folder.with_name("other")
    git(stage.folder, "worktree", "add", "-q", "-b", "feature/sale", str(other))
    (other / "homeport.toml").write_text('name = "shop"\n[apps.web]\nrun = ["python", "app.py", "sale"]\n')

    with stage.perform("up", status=0) as main:
        main.says("web is ready")
        with stage.perform("up", status=0, folder=other) as sale:
            sale.says("feature-sale.web is ready")
            by_curl(stage, "web", "<h1>main</h1>")
            by_curl(stage, "feature-sale.web", "<h1>sale</h1>", is_default=False)
            by_chromium(stage, page, "feature-sale.web", "sale")
        by_chromium(stage, page, "web", "main")


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


def test_the_first_request_starts_it_and_waits(stage: Stage, page: Page) -> None:
    stage.write("app.py", APP)
    stage.write(
        "homeport.toml",
        """
        [apps.admin]
        run = "echo waking up; sleep 1; exec python app.py admin"
        start = "on-request"
        idle_stop = "1s"
        """,
    )
    with stage.perform("up", status=0) as run:
        run.says("admin starts on the first request")
        assert stage.app("admin")["pid"] is None
        by_chromium(stage, page, "admin", "admin")
        assert story(stage) == ["admin listens"]
        (asked,) = stage.requests("route:admin", "path:/", "-path:/favicon")
        assert asked["duration_ms"] > 1000
        run.says("admin starts on the first request", times=2)
        assert story(stage) == ["admin listens", "admin ends"]
        by_curl(stage, "admin", "<h1>admin</h1>")
        assert story(stage)[2:] == ["admin listens"]


def test_what_is_needed_starts_before_and_ends_after(stage: Stage) -> None:
    stage.write("app.py", APP)
    stage.write(
        "homeport.toml",
        """
        [apps.web]
        run = ["python", "app.py", "web"]
        needs = ["api"]

        [apps.api]
        run = ["python", "app.py", "api"]
        needs = ["db"]
        ready = "/health"

        [apps.db]
        run = "sleep 0.5; exec python app.py db"
        """,
    )
    with stage.perform("up", status=0) as run:
        run.says("web is ready")
        assert story(stage) == ["db listens", "api listens", "web listens"]
        by_curl(stage, "web", "<h1>web</h1>")
    assert story(stage)[3:] == ["web ends", "api ends", "db ends"]


def test_a_failure_is_followed_by_a_new_start(stage: Stage, page: Page) -> None:
    stage.write("app.py", APP)
    stage.write("homeport.toml", '[apps.web]\nrun = ["python", "app.py", "web"]\nrestart = "on-failure"\n')
    with stage.perform("up", status=0) as run:
        run.says("web is ready")
        gone = stage.curl("-H", "Accept: application/json", "http://127.0.0.1:{port}/end")
        assert gone.status == 502
        assert json.loads(gone.text)["error"]["what"].startswith("web ")
        assert "9" in run.says("will be started again")
        by_curl(stage, "web", "<h1>web</h1>")
        by_chromium(stage, page, "web", "web")
        state = stage.app("web")
        assert (state["state"], state["restarts"]) == ("ready", 1)


def test_without_restart_the_failure_is_the_end(stage: Stage) -> None:
    stage.write("app.py", APP)
    stage.homeport("run", "-d", "--name", "web", "--", "python", "app.py", "web")
    stage.curl("http://127.0.0.1:{port}/end")
    told = stage.curl("-H", "Accept: application/json", "http://127.0.0.1:{port}/")
    assert told.status == 502
    assert "web exited with code 9" in told.text
    page = stage.curl("-H", "Accept: text/html", "http://127.0.0.1:{port}/")
    assert (page.status, page.type.partition(";")[0]) == (502, "text/html")
    assert "web exited with code 9" in page.text
