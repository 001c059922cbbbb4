"""`serve --with`: the real nginx and the real Apache, run by their launcher and driven by curl."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from homeport.model.errors import HomeportError
from homeport.targets import webserver_programs
from homeport.targets.webserver_config import Site, apache_command, nginx_command
from homeport.targets.webservers import Kind, serve_with

NOBODY = 65534
BECOME = """
import os, sys, homeport.targets.webserver_config
from homeport.targets.webservers import main
os.setgid(int(sys.argv[1]))
os.setuid(int(sys.argv[1]))
sys.exit(main(sys.argv[2:]))
"""

both = pytest.mark.parametrize(
    "kind",
    [
        pytest.param("nginx", marks=pytest.mark.counterpart("nginx", "curl")),
        pytest.param("apache", marks=pytest.mark.counterpart("apache2", "curl")),
    ],
)
Start = Callable[..., "Running"]


class Running:
    """A real server that answers, and curl to ask it."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, output: socket.socket | None) -> None:
        self.process = process
        self.port = port
        self.output = output

    def curl(self, path: str, *words: str) -> tuple[int, dict[str, str], bytes]:
        command = ["curl", "-sS", "-i", "--path-as-is", "--noproxy", "*", *words, f"http://127.0.0.1:{self.port}{path}"]
        said = subprocess.run(command, capture_output=True, check=True, timeout=20).stdout
        head, _, body = said.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        return int(first.split()[1]), headers, body

    def stop(self) -> bytes:
        """SIGTERM, as the supervisor does; what it wrote."""
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=20)
        if self.output is not None:
            self.output.settimeout(20)
            while chunk := self.output.recv(65536):
                out = (out or b"") + chunk
        return out or b""


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that every user may enter: as root Apache serves as another user, who may not enter pytest's folders."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def site(public: Path) -> Path:
    folder = public / 'my "site" $x; {y} [1]'
    (folder / "docs").mkdir(parents=True)
    (folder / "files").mkdir()
    (folder / "index.html").write_text("<p>home</p>")
    (folder / "docs" / "index.html").write_text("<p>docs</p>")
    (folder / "files" / "ü.txt").write_text("ü" * 5000)
    (folder / "app.mjs").write_text("export {}\n" * 500)
    (folder / ".env").write_text("TOKEN=1")
    (folder / ".well-known").mkdir()
    (folder / ".well-known" / "security.txt").write_text("Contact: x")
    return folder


@pytest.fixture
def start(public: Path, site: Path) -> Iterator[Start]:
    with contextlib.ExitStack() as running:

        def start_it(
            kind: Kind, *, spa: bool = False, listing: bool = True, user: int | None = None, on_socket: bool = False
        ) -> Running:
            state = public / f"state-{kind}"
            if user is not None:
                state.mkdir(mode=0o700)
                os.chown(state, user, user)
            ours, theirs = socket.socketpair() if on_socket else (None, None)
            port = _free_port()
            words = serve_with(kind, str(site), spa, str(state), listing=listing)
            if user is not None:  # who may not even enter the folder of this interpreter: it changes once it runs
                words = [sys.executable, "-c", BECOME, str(user), *words[3:]]
            process = subprocess.Popen(
                words,
                env={**os.environ, "PORT": str(port), "HOST": "127.0.0.1"},
                stdin=subprocess.DEVNULL,
                stdout=theirs.fileno() if theirs else subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            if ours and theirs:
                theirs.close()
                running.callback(ours.close)
            running.callback(_end, process)
            _wait_for(port, process)
            return Running(process, port, ours)

        yield start_it


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"it ended with {process.returncode}: {process.stdout.read() if process.stdout else b''!r}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    pytest.fail("it does not listen")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stdout:
        process.stdout.close()


@both
def test_it_serves_as_the_built_in_server_does(kind: Kind, start: Start) -> None:
    server = start(kind)
    status, headers, body = server.curl("/")
    assert (status, body) == (200, b"<p>home</p>")
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["cache-control"] == "no-cache"
    assert server.curl("/docs/")[2] == b"<p>docs</p>"
    assert server.curl("/docs")[1]["location"].endswith("/docs/")
    assert server.curl("/app.mjs")[1]["content-type"] == "text/javascript; charset=utf-8"
    status, headers, body = server.curl("/files/%C3%BC.txt", "-r", "0-3")
    assert (status, body) == (206, "üü".encode())
    assert b"%c3%bc.txt" in server.curl("/files/")[2].lower()
    assert server.curl("/none")[0] == 404
    assert server.curl("/.env")[0] == 404
    assert server.curl("/../state-nginx/nginx.conf")[0] in (400, 404)
    assert server.curl("/.well-known/security.txt")[0] == 200


@both
def test_text_is_compressed_and_known_again(kind: Kind, start: Start) -> None:
    server = start(kind)
    status, headers, _ = server.curl("/app.mjs", "-H", "Accept-Encoding: gzip", "-H", "Via: 1.1 homeport")
    assert (status, headers["content-encoding"]) == (200, "gzip")
    assert "accept-encoding" in headers["vary"].lower()
    again = server.curl("/app.mjs", "-H", "Accept-Encoding: gzip", "-H", f"If-None-Match: {headers['etag']}")
    assert again[0] == 304


@both
def test_spa_answers_unknown_pages_with_the_index(kind: Kind, start: Start) -> None:
    server = start(kind, spa=True)
    assert server.curl("/users/7")[::2] == (200, b"<p>home</p>")
    assert server.curl("/docs/")[2] == b"<p>docs</p>"
    assert server.curl("/missing.js")[0] == 404


@both
def test_a_listing_can_be_switched_off(kind: Kind, start: Start) -> None:
    server = start(kind, listing=False)
    assert server.curl("/files/")[0] in (403, 404)
    assert server.curl("/docs/")[0] == 200


@both
def test_links_to_other_peoples_files_are_refused(kind: Kind, start: Start, site: Path) -> None:
    foreign = Path("/etc/hostname")
    if foreign.stat().st_uid == os.geteuid():
        foreign = site.parent / "foreign.txt"
        foreign.write_text("x")
        os.chown(foreign, NOBODY, NOBODY)
    (site / "link.txt").symlink_to(foreign)
    (site / "own.txt").symlink_to("app.mjs")
    server = start(kind)
    assert server.curl("/link.txt")[0] in (403, 404)
    assert server.curl("/own.txt")[0] == 200


@both
def test_it_logs_to_its_output_and_ends_on_sigterm(kind: Kind, start: Start) -> None:
    server = start(kind)
    server.curl("/docs/?seen=1")
    assert b'"GET /docs/?seen=1 HTTP/1.1" 200' in server.stop()
    assert server.process.returncode == 0


@both
def test_it_logs_to_a_socket_too(kind: Kind, start: Start) -> None:
    server = start(kind, on_socket=True)
    server.curl("/docs/?seen=1")
    assert b'"GET /docs/?seen=1 HTTP/1.1" 200' in server.stop()


@both
def test_a_plain_user_can_run_it(kind: Kind, start: Start) -> None:
    server = start(kind, user=NOBODY if os.geteuid() == 0 else None)
    assert server.curl("/docs/")[0] == 200


@both
def test_its_configuration_is_private(kind: Kind, start: Start, public: Path) -> None:
    start(kind)
    state = public / f"state-{kind}"
    assert state.stat().st_mode & 0o777 == 0o700
    assert (state / f"{kind}.conf").stat().st_mode & 0o777 == 0o600


@pytest.mark.counterpart("nginx")
def test_a_taken_port_ends_it_with_a_reason(public: Path, site: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = subprocess.run(
            serve_with("nginx", str(site), False, str(public / "state")),
            env={**os.environ, "PORT": str(taken.getsockname()[1])},
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert done.returncode == 1
    assert "Address already in use" in done.stderr


@pytest.mark.counterpart("apache2")
def test_apache_as_root_says_which_user_may_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root serves as another user")
    tmp_path.chmod(0o700)
    done = subprocess.run(
        serve_with("apache", str(tmp_path), False, str(tmp_path / "state")),
        env={**os.environ, "PORT": "1"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 1
    assert "may not read" in done.stderr
    assert "--with nginx" in done.stderr


@pytest.mark.parametrize(
    ("manager", "kind", "hint"),
    [
        ("apt-get", "apache", "apt install apache2"),
        ("dnf", "apache", "dnf install httpd"),
        ("pacman", "nginx", "pacman -S nginx"),
        ("brew", "apache", "brew install httpd"),
        (None, "nginx", "put it on PATH"),
    ],
)
def test_what_is_missing_is_named_with_the_command_that_installs_it(
    manager: str | None, kind: Kind, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if manager:
        (tmp_path / manager).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(webserver_programs, "FOLDERS", ())
    with pytest.raises(HomeportError, match="is not installed") as failure:
        serve_with(kind, str(tmp_path), False, str(tmp_path / "state"))
    assert failure.value.code == "not-installed"
    assert hint in failure.value.hint


def test_what_cannot_be_served_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HomeportError, match="is not a directory"):
        serve_with("nginx", str(tmp_path / "none"), False, str(tmp_path))
    with pytest.raises(HomeportError, match="not a web server"):
        serve_with("caddy", str(tmp_path), False, str(tmp_path))  # type: ignore[arg-type]
    (tmp_path / "a\nb").mkdir()
    site = Site(directory=str(tmp_path / "a\nb"), listen="127.0.0.1:1", state_dir=str(tmp_path))
    for make in (nginx_command, apache_command):
        with pytest.raises(HomeportError):
            make(shutil.which("true") or "true", site)
