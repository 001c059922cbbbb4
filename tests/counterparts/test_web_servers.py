"""nginx and Apache behind the door: by a configuration of the user's own, and by `serve --with`."""

from __future__ import annotations

import os
import socket

import pytest
from playwright.sync_api import Page

from tests.counterparts.audience import everyone_sees
from tests.counterparts.stage import TERMINATED, Stage

# What a developer has: neither knows of PORT.
NGINX = """
daemon {daemon};
pid {folder}/nginx.pid;
error_log stderr;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/temp;
    server {{
        listen 127.0.0.1:{port};
        root {folder}/site;
    }}
}}
"""
APACHE = """
ServerRoot {folder}
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {folder}/apache.pid
ErrorLog /dev/stderr
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule dir_module {modules}/mod_dir.so
DocumentRoot {folder}/site
DirectoryIndex index.html
{user}
"""
MODULES = "/usr/lib/apache2/modules"

own_apache = pytest.mark.skipif(not os.path.isdir(MODULES), reason="Apache's modules lie elsewhere")
servers = pytest.mark.parametrize(
    ("server", "software"),
    [
        pytest.param("nginx", "nginx/", marks=pytest.mark.counterpart("nginx", "curl", "chromium")),
        pytest.param("apache", "Apache", marks=pytest.mark.counterpart("apache2", "curl", "chromium")),
    ],
)


def apache_conf(stage: Stage, port: int) -> str:
    user = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
    return APACHE.format(folder=stage.folder, port=port, modules=MODULES, user=user)


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture(autouse=True)
def site(stage: Stage) -> None:
    stage.write("site/index.html", "<!doctype html><title>Harbour</title><h1>Harbour</h1>")


@pytest.mark.counterpart("nginx", "curl", "chromium")
@pytest.mark.parametrize("daemon", ["off", "on"])
def test_nginx_by_its_own_configuration(stage: Stage, page: Page, port: int, daemon: str) -> None:
    path = stage.write("nginx.conf", NGINX.format(daemon=daemon, folder=stage.folder, port=port))
    with stage.perform("run", "--", "nginx", "-e", "stderr", "-c", str(path), status=0) as run:
        run.says("harbour is ready")
        run.says(f"harbour listens on {port} instead of")
        everyone_sees(stage, page, "harbour", "Harbour")
    assert stage.app("harbour")["state"] == "stopped"


@own_apache
@pytest.mark.counterpart("apache2", "curl", "chromium")
@pytest.mark.parametrize(
    ("command", "status"), [(["apache2", "-X"], 0), (["apachectl", "-X"], TERMINATED), (["apache2"], 0)]
)
def test_apache_by_its_own_configuration(stage: Stage, page: Page, port: int, command: list[str], status: int) -> None:
    """Alone with -X, through Debian's wrapper (a shell script), and as the daemon that it is by itself."""
    path = stage.write("my.conf", apache_conf(stage, port))
    with stage.perform("run", "--", *command, "-f", str(path), status=status) as run:
        run.says("harbour is ready")
        run.says(f"harbour listens on {port} instead of")
        everyone_sees(stage, page, "harbour", "Harbour")
    assert stage.app("harbour")["state"] == "stopped"


@servers
def test_serve_with(stage: Stage, page: Page, server: str, software: str) -> None:
    with stage.perform("serve", "site", "--with", server, status=0) as run:
        run.says("site is ready")
        assert "instead of" not in run.text
        everyone_sees(stage, page, "site", "Harbour")
        assert software in stage.curl("-I", "http://127.0.0.1:{port}/").text
        assert stage.curl("http://127.0.0.1:{port}/@site/none").status == 404


@pytest.mark.counterpart("nginx")
def test_a_mistake_in_the_configuration_of_nginx_is_told(stage: Stage) -> None:
    path = stage.write("wrong.conf", "no such word;\n")
    said = stage.fails("run", "--", "nginx", "-e", "stderr", "-c", str(path))
    assert "harbour exited with code 1" in said
    assert 'unknown directive "no"' in said.partition("harbour exited")[2], "the finding quotes the line that tells it"


@own_apache
@pytest.mark.counterpart("apache2")
def test_a_mistake_in_the_configuration_of_apache_is_told(stage: Stage, port: int) -> None:
    path = stage.write("wrong.conf", apache_conf(stage, port) + "NoSuchWord\n")
    said = stage.fails("run", "--", "apache2", "-X", "-f", str(path))
    assert "harbour exited with code 1" in said
    assert "Invalid command 'NoSuchWord'" in said.partition("harbour exited")[2]
