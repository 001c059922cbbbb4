"""Install the real programs that the tests talk to, where this machine lets us; say what is missing elsewhere.

Run by `make test`. It never fails: tests whose counterpart is missing are skipped and reported (in CI they fail).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

# program -> Debian package
COUNTERPARTS = {
    "nginx": "nginx",
    "apache2": "apache2",
    "curl": "curl",
    "dig": "bind9-dnsutils",
    "dnsmasq": "dnsmasq-base",
    "chromium": "chromium",
    "tshark": "tshark",
    "node": "nodejs",
    "npm": "npm",
    "git": "git",
    "nft": "nftables",
    "iptables": "iptables",
    "ufw": "ufw",
    "ss": "iproute2",
    "lsof": "lsof",
    "tmux": "tmux",
    "h2load": "nghttp2-client",
    "openssl": "openssl",
    "certutil": "libnss3-tools",
    "keytool": "default-jre-headless",
    "javac": "default-jdk-headless",
    "musl-gcc": "musl-tools",
    "firefox-esr": "firefox-esr",
    "redis-server": "redis-server",
    "redis-cli": "redis-tools",
}


def missing() -> dict[str, str]:
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    return {program: package for program, package in COUNTERPARTS.items() if not shutil.which(program, path=path)}


def main() -> None:
    wanted = missing()
    if not wanted:
        return
    packages = sorted(set(wanted.values()))
    if sys.platform.startswith("linux") and shutil.which("apt-get"):
        sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        print(f"installing {', '.join(packages)} …", flush=True)
        for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *packages]):
            done = subprocess.run([*sudo, "apt-get", *words], env=environment, capture_output=True, text=True)
            if done.returncode:
                print(done.stderr.strip() or done.stdout.strip(), file=sys.stderr)
                break
    still = missing()
    if still:
        print(f"not installed: {', '.join(sorted(still))}; the tests that need them will be skipped.", file=sys.stderr)
        print(f"To run them: sudo apt-get install {' '.join(sorted(set(still.values())))}", file=sys.stderr)


if __name__ == "__main__":
    main()
