"""Java's cacerts with the real keytool, on a copy that belongs to a Java of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from homeport.certs.authority import Authority
from homeport.certs.contexts import server_context
from homeport.certs.place import Place
from homeport.certs.store_java import JavaStore, java_stores, read_listing
from homeport.model.errors import HomeportError
from tests.certs.tls_server import serving

pytestmark = pytest.mark.counterpart("keytool")


def entries(cacerts: Path) -> list[str]:
    words = ["keytool", "-J-Duser.language=en", "-list", "-keystore", str(cacerts), "-storepass", "changeit"]
    return sorted(subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines())


@pytest.fixture
def java_home(tmp_path: Path) -> Path:
    """A Java whose keytool is the real one, with a copy of the real cacerts."""
    keytool = os.path.realpath(shutil.which("keytool") or "")
    home = tmp_path / "jvm" / "java-of-ours"
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "keytool").symlink_to(keytool)
    cacerts = home / "lib" / "security" / "cacerts"
    cacerts.parent.mkdir(parents=True)
    real = Path(keytool).parents[1] / "lib" / "security" / "cacerts"
    assert real.is_file()
    cacerts.write_bytes(real.read_bytes())
    return home


def place(java_home: Path, *, is_root: bool = False) -> Place:
    none = str(java_home / "nothing")
    environ = {"JAVA_HOME": str(java_home)}
    return Place(home=none, system=none, environ=environ, which=lambda name: None, is_root=is_root)


@pytest.fixture
def store(java_home: Path) -> JavaStore:
    [found] = java_stores(place(java_home))
    return found


def test_in_and_out(store: JavaStore, authority: Authority) -> None:
    cacerts = Path(store.path)
    before = entries(cacerts)
    assert store.holds([authority.root]) == set()
    store.add(authority.root)
    assert store.trusts([authority.root]) == {authority.fingerprint}
    with serving(server_context(authority.leaf(["localhost"], ["127.0.0.1"]))) as port:
        assert "No CRL data found" in fetched(cacerts, port)  # it came as far as reading the answer
    store.remove(authority.root)
    assert entries(cacerts) == before


def test_an_alias_of_somebody_elses_choice(store: JavaStore, authority: Authority) -> None:
    """Debian's hook calls ours `debian:homeport-….pem`; whoever imported it by hand, as they like."""
    subprocess.run(
        [
            *("keytool", "-importcert", "-noprompt", "-alias", "My Own, Name", "-file", authority.root.path),
            *("-keystore", store.path, "-storepass", "changeit"),
        ],
        check=True,
        capture_output=True,
    )
    assert store.holds([authority.root]) == {authority.fingerprint}
    store.remove(authority.root)
    assert store.holds([authority.root]) == set()


def test_another_password(store: JavaStore, authority: Authority) -> None:
    words = ["keytool", "-storepasswd", "-keystore", store.path, "-storepass", "changeit", "-new", "tide-table"]
    subprocess.run(words, check=True, capture_output=True)
    with pytest.raises(HomeportError, match=r"keytool failed: .*password was incorrect") as caught:
        store.holds([authority.root])
    assert caught.value.code == "trust-failed"


def test_what_only_root_may_write(store: JavaStore, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    with pytest.raises(HomeportError, match="only root may change it") as caught:
        store.add(authority.root)
    assert caught.value.code == "needs-root"
    assert caught.value.hint.startswith("sudo ")
    assert "-importcert" in caught.value.hint


def test_two_javas_with_one_store(java_home: Path) -> None:
    second = java_home.parent / "java-beside"
    (second / "bin").mkdir(parents=True)
    (second / "bin" / "keytool").symlink_to(java_home / "bin" / "keytool")
    (second / "lib" / "security").mkdir(parents=True)
    (second / "lib" / "security" / "cacerts").symlink_to(java_home / "lib" / "security" / "cacerts")
    both = Place(home=str(java_home.parents[1]), system="", environ={"JAVA_HOME": str(second)}, which=lambda name: None)
    paths = [store.path for store in java_stores(both)]
    assert paths.count(str(java_home / "lib" / "security" / "cacerts")) == 1


def test_root_is_asked_for_what_is_not_in_its_home(java_home: Path, authority: Authority) -> None:
    [store] = java_stores(place(java_home, is_root=True))
    assert store.needs_root
    inside = Place(
        home=str(java_home.parent), is_root=True, environ={"JAVA_HOME": str(java_home)}, which=lambda n: None
    )
    assert not java_stores(inside)[0].needs_root


def fetched(cacerts: Path, port: int) -> str:
    options = [f"-J-Djavax.net.ssl.trustStore={cacerts}", "-J-Djavax.net.ssl.trustStorePassword=changeit"]
    words = ["keytool", "-J-Duser.language=en", *options, "-printcrl", "-file", f"https://127.0.0.1:{port}/"]
    done = subprocess.run(words, capture_output=True, text=True)
    return done.stdout + done.stderr


def test_a_listing_with_other_kinds_of_entries(authority: Authority) -> None:
    certificate = authority.root_pem.decode()
    listing = (
        "Keystore type: PKCS12\n\nYour keystore contains 3 entries\n\n"
        "Alias name: secret\nCreation date: Jun 24, 2025\nEntry type: SecretKeyEntry\n\n*****\n\n"
        f"Alias name: a, b: c\nCreation date: Jun 24, 2025\nEntry type: trustedCertEntry\n\n{certificate}\n\n"
        "Alias name: key\nCreation date: Jun 24, 2025\nEntry type: PrivateKeyEntry\nCertificate chain length: 1\n"
        f"Certificate[1]:\n{certificate}\n"
    )
    assert read_listing(listing) == [("a, b: c", authority.fingerprint)]
    assert read_listing(listing.replace("\n", "\r\n")) == [("a, b: c", authority.fingerprint)]
    assert read_listing("keytool error") == []
