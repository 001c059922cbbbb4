"""Stores of systems that we are not on, against recorded commands: what is run, and how answers are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from homeport.certs.authority import Authority
from homeport.certs.place import Done, Place
from homeport.certs.store_linux import LAYOUTS, LinuxStore, linux_store
from homeport.certs.store_macos import KeychainStore
from homeport.certs.stores import all_stores
from homeport.model.errors import HomeportError
from tests.certs.fake_tools import FakeTools, every_tool

# As `security find-certificate -a -Z` prints it.
KEYCHAIN = """SHA-256 hash: {sha256}
SHA-1 hash: {sha1}
keychain: "/Users/ada/Library/Keychains/login.keychain-db"
version: 512
class: 0x80001000
attributes:
    "alis"<blob>="homeport local CA 15ac9285"
"""


def on(platform: str, home: Path, tools: FakeTools, *, is_root: bool = False) -> Place:
    return Place(
        home=str(home),
        system=str(home / "system"),
        environ={},
        platform=platform,
        is_root=is_root,
        run=tools,
        which=every_tool,
    )


class TestMacos:
    def test_add_and_remove(self, authority: Authority, tmp_path: Path) -> None:
        tools = FakeTools()
        store = all_stores(on("darwin", tmp_path, tools))[0]
        root, keychain = authority.root, str(tmp_path / "Library/Keychains/login.keychain-db")
        store.add(root)
        store.remove(root)
        assert tools.commands == [
            ("security", "add-trusted-cert", "-r", "trustRoot", "-k", keychain, root.path),
            ("security", "delete-certificate", "-Z", root.sha1.upper(), "-t", keychain),
        ]
        assert tools.as_root == []

    def test_there_and_trusted_are_two_things(self, authority: Authority, tmp_path: Path) -> None:
        root = authority.root
        listing = KEYCHAIN.format(sha256=root.fingerprint.upper(), sha1=root.sha1.upper())
        tools = FakeTools({("security", "find-certificate"): Done(0, listing)})
        store = KeychainStore(on("darwin", tmp_path, tools))
        assert store.trusts([root]) == {root.fingerprint}
        tools.answers["security", "verify-cert"] = Done(1, err="Cert Verify Result: CSSMERR_TP_NOT_TRUSTED")
        assert store.trusts([root]) == set()
        assert store.holds([root]) == {root.fingerprint}

    def test_not_there(self, authority: Authority, tmp_path: Path) -> None:
        tools = FakeTools({("security", "find-certificate"): Done(44, err="The specified item could not be found")})
        assert KeychainStore(on("darwin", tmp_path, tools)).holds([authority.root]) == set()

    def test_the_user_says_no(self, authority: Authority, tmp_path: Path) -> None:
        said = "SecTrustSettingsSetTrustSettings: The authorization was canceled by the user."
        tools = FakeTools({("security", "add-trusted-cert"): Done(1, err=said)})
        with pytest.raises(HomeportError, match=r"security failed: .*canceled by the user") as caught:
            KeychainStore(on("darwin", tmp_path, tools)).add(authority.root)
        assert caught.value.code == "trust-failed"


class TestWindows:
    def test_add_ask_and_remove(self, authority: Authority, tmp_path: Path) -> None:
        certutil = "C:\\Windows\\System32\\certutil.exe"
        tools = FakeTools()
        store = all_stores(on("win32", tmp_path, tools))[0]
        root = authority.root
        store.add(root)
        assert store.trusts([root]) == {root.fingerprint}
        store.remove(root)
        assert tools.commands == [
            (certutil, "-user", "-addstore", "Root", root.path),
            (certutil, "-user", "-store", "Root", root.sha1),
            (certutil, "-user", "-delstore", "Root", root.sha1),
        ]
        missing = Done(-2146885628, "CertUtil: -store command FAILED: 0x80092004\n")
        tools.answers[certutil, "-user", "-store"] = missing
        assert store.trusts([root]) == set()


class TestLinux:
    @pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
    def test_each_distribution(
        self, authority: Authority, tmp_path: Path, layout: tuple[str, str, str, tuple[str, ...], str, str]
    ) -> None:
        name, folder, suffix, command, _, links = layout
        tools = FakeTools()
        place = on("linux", tmp_path, tools)
        for wanted in (folder, links or folder):
            Path(place.at(wanted)).mkdir(parents=True, exist_ok=True)
        store = linux_store(place)
        assert store
        assert name in store.name
        root = authority.root
        anchor = f"{place.at(folder)}/homeport-{root.short}{suffix}"
        store.add(root)
        store.remove(root)
        sudo, update = "/usr/bin/sudo", (f"/usr/bin/{command[0]}", *command[1:])
        assert tools.as_root == [
            (sudo, "install", "-D", "-m", "0644", "--", root.path, anchor),
            (sudo, *update),
            (sudo, "rm", "-f", "--", anchor),
            (sudo, *update),
        ]

    def test_root_needs_no_sudo(self, authority: Authority, tmp_path: Path) -> None:
        tools = FakeTools()
        LinuxStore(on("linux", tmp_path, tools, is_root=True), LAYOUTS[0]).add(authority.root)
        assert [words[0] for words in tools.commands] == ["install", "/usr/bin/update-ca-trust"]

    def test_neither_root_nor_sudo(self, authority: Authority, tmp_path: Path) -> None:
        no_sudo = {"update-ca-trust": "/usr/bin/update-ca-trust"}
        place = Place(home=str(tmp_path), system=str(tmp_path), is_root=False, which=no_sudo.get)
        with pytest.raises(HomeportError, match="no sudo") as caught:
            LinuxStore(place, LAYOUTS[0]).add(authority.root)
        assert caught.value.code == "needs-root"
        assert caught.value.hint.startswith("install -D -m 0644")
        assert caught.value.hint.endswith(" && /usr/bin/update-ca-trust extract")

    def test_a_system_that_we_do_not_know(self, tmp_path: Path) -> None:
        assert linux_store(on("linux", tmp_path, FakeTools())) is None

    def test_an_anchor_that_was_never_taken_up(self, authority: Authority, tmp_path: Path) -> None:
        store = LinuxStore(on("linux", tmp_path, FakeTools()), LAYOUTS[0])
        anchor = Path(store.path) / f"homeport-{authority.root.short}.pem"
        anchor.parent.mkdir(parents=True)
        anchor.write_bytes(authority.root_pem)
        assert store.holds([authority.root]) == {authority.fingerprint}
        assert store.trusts([authority.root]) == set()
        bundle = tmp_path / "system" / LAYOUTS[0].bundle.lstrip("/")
        bundle.parent.mkdir(parents=True)
        bundle.write_bytes(b"# homeport local CA\n" + authority.root_pem + b"\n")
        assert store.trusts([authority.root]) == {authority.fingerprint}

    def test_somebody_elses_file_of_our_name_is_not_ours(self, authority: Authority, tmp_path: Path) -> None:
        place = on("linux", tmp_path, FakeTools())
        folder = Path(place.at(LAYOUTS[0].folder))
        folder.mkdir(parents=True)
        (folder / f"homeport-{authority.root.short}.pem").write_bytes(b"something else")
        assert LinuxStore(place, LAYOUTS[0]).holds([authority.root]) == set()
