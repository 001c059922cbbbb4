"""The real system store of Debian, in a mount namespace with copies of its folders: real commands, real clients."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from homeport.certs.authority import Authority
from homeport.certs.contexts import server_context
from tests.certs.tls_server import ANSWER, serving

if sys.platform != "linux":
    pytest.skip("mount namespaces", allow_module_level=True)

pytestmark = pytest.mark.counterpart("update-ca-certificates", "curl", "certutil", "keytool", "openssl")

# Hooks are left out: they would note the change in the package manager's own folders.
_INSIDE = """
set -e
mount --bind "$COPY/ssl" /etc/ssl
mount --bind "$COPY/local" /usr/local/share/ca-certificates
mount --bind "$COPY/none" /etc/ca-certificates/update.d
update-ca-certificates >/dev/null 2>&1
look() {
    { find /etc/ssl -type l -printf '%p %l\\n'; find /etc/ssl /usr/local/share/ca-certificates \
        -type f ! -path '*/java/cacerts' -exec sha256sum {} +; } | sort > "$COPY/$1"
}
look_java() {
    keytool -J-Duser.language=en -list -keystore /etc/ssl/certs/java/cacerts -storepass changeit 2>/dev/null |
        sort > "$COPY/$1.java"
}
fetch() { curl -sS --resolve "$HOST:127.0.0.1" "https://$HOST/" > "$COPY/$1" 2>&1 || true; }
look before
look_java before
fetch refused
"$PYTHON" -m homeport trust --yes --json > "$COPY/trust.json"
look trusted
fetch accepted
"$PYTHON" -m homeport trust --renew --yes --json > "$COPY/renew.json"
look renewed
"$PYTHON" -m homeport trust --status --json > "$COPY/status.json"
"$PYTHON" -m homeport untrust --yes --json > "$COPY/untrust.json"
look after
look_java after
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Copies of the system's folders, with an anchor of somebody else's among them."""
    folder = tmp_path / "copy"
    shutil.copytree("/etc/ssl", folder / "ssl", symlinks=True, ignore=shutil.ignore_patterns("private"))
    local = folder / "local"
    shutil.copytree("/usr/local/share/ca-certificates", local, symlinks=True)
    (local / "corporate.crt").write_bytes(Authority.create(str(tmp_path / "corporate")).root_pem)
    (folder / "none").mkdir()
    (tmp_path / "home").mkdir()
    return folder


@pytest.mark.timeout(120)
def test_trusted_renewed_and_restored(copy: Path, tmp_path: Path) -> None:
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode:
        pytest.skip("mount namespaces are not allowed here")
    homeport = tmp_path / "home" / "homeport"
    authority = Authority.create(str(homeport / "ca"))
    os.chmod(homeport, 0o700)
    with serving(server_context(authority.leaf(["web.localhost"]))) as port:
        done = subprocess.run(
            ["unshare", "-rm", "bash", "-c", _INSIDE],
            env={
                "PATH": os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"]),
                "HOME": str(tmp_path / "home"),
                "HOMEPORT_HOME": str(homeport),
                "PYTHON": sys.executable,
                "COPY": str(copy),
                "HOST": f"web.localhost:{port}",
            },
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    looks = {name: (copy / name).read_text() for name in ("before", "trusted", "renewed", "after")}
    assert "curl: (60)" in (copy / "refused").read_text()
    assert (copy / "accepted").read_text() == ANSWER
    assert looks["trusted"] != looks["before"]
    assert authority.root.short in looks["trusted"]
    assert authority.root.short not in looks["renewed"]
    assert looks["after"] == looks["before"]
    assert (copy / "after.java").read_text() == (copy / "before.java").read_text()
    assert not (homeport / "ca").exists()
    for name, did in (("trust", "added"), ("renew", "added"), ("status", ""), ("untrust", "removed")):
        stores = json.loads((copy / f"{name}.json").read_text())["stores"]
        assert {store["did"] for store in stores if store["kind"] in ("system", "java")} == {did}
