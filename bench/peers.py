"""The proxies that are measured: how each is configured and started in front of the same backend.

Each starter is a context manager that yields a Peer. None is tuned beyond what its manual recommends for a proxy on
one CPU: upstream keep-alive, no access log.
"""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.process import free_port, running

SMALL = 1024
LARGE = 64 * 1024 * 1024


@dataclasses.dataclass(frozen=True)
class Peer:
    """`pids` are all processes whose CPU and memory count as its own."""

    name: str
    port: int
    pids: list[int]


Starter = Callable[["Stage"], contextlib.AbstractContextManager[Peer]]


@dataclasses.dataclass(frozen=True)
class Stage:
    """What every peer is given."""

    folder: Path
    programs: dict[str, str]
    backend_port: int


@contextmanager
def backend(folder: Path, programs: dict[str, str]) -> Iterator[Stage]:
    """nginx serving /small and /large."""
    pages = folder / "pages"
    pages.mkdir()
    folder.chmod(0o755)  # started by root, nginx reads them as somebody else
    (pages / "small").write_bytes(b"x" * SMALL)
    (pages / "large").write_bytes(bytes(range(256)) * (LARGE // 256))
    port = free_port()
    config = nginx_config(folder / "backend", f"server {{ listen 127.0.0.1:{port} backlog=4096; root {pages}; }}")
    command = [programs["nginx"], "-c", str(config), "-e", "/dev/null"]
    with running(command, port, folder / "backend.log"):
        yield Stage(folder, programs, port)


@contextmanager
def direct(stage: Stage) -> Iterator[Peer]:
    yield Peer("direct", stage.backend_port, [])


@contextmanager
def nginx(stage: Stage) -> Iterator[Peer]:
    port = free_port()
    config = nginx_config(
        stage.folder / "nginx",
        f"upstream backend {{ server 127.0.0.1:{stage.backend_port}; keepalive 64; keepalive_requests 100000000; }}"
        f" server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ proxy_pass http://backend;"
        ' proxy_http_version 1.1; proxy_set_header Connection ""; proxy_max_temp_file_size 0; } }',
    )
    command = [stage.programs["nginx"], "-c", str(config), "-e", "/dev/null"]
    with running(command, port, stage.folder / "nginx.log") as pids:
        yield Peer("nginx", port, pids)


@contextmanager
def haproxy(stage: Stage) -> Iterator[Peer]:
    with _haproxy(stage, "http", "option http-keep-alive\n  http-reuse always") as (port, pids):
        yield Peer("haproxy", port, pids)


@contextmanager
def haproxy_tcp(stage: Stage) -> Iterator[Peer]:
    with _haproxy(stage, "tcp", "") as (port, pids):
        yield Peer("haproxy tcp", port, pids)


@contextmanager
def caddy(stage: Stage) -> Iterator[Peer]:
    port = free_port()
    config = stage.folder / "Caddyfile"
    config.write_text(
        "{\n  admin off\n  auto_https off\n  persist_config off\n}\n"
        f"http://127.0.0.1:{port} {{\n  bind 127.0.0.1\n  reverse_proxy 127.0.0.1:{stage.backend_port}\n}}\n"
    )
    command = [stage.programs["caddy"], "run", "--config", str(config), "--adapter", "caddyfile"]
    home = {"XDG_DATA_HOME": str(stage.folder), "XDG_CONFIG_HOME": str(stage.folder), "GOMAXPROCS": "1"}
    with running(command, port, stage.folder / "caddy.log", **home) as pids:
        yield Peer("caddy", port, pids)


@contextmanager
def mitmdump(stage: Stage) -> Iterator[Peer]:
    port = free_port()
    command = [stage.programs["mitmdump"], "--mode", f"reverse:http://127.0.0.1:{stage.backend_port}"]
    command += ["--listen-host", "127.0.0.1", "--listen-port", str(port), "--quiet"]
    command += ["--set", f"confdir={stage.folder / 'mitmproxy'}"]
    with running(command, port, stage.folder / "mitmdump.log") as pids:
        yield Peer("mitmdump", port, pids)


@contextmanager
def relay_alone(stage: Stage) -> Iterator[Peer]:
    """Our TCP relay without an engine around it."""
    port = free_port()
    command = [sys.executable, "-m", "bench.tcp_runner", str(stage.backend_port), str(port)]
    with running(command, port, stage.folder / "relay.log") as pids:
        yield Peer("homeport's relay alone", port, pids)


@contextmanager
def _haproxy(stage: Stage, mode: str, extra: str) -> Iterator[tuple[int, list[int]]]:
    port = free_port()
    config = stage.folder / f"haproxy-{mode}.cfg"
    config.write_text(
        "global\n  nbthread 1\n  maxconn 4000\n"
        f"defaults\n  mode {mode}\n  timeout connect 5s\n  timeout client 300s\n  timeout server 300s\n  {extra}\n"
        f"frontend front\n  bind 127.0.0.1:{port} backlog 4096\n  default_backend back\n"
        f"backend back\n  server one 127.0.0.1:{stage.backend_port}\n"
    )
    with running([stage.programs["haproxy"], "-f", str(config), "-db"], port, stage.folder / f"{mode}.log") as pids:
        yield port, pids


def nginx_config(folder: Path, server: str) -> Path:
    folder.mkdir()
    places = "".join(
        f" {name}_temp_path {folder / name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = folder / "nginx.conf"
    config.write_text(
        f"worker_processes 1; daemon off; pid {folder / 'pid'}; error_log /dev/null crit;\n"
        "events { worker_connections 8192; }\n"
        f"http {{ access_log off; sendfile on; tcp_nopush on; keepalive_timeout 300;"
        f" keepalive_requests 100000000;{places}\n{server}\n}}\n"
    )
    return config
