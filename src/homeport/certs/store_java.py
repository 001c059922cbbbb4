"""Java's cacerts, one for each Java, driven by its keytool. Entries are compared by fingerprint, whatever their alias.

Where only root may write it, on Debian the system store feeds it; elsewhere Java is given a PKCS#12 store of its own by
a variable (java_trust.py), so this never asks for root.
"""

from __future__ import annotations

import glob
import hashlib
import os
import re
import shlex
import ssl
from collections.abc import Iterator, Sequence

from homeport.certs.place import Place
from homeport.certs.root import Root
from homeport.certs.store import Kind
from homeport.model.errors import HomeportError

_PASSWORD = "changeit"  # noqa: S105 - what every Java ships with; it keeps nothing secret
_HOMES = (  # of the system, then in the user's home: sdkman, IntelliJ, asdf, mise
    "/usr/lib/jvm/*",
    "/Library/Java/JavaVirtualMachines/*/Contents/Home",
)
_HOMES_IN_HOME = (
    ".sdkman/candidates/java/*",
    ".jdks/*",
    ".asdf/installs/java/*",
    ".local/share/mise/installs/java/*",
)
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def java_stores(place: Place) -> list[JavaStore]:
    """One for each cacerts; several Javas may share one."""
    found: dict[str, JavaStore] = {}
    for home in _homes(place):
        for part in ("lib/security/cacerts", "jre/lib/security/cacerts"):
            path = os.path.realpath(os.path.join(home, part))
            keytool = next((tool for tool in (os.path.join(home, "bin", name) for name in _KEYTOOLS) if _is(tool)), "")
            if os.path.isfile(path) and keytool:
                found.setdefault(path, JavaStore(place, f"Java ({os.path.basename(home)})", path, keytool))
    return list(found.values())


class JavaStore:
    kind: Kind = "java"

    def __init__(self, place: Place, name: str, path: str, keytool: str) -> None:
        self.name = name
        self.path = path
        self._place = place
        self._keytool = keytool
        self._stamp = (0, 0)
        self._known: list[tuple[str, str]] = []

    def of(self, path: str) -> JavaStore:
        """The store at `path`, driven by the same Java."""
        return JavaStore(self._place, "Java", path, self._keytool)

    @property
    def needs_root(self) -> bool:
        """Of the system: root may write it, and is asked before."""
        return not self.path.startswith(self._place.home + os.sep) and self._place.is_root

    def trusts(self, roots: Sequence[Root]) -> set[str]:
        return self.holds(roots)

    def holds(self, roots: Sequence[Root]) -> set[str]:
        there = {digest for _, digest in self._entries()}
        return {root.fingerprint for root in roots if root.fingerprint in there}

    def add(self, root: Root) -> None:
        self._change(
            "-importcert", "-noprompt", "-trustcacerts", "-alias", f"homeport-{root.short}", "-file", root.path
        )

    def remove(self, root: Root) -> None:
        for alias, digest in self._entries():
            if digest == root.fingerprint:
                self._change("-delete", "-alias", alias)

    def _entries(self) -> list[tuple[str, str]]:
        """Alias and fingerprint of every trusted certificate; remembered, as a JVM takes half a second."""
        found = os.stat(self.path)
        stamp = (found.st_mtime_ns, found.st_size)
        if stamp != self._stamp:
            listing = self._place.do(*self._words("-list", "-rfc")).out
            self._stamp, self._known = stamp, read_listing(listing)
        return self._known

    def _change(self, verb: str, *words: str) -> None:
        # keytool writes a new file beside the old one.
        if not (os.access(self.path, os.W_OK) and os.access(os.path.dirname(self.path), os.W_OK)):
            command = shlex.join(("sudo", *self._words(verb, *words)))
            raise HomeportError("needs-root", "only root may change it", command)
        self._place.do(*self._words(verb, *words))

    def _words(self, verb: str, *words: str) -> tuple[str, ...]:
        # English, since its words are read; keytool follows Java's own idea of a language, not LC_ALL on every system.
        return (self._keytool, "-J-Duser.language=en", verb, "-keystore", self.path, "-storepass", _PASSWORD, *words)


_KEYTOOLS = ("keytool", "keytool.exe")


def _homes(place: Place) -> Iterator[str]:
    if place.environ.get("JAVA_HOME"):
        yield place.environ["JAVA_HOME"]
    if keytool := place.which("keytool"):
        yield os.path.dirname(os.path.dirname(os.path.realpath(keytool)))
    for pattern in (*map(place.at, _HOMES), *map(place.in_home, _HOMES_IN_HOME)):
        yield from sorted(home for home in glob.glob(pattern) if os.path.isdir(home) and not os.path.islink(home))


def read_listing(text: str) -> list[tuple[str, str]]:
    """Alias and fingerprint from `keytool -list -rfc`; entries that are keys count for nothing."""
    found = []
    for entry in re.split(r"^Alias name: ", text.replace("\r\n", "\n"), flags=re.MULTILINE)[1:]:
        certificate = _CERTIFICATE.search(entry)
        if certificate and "\nEntry type: trustedCertEntry" in entry:
            der = ssl.PEM_cert_to_DER_cert(certificate[0])
            found.append((entry.partition("\n")[0], hashlib.sha256(der).hexdigest()))
    return found


def _is(tool: str) -> bool:
    return os.access(tool, os.X_OK)
