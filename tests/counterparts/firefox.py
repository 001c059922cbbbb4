"""A real Firefox without a window, driven through Marionette, its own protocol for that. It talks to loopback alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any

START_S = 120.0
PAGE_S = 60.0
_LISTENS = re.compile(r"Marionette\s+INFO\s+Listening on port (\d+)")
# Everything that is not on this machine ends at a port where nobody listens; `here` are names for this machine.
_PREFERENCES = """
user_pref("marionette.port", 0);
user_pref("app.normandy.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("network.dns.localDomains", "{here}");
user_pref("network.proxy.type", 1);
user_pref("network.proxy.http", "127.0.0.1");
user_pref("network.proxy.http_port", 9);
user_pref("network.proxy.ssl", "127.0.0.1");
user_pref("network.proxy.ssl_port", 9);
user_pref("network.proxy.no_proxies_on", "{here}");
user_pref("services.settings.server", "data:,none");
user_pref("toolkit.telemetry.enabled", false);
"""


def new_profile(home: Path, *here: str) -> Path:
    """Where a Firefox of Debian has its own. `here`: further names that lead to this machine."""
    profile = home / ".config" / "mozilla" / "firefox" / "ab12.default-esr"
    profile.mkdir(parents=True)
    (profile / "user.js").write_text(_PREFERENCES.format(here=",".join(here)))
    return profile


class Firefox:
    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=START_S)
        self._file = self._socket.makefile("rb")
        self._number = 0
        self._read()  # it says hello first
        self._call("WebDriver:NewSession", capabilities={"alwaysMatch": {"acceptInsecureCerts": False}})
        self._call("WebDriver:SetTimeouts", pageLoad=PAGE_S * 1000)

    def visit(self, url: str) -> str:
        """The page's title, or Firefox's word for what is wrong: "insecure certificate"."""
        error = self._call("WebDriver:Navigate", url=url)[2]
        return str(error["error"]) if error else str(self._call("WebDriver:GetTitle")[3]["value"])

    def quit(self) -> None:
        self._call("Marionette:Quit", flags=["eForceQuit"])
        self.close()

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def _call(self, name: str, **parameters: object) -> Any:
        self._number += 1
        message = json.dumps([0, self._number, name, parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(message), message))
        return self._read()

    def _read(self) -> Any:
        size = b""
        while (digit := self._file.read(1)) != b":":
            assert digit, "Firefox went away"
            size += digit
        return json.loads(self._file.read(int(size)))


@contextmanager
def firefox(home: Path, profile: Path) -> Iterator[Firefox]:
    """It has ended afterwards, and so have all of its processes."""
    program = shutil.which("firefox-esr")
    assert program
    process = subprocess.Popen(
        [program, "--headless", "--no-remote", "--marionette", "--profile", str(profile)],
        env={"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    ports: SimpleQueue[int] = SimpleQueue()
    listening = threading.Thread(target=_listen, args=(process, ports))
    listening.start()
    try:
        browser = Firefox(ports.get(timeout=START_S))
        try:
            yield browser
            browser.quit()
            process.wait(PAGE_S)
        finally:
            browser.close()
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        listening.join()


def _listen(process: subprocess.Popen[str], ports: SimpleQueue[int]) -> None:
    """To everything it says, so that it is never held up."""
    assert process.stdout
    with process.stdout as said:
        for line in said:
            if found := _LISTENS.search(line):
                ports.put(int(found[1]))
