"""Real programs that verify a certificate: each says "" when it accepted the server, else why it did not.

All of them run in a home of their own, with an environment that holds nothing but what the test gives them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from homeport.certs.java_trust import java_options, java_trust_store
from tests.certs.tls_server import ANSWER

Client = Callable[[str, int, Path, Mapping[str, str]], str]

_PYTHON = """
import socket, ssl, sys
host, port = sys.argv[1], int(sys.argv[2])
context = ssl.create_default_context()
context.verify_flags |= ssl.VERIFY_X509_STRICT
try:
    context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname=host)
except ssl.SSLCertVerificationError as error:
    sys.exit(error.verify_message)
"""
_NODE = """
const [host, port] = process.argv.slice(1);
const is_address = require("net").isIP(host);
const options = {host: is_address ? host : "127.0.0.1", port: Number(port), servername: is_address ? "" : host};
const socket = require("tls").connect(options, () => process.exit(0));
socket.on("error", error => { console.error(error.message); process.exit(1); });
"""


def environment(home: Path, trust: Mapping[str, str]) -> dict[str, str]:
    home.mkdir(parents=True, exist_ok=True)
    return {"HOME": str(home), "PATH": os.environ["PATH"], **trust}


def curl(host: str, port: int, home: Path, trust: Mapping[str, str]) -> str:
    url = f"https://{host}:{port}/"
    return _verdict(["curl", "-sS", "--resolve", f"{host}:{port}:127.0.0.1", url], home, trust, ANSWER)


def openssl(host: str, port: int, home: Path, trust: Mapping[str, str]) -> str:
    check = "-verify_ip" if host.replace(".", "").isdigit() else "-verify_hostname"
    words = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", host, check, host]
    return _verdict([*words, "-x509_strict", "-verify_return_error"], home, trust, "Verification: OK")


def python(host: str, port: int, home: Path, trust: Mapping[str, str]) -> str:
    return _verdict([sys.executable, "-c", _PYTHON, host, str(port)], home, trust)


def node(host: str, port: int, home: Path, trust: Mapping[str, str]) -> str:
    return _verdict(["node", "-e", _NODE, host, str(port)], home, trust)


def java(host: str, port: int, home: Path, trust: Mapping[str, str]) -> str:
    """keytool fetches a list of revoked certificates over https: the one client that a Java without compiler has."""
    home.mkdir(parents=True, exist_ok=True)
    hosts = home / "hosts"
    hosts.write_text(f"127.0.0.1 {host}\n")
    options = ["-J-Duser.language=en", f"-J-Djdk.net.hosts.file={hosts}"]
    if trust:
        store = java_trust_store(os.path.dirname(trust["SSL_CERT_FILE"]))
        assert store
        options += [f"-J{option}" for option in java_options(store).split()]
    done = _run(["keytool", *options, "-printcrl", "-file", f"https://{host}:{port}/"], home, {})
    said = done.stdout + done.stderr
    return "" if "No CRL data found" in said else said.strip()  # it read our answer, which is none


def _verdict(words: list[str], home: Path, trust: Mapping[str, str], wanted: str = "") -> str:
    done = _run(words, home, trust)
    if done.returncode == 0 and wanted in done.stdout:
        return ""
    return (done.stderr + done.stdout).strip() or f"exit status {done.returncode}"


def _run(words: list[str], home: Path, trust: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    program = shutil.which(words[0])
    assert program
    return subprocess.run(
        [program, *words[1:]],
        env=environment(home, trust),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=50,
    )


CLIENTS: dict[str, Client] = {"curl": curl, "openssl": openssl, "python": python, "node": node, "java": java}
PROGRAMS: dict[str, list[str]] = {"python": [], "java": ["keytool"]}  # what a client needs, where not its own name
