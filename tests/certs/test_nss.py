"""NSS databases with the real certutil and the real libnss3: ours in and out, everybody else's entries as they were."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from homeport.certs.authority import Authority
from homeport.certs.nss_library import find_libraries
from homeport.certs.nss_places import nss_stores
from homeport.certs.place import Place
from homeport.certs.root import Root
from homeport.certs.store_nss import NssStore
from homeport.model.errors import HomeportError
from tests.certs.forged import forged

pytestmark = pytest.mark.counterpart("certutil", "firefox-esr")


def certutil(path: Path, *words: str) -> str:
    done = subprocess.run(["certutil", words[0], "-d", f"sql:{path}", *words[1:]], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """With a root of somebody else's."""
    path = tmp_path / "home" / ".pki" / "nssdb"
    path.mkdir(parents=True)
    certutil(path, "-N", "--empty-password")
    certutil(path, "-A", "-t", "C,C,", "-n", "corporate root", "-i", Authority.create(str(tmp_path / "x")).root.path)
    return path


@pytest.fixture(params=["certutil", "the system's library", "Firefox's library"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """One suite for every way to change a database."""
    if request.param == "certutil":
        return Place(home=str(tmp_path))
    place = Place(home=str(tmp_path), which=lambda name: None)
    libraries = find_libraries(place)
    own = [path for path in libraries if ("firefox" in path) is (request.param == "Firefox's library")]
    assert own, libraries
    monkeypatch.setattr("homeport.certs.nss_library.find_libraries", lambda place: own)
    return place


@pytest.fixture
def store(place: Place, database: Path) -> NssStore:
    return NssStore(place, "Chromium", str(database))


@pytest.fixture
def two(folder: str) -> tuple[Root, Root]:
    """The current root and the one before."""
    old = Authority.create(folder).root
    new = Authority.renew(folder).root
    retired = f"{folder}/retired/{old.fingerprint}.pem"
    return new, Root(name=old.name, fingerprint=old.fingerprint, sha1=old.sha1, pem=old.pem, path=retired)


class TestDatabase:
    def test_in_and_out(self, store: NssStore, database: Path, two: tuple[Root, Root]) -> None:
        before = certutil(database, "-L")
        new, old = two
        store.add(old)
        store.add(new)
        store.add(new)  # twice is once
        assert store.trusts(two) == {new.fingerprint, old.fingerprint}
        store.remove(old)
        assert store.trusts(two) == {new.fingerprint}
        store.remove(new)
        assert certutil(database, "-L") == before
        assert "BEGIN CERTIFICATE" in certutil(database, "-L", "-n", "corporate root", "-a")

    def test_there_without_trust(self, store: NssStore, database: Path, two: tuple[Root, Root]) -> None:
        new, _ = two
        store.add(new)
        certutil(database, "-M", "-n", new.name, "-t", ",,")
        assert store.trusts([new]) == set()
        assert store.holds([new]) == {new.fingerprint}
        store.add(new)
        assert store.trusts([new]) == {new.fingerprint}

    def test_another_root_of_the_same_nickname(
        self, store: NssStore, database: Path, two: tuple[Root, Root], tmp_path: Path
    ) -> None:
        new, _ = two
        other = Authority.create(str(tmp_path / "other home")).root
        certutil(database, "-A", "-t", "C,,", "-n", new.name, "-i", other.path)
        assert store.holds([new]) == set()

    def test_one_with_a_password(self, place: Place, two: tuple[Root, Root], tmp_path: Path) -> None:
        path = tmp_path / "profile"
        path.mkdir()
        (tmp_path / "password").write_text("tide table\n")
        certutil(path, "-N", "-f", str(tmp_path / "password"))
        store = NssStore(place, "Firefox", str(path))
        with pytest.raises(HomeportError, match="has a password") as caught:
            store.add(two[0])
        assert caught.value.code == "trust-failed"

    def test_one_that_is_damaged(self, store: NssStore, database: Path, two: tuple[Root, Root]) -> None:
        (database / "cert9.db").write_bytes(b"no database")
        with pytest.raises(HomeportError, match=r"(certutil|libnss3) failed: ") as caught:
            store.holds(two)
        assert caught.value.code == "trust-failed"


class TestWithoutCertutil:
    def store(self, database: Path, home: Path, system: str = "", platform: str = "linux") -> NssStore:
        place = Place(home=str(home), system=system, platform=platform, which=lambda name: None)
        return NssStore(place, "Chromium", str(database))

    def test_no_library_either(self, database: Path, two: tuple[Root, Root], tmp_path: Path) -> None:
        store = self.store(database, tmp_path, str(tmp_path))
        with pytest.raises(HomeportError, match="neither certutil nor a libnss3 is installed") as caught:
            store.holds(two)
        assert caught.value.code == "not-installed"
        assert "libnss3-tools" in caught.value.hint

    def test_elsewhere_browsers_read_the_systems_store(
        self, database: Path, two: tuple[Root, Root], tmp_path: Path
    ) -> None:
        with pytest.raises(HomeportError) as caught:
            self.store(database, tmp_path, platform="darwin").holds(two)
        assert caught.value.code == "not-installed"
        assert "trusts what the system trusts" in caught.value.hint

    def test_one_that_cannot_be_loaded_is_passed_over(
        self, database: Path, two: tuple[Root, Root], tmp_path: Path
    ) -> None:
        broken = tmp_path / "opt" / "firefox" / "libnss3.so"
        broken.parent.mkdir(parents=True)
        broken.write_text("of another kind of processor")
        store = self.store(database, tmp_path, str(tmp_path))
        with pytest.raises(HomeportError, match=r"libnss3 failed: .* cannot be used: "):
            store.holds(two)
        own = tmp_path / ".local/share/flatpak/app/org.mozilla.firefox/current/active/files/lib/firefox"
        own.parent.mkdir(parents=True)
        own.symlink_to("/usr/lib/firefox-esr")
        store.add(two[0])
        assert store.trusts(two) == {two[0].fingerprint}


def test_nss_refuses_what_the_constraints_forbid(database: Path, authority: Authority, tmp_path: Path) -> None:
    """What Firefox verifies with."""
    NssStore(Place(home=str(database)), "Firefox", str(database)).add(authority.root)
    for name, leaf in (("good", authority.leaf(["web.localhost"])), ("bad", forged(authority, ["example.com"]))):
        own, _, intermediate = leaf.certificate_pem.partition(b"-----END CERTIFICATE-----\n")
        (tmp_path / "own.pem").write_bytes(own + b"-----END CERTIFICATE-----\n")
        (tmp_path / "intermediate.pem").write_bytes(intermediate)
        certutil(database, "-A", "-t", ",,", "-n", "intermediate", "-i", str(tmp_path / "intermediate.pem"))
        certutil(database, "-A", "-t", ",,", "-n", name, "-i", str(tmp_path / "own.pem"))
        words = ["certutil", "-V", "-d", f"sql:{database}", "-n", name, "-u", "V"]
        done = subprocess.run(words, capture_output=True, text=True)
        assert (done.returncode == 0) is (name == "good"), done.stdout + done.stderr


class TestMade:
    """A database that was not there."""

    def test_made_and_discarded(self, place: Place, two: tuple[Root, Root], tmp_path: Path) -> None:
        path = tmp_path / "home" / ".local" / "share" / "pki" / "nssdb"
        store = NssStore(place, "Chromium", str(path))
        assert store.holds(two) == set()
        assert not path.exists()  # asking makes nothing
        store.add(two[0])
        assert path.stat().st_mode & 0o777 == 0o700
        store.discard_if_empty()
        assert store.exists  # ours is in it
        store.remove(two[0])
        store.discard_if_empty()
        assert list((tmp_path / "home").rglob("*nss*")) == []

    def test_kept_when_somebody_has_put_something_in(
        self, place: Place, two: tuple[Root, Root], tmp_path: Path
    ) -> None:
        path = tmp_path / "nssdb"
        store = NssStore(place, "Chromium", str(path))
        store.add(two[0])
        certutil(path, "-A", "-t", "C,,", "-n", "corporate root", "-i", two[1].path)
        store.remove(two[0])
        store.discard_if_empty()
        assert "corporate root" in certutil(path, "-L")


class TestPlaces:
    def found(self, home: Path, platform: str = "linux", *tools: str, **environ: str) -> dict[str, str]:
        place = Place(
            home=str(home), environ=environ, platform=platform, which=lambda name: name if name in tools else None
        )
        return {str(Path(store.path).relative_to(home)): store.name for store in nss_stores(place)}

    @pytest.fixture
    def home(self, tmp_path: Path) -> Path:
        return tmp_path

    def database(self, path: Path) -> None:
        path.mkdir(parents=True)
        (path / "cert9.db").touch()

    def test_nobody_uses_nss(self, home: Path) -> None:
        assert self.found(home) == {}

    def test_chromium_that_has_not_run_yet(self, home: Path) -> None:
        assert self.found(home, "linux", "google-chrome") == {".local/share/pki/nssdb": "Chromium, Chrome"}
        assert self.found(home, "linux", "chromium", XDG_DATA_HOME=str(home / "data")) == {
            "data/pki/nssdb": "Chromium, Chrome"
        }

    def test_the_old_folder_is_used_where_it_is(self, home: Path) -> None:
        (home / ".pki" / "nssdb").mkdir(parents=True)
        assert self.found(home, "linux", "chromium") == {".pki/nssdb": "Chromium, Chrome"}
        self.database(home / ".local/share/pki/nssdb")
        (home / ".pki/nssdb/cert9.db").touch()
        assert set(self.found(home)) == {".pki/nssdb", ".local/share/pki/nssdb"}

    def test_sandboxes_and_profiles(self, home: Path) -> None:
        (home / "snap/chromium/current").mkdir(parents=True)
        self.database(home / ".var/app/com.google.Chrome/data/pki/nssdb")
        for path in (
            ".mozilla/firefox/ab12.default-release",
            ".config/mozilla/firefox/cd34.work",
            "snap/firefox/common/.mozilla/firefox/ef56.default",
            ".var/app/org.mozilla.firefox/.mozilla/firefox/gh78.default",
            ".librewolf/ij90.default",
        ):
            self.database(home / path)
        (home / ".mozilla/firefox/Crash Reports").mkdir()
        assert self.found(home) == {
            "snap/chromium/current/.pki/nssdb": "Chromium (snap)",
            ".var/app/com.google.Chrome/data/pki/nssdb": "com.google.Chrome (flatpak)",
            ".mozilla/firefox/ab12.default-release": "Firefox (default-release)",
            ".config/mozilla/firefox/cd34.work": "Firefox (work)",
            "snap/firefox/common/.mozilla/firefox/ef56.default": "Firefox, snap (default)",
            ".var/app/org.mozilla.firefox/.mozilla/firefox/gh78.default": "Firefox, flatpak (default)",
            ".librewolf/ij90.default": "LibreWolf (default)",
        }

    def test_a_profile_that_its_user_keeps_elsewhere(self, home: Path) -> None:
        self.database(home / "kept" / "browsing")
        (home / ".config/mozilla/firefox").mkdir(parents=True)
        (home / ".config/mozilla/firefox/profiles.ini").write_text(
            f"[Profile1]\nName=tide tables\nIsRelative=0\nPath={home}/kept/browsing\n\n"
            f"[Profile0]\nName=gone\nIsRelative=0\nPath={home}/gone\n\n[General]\nVersion=2\n"
        )
        assert self.found(home) == {"kept/browsing": "Firefox (tide tables)"}
        (home / ".config/mozilla/firefox/profiles.ini").write_text("no sections\n")
        assert self.found(home) == {}

    def test_firefox_elsewhere(self, home: Path) -> None:
        self.database(home / "Library/Application Support/Firefox/Profiles/ab12.default")
        self.database(home / "AppData/Roaming/Mozilla/Firefox/Profiles/cd34.default")
        assert list(self.found(home, "darwin")) == ["Library/Application Support/Firefox/Profiles/ab12.default"]
        assert list(self.found(home, "win32")) == ["AppData/Roaming/Mozilla/Firefox/Profiles/cd34.default"]
