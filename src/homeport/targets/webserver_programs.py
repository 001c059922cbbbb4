"""Where nginx and Apache lie on this system, where Apache's modules lie, and how to install what is missing.

It looks at files and asks the binary what is built in; it starts no server.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from homeport.model.errors import HomeportError

NAMES = {"nginx": ("nginx",), "apache": ("apache2", "httpd", "httpd2")}
TITLES = {"nginx": "nginx", "apache": "Apache"}
# Beside PATH: users' PATHs often lack sbin, and Homebrew keeps what the system has too away from its bin.
FOLDERS = (
    "/usr/sbin",
    "/sbin",
    "/usr/local/sbin",
    "/usr/local/bin",
    "/opt/homebrew/bin",
    "/opt/homebrew/sbin",
    "/opt/homebrew/opt/httpd/bin",
    "/usr/local/opt/httpd/bin",
    "/home/linuxbrew/.linuxbrew/bin",
)
# manager -> (how it is called, its names for nginx and Apache)
MANAGERS: dict[str, tuple[str, str, str]] = {
    "apt-get": ("apt install", "nginx", "apache2"),
    "dnf": ("dnf install", "nginx", "httpd"),
    "pacman": ("pacman -S", "nginx", "apache"),
    "apk": ("apk add", "nginx", "apache2"),
    "zypper": ("zypper install", "nginx", "apache2"),
    "brew": ("brew install", "nginx", "httpd"),
    "winget": ("winget search", "nginx", "httpd"),
}
_FOR_THE_USER = {"brew", "winget"}  # they refuse or do not need sudo
_MODULE_FOLDERS = (
    "/usr/lib/apache2/modules",  # Debian
    "/usr/lib64/httpd/modules",  # Fedora
    "/usr/lib/httpd/modules",  # Arch, 32 bit
    "/usr/lib/apache2",  # Alpine
    "/usr/lib64/apache2",  # openSUSE
    "/usr/libexec/apache2",  # macOS
    "/opt/homebrew/lib/httpd/modules",
    "/usr/local/lib/httpd/modules",
)


def find_program(kind: str) -> str | None:
    """The absolute path of the server's binary."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *FOLDERS])
    return next((found for name in NAMES[kind] if (found := shutil.which(name, path=path))), None)


def program_for(kind: str) -> str:
    """Raises HomeportError("not-installed")."""
    found = find_program(kind)
    if found is None:
        raise HomeportError("not-installed", f"{TITLES[kind]} is not installed", install_command(kind))
    return os.path.abspath(found)


def install_command(kind: str) -> str:
    """For the package manager that is on PATH."""
    for manager, (call, nginx, apache) in MANAGERS.items():
        if shutil.which(manager):
            package = nginx if kind == "nginx" else apache
            is_root = sys.platform != "win32" and os.geteuid() == 0
            sudo = "" if is_root or manager in _FOR_THE_USER else "sudo "
            return f"{sudo}{call} {package}"
    return f"install {TITLES[kind]} and put it on PATH, or leave out --with {kind}"


def apache_built_in(program: str) -> set[str]:
    """The modules that need no loading: {"core", "so", "http_core", …}."""
    said = subprocess.run([program, "-l"], capture_output=True, text=True, timeout=10).stdout
    lines = (line.strip() for line in said.splitlines())
    return {line.removesuffix(".c").removeprefix("mod_") for line in lines if line.endswith(".c")}


def apache_modules(program: str) -> str | None:
    """The folder that holds mod_dir.so and its kin; None where everything is built in or nothing is found."""
    beside = os.path.dirname(os.path.realpath(program))
    folders = [
        os.path.join(beside, "..", "modules"),  # Windows
        os.path.join(beside, "..", "lib", "httpd", "modules"),  # Homebrew's cellar
        os.path.join(_apache_root(program), "modules"),  # what it was compiled for
        *_MODULE_FOLDERS,
    ]
    found = (os.path.normpath(folder) for folder in folders if os.path.exists(os.path.join(folder, "mod_dir.so")))
    return next(found, None)


def _apache_root(program: str) -> str:
    # Debian's apache2 complains about its own configuration here, after it has told what we ask for.
    said = subprocess.run([program, "-V"], capture_output=True, text=True, timeout=10).stdout
    return next((line.split('"')[1] for line in said.splitlines() if "HTTPD_ROOT=" in line), "/")
