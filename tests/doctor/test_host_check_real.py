"""Vite, webpack-dev-server, Next and Django themselves refuse a host, and the doctor says what allows it.

Each runs in a namespace whose hosts file knows shop.test, as it is when somebody gives their machine a name. Rails is
known by its page only (see test_talk_real.py).
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.counterparts.packages import node_modules, python_packages
from tests.counterparts.vite import vite_modules
from tests.doctor.real import examine
from tests.netns import Network, network

HOSTS = {"/etc/hosts": "127.0.0.1 localhost shop.test\n", "/etc/nsswitch.conf": "hosts: files\n"}
PORT = 3000  # of the namespace's own
STARTS_S = 60.0
COMPILES_S = 150.0
DJANGO = """
import sys
sys.path.insert(0, sys.argv[1])
from django.conf import settings
settings.configure(DEBUG=sys.argv[2] == "debug", ALLOWED_HOSTS=sys.argv[3:], ROOT_URLCONF=__name__, SECRET_KEY="x")
from django.core.management import execute_from_command_line
from django.http import HttpResponse
from django.urls import path
urlpatterns = [path("", lambda request: HttpResponse(request.get_host()))]
execute_from_command_line(["site", "runserver", "--noreload", "127.0.0.1:3000"])
"""


@pytest.fixture
def net() -> Iterator[Network]:
    with network(files=HOSTS) as made:
        yield made


def node(net: Network, folder: Path, *words: str) -> subprocess.Popen[str]:
    """In the folder: what enters a namespace loses its own."""
    return net.start("sh", "-c", 'cd "$0" && exec node "$@"', str(folder), *words)


def wait_for(net: Network, server: subprocess.Popen[str]) -> None:
    """Until somebody listens."""
    ends_s = time.monotonic() + STARTS_S
    while f":{PORT} " not in net.run("ss", "-ltnH").stdout:
        assert server.poll() is None, "it ended"
        assert time.monotonic() < ends_s, "it did not start"


def check(net: Network, server: subprocess.Popen[str], who: str, setting: str) -> None:
    """It refuses shop.test by name, and has nothing against localhost."""
    wait_for(net, server)
    verdict = examine(net, f"http://shop.test:{PORT}/")
    assert (verdict.status, verdict.codes) == (2, ["host-check"])
    assert verdict.said("host-check").startswith(f"{who} answers, but refuses the host shop.test")
    assert setting in verdict.said("host-check")
    assert examine(net, f"http://localhost:{PORT}/").codes == []


@pytest.mark.counterpart("node", "npm")
@pytest.mark.timeout(240)
def test_vite(net: Network, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<h1>hi</h1>")
    (tmp_path / "node_modules").symlink_to(vite_modules())
    words = ["node_modules/vite/bin/vite.js", "--host", "127.0.0.1", "--port", str(PORT), "--strictPort"]
    server = node(net, tmp_path, *words)
    check(net, server, "Vite", "server.allowedHosts")


@pytest.mark.counterpart("node", "npm")
@pytest.mark.timeout(240)
def test_webpack(net: Network, tmp_path: Path) -> None:
    modules = node_modules("webpack-dev-server@5.2.7", "webpack@5.112.2", "webpack-cli@7.3.1")
    (tmp_path / "node_modules").symlink_to(modules)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "index.js").write_text("console.log(1)\n")
    words = ["serve", "--mode", "development", "--host", "127.0.0.1", "--port", str(PORT)]
    server = node(net, tmp_path, "node_modules/.bin/webpack", *words)
    check(net, server, "webpack-dev-server", "devServer.allowedHosts")


@pytest.mark.counterpart("node", "npm", "curl")
@pytest.mark.timeout(300)
def test_next(net: Network, tmp_path: Path) -> None:
    """It serves its pages to any host, and refuses only its own files: the page comes up and stays dead."""
    modules = node_modules("next@16.4.6", "react@19.3.1", "react-dom@19.3.1")
    (tmp_path / "node_modules").symlink_to(modules)
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "page.js").write_text("export default () => 'hi'\n")
    (tmp_path / "app" / "layout.js").write_text(
        "export default ({ children }) => <html><body>{children}</body></html>\n"
    )
    words = ["node_modules/.bin/next", "dev", "--webpack", "-H", "127.0.0.1", "-p", str(PORT)]
    server = node(net, tmp_path, *words)
    wait_for(net, server)
    first = net.start("curl", "-s", "-o", "/dev/null", f"http://localhost:{PORT}/")
    first.wait(COMPILES_S)  # a page is compiled when it is asked for first
    check(net, server, "Next.js", "allowedDevOrigins")


@pytest.mark.timeout(240)
@pytest.mark.parametrize("mode", ["debug", "plain"])
def test_django(net: Network, mode: str) -> None:
    packages = str(python_packages("django==5.2.19"))
    server = net.start(sys.executable, "-c", DJANGO, packages, mode, "localhost")
    check(net, server, "Django", "ALLOWED_HOSTS in settings.py")


def test_django_that_knows_not_even_localhost(net: Network) -> None:
    packages = str(python_packages("django==5.2.19"))
    wait_for(net, net.start(sys.executable, "-c", DJANGO, packages, "plain", "shop.example"))
    verdict = examine(net, f"http://localhost:{PORT}/")
    assert (verdict.status, verdict.codes) == (2, ["host-check"])
    assert "add 'localhost' to ALLOWED_HOSTS" in verdict.said("host-check")
