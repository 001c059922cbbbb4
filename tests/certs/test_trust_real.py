"""The real command in homes of their own: many at once, a Chromium and a Firefox there, and nothing of ours afterwards.

Nothing here may use root: without a terminal and without --yes, stores of the system are skipped.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from homeport.certs.authority import Authority

pytestmark = pytest.mark.counterpart("certutil", "chromium")

if sys.platform != "linux":
    pytest.skip("NSS databases of Linux", allow_module_level=True)


class User:
    """With a Firefox profile that has a root of somebody else's, and a Chromium that has never run."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home of ada"
        self.profile = self.home / ".mozilla" / "firefox" / "ab12.default-release"
        self.profile.mkdir(parents=True)
        self.chromium = self.home / ".local" / "share" / "pki" / "nssdb"
        (self.home / ".local" / "share").mkdir(parents=True)
        self.certutil(self.profile, "-N", "--empty-password")
        corporate = Authority.create(str(folder / "corporate")).root.path
        self.certutil(self.profile, "-A", "-t", "C,,", "-n", "corporate root", "-i", corporate)

    def certutil(self, path: Path, *words: str) -> str:
        done = subprocess.run(["certutil", words[0], "-d", f"sql:{path}", *words[1:]], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, *words: str) -> subprocess.Popen[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "HOMEPORT_HOME": str(self.home / "state" / "homeport"),
        }
        return subprocess.Popen(
            [sys.executable, "-m", "homeport", *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str) -> tuple[int, str, str]:
        child = self.start(*words)
        out, err = child.communicate()
        return child.returncode, out, err

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.home)) for path in self.home.rglob("*"))


@pytest.fixture
def ada(tmp_path: Path) -> User:
    return User(tmp_path)


@pytest.mark.timeout(120)
def test_in_and_out(ada: User) -> None:
    files, entries = ada.files(), ada.certutil(ada.profile, "-L")
    status, out, err = ada.run("trust", "--json")
    assert status == 0, err
    report = json.loads(out)
    browsers = {store["path"]: (store["name"], store["did"]) for store in report["stores"] if store["kind"] == "nss"}
    assert browsers == {
        str(ada.chromium): ("Chromium, Chrome", "added"),
        str(ada.profile): ("Firefox (default-release)", "added"),
    }
    assert {store["did"] for store in report["stores"] if store["kind"] in ("system", "java")} <= {"skipped", ""}
    assert "homeport local CA" in ada.certutil(ada.chromium, "-L")
    assert ada.run("untrust")[0] == 0
    assert ada.certutil(ada.profile, "-L") == entries
    left = set(ada.files()) - set(files)
    assert left == {"state", "state/homeport", "state/homeport/trust.lock"}


@pytest.mark.timeout(120)
def test_several_at_once(ada: User) -> None:
    children = [ada.start("trust") for _ in range(4)]
    ends = [(*child.communicate(), child.returncode) for child in children]
    assert any(status == 0 for _, _, status in ends)
    for _, err, status in ends:
        assert status == 0 or "at work" in err, err
    assert ada.run("trust")[0] == 0
    for database in (ada.profile, ada.chromium):
        assert ada.certutil(database, "-L").count("homeport local CA") == 1
    assert ada.run("untrust")[0] == 0
