"""`trust` and `untrust` over stores of every temper: each on its own, nothing forgotten, root only when allowed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from homeport.app import trust as trusting
from homeport.app.trust import StoreReport, Trust, TrustReport, shell_environment
from homeport.certs.authority import Authority, roots
from homeport.certs.place import Place
from homeport.certs.receipt import is_trusted, read_receipt
from homeport.machine import this_machine
from homeport.machine.home import Home
from homeport.model.errors import HomeportError
from tests.certs.memory_store import MemoryStore


class Harness:
    def __init__(self, root: Path, stores: list[MemoryStore]) -> None:
        self.home = Home(str(root))
        self.stores = stores
        self.asked: list[str] = []
        self.allowed = True
        self.environ: dict[str, str] = {}
        self.is_root = False

    @property
    def trust(self) -> Trust:
        place = Place(home=self.home.root, environ=self.environ, is_root=self.is_root)
        return Trust(self.home, this_machine(), self._may, place)

    def _may(self, what: str) -> bool:
        self.asked.append(what)
        return self.allowed


@pytest.fixture
def harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Harness:
    made = Harness(tmp_path / "home", [MemoryStore(needs_root=True), MemoryStore("Chromium", "nss", "/nssdb")])
    monkeypatch.setattr(trusting, "all_stores", lambda place: list(made.stores))
    return made


def outcome(report: TrustReport) -> list[tuple[str, str, int]]:
    return [(store.state, store.did, store.stale) for store in report.stores]


def only(report: TrustReport, name: str) -> StoreReport:
    return next(store for store in report.stores if store.name == name)


def test_a_whole_life(harness: Harness) -> None:
    assert harness.trust.status() == TrustReport(stores=harness.trust.status().stores)
    assert not harness.trust.status().is_complete
    first = harness.trust.trust()
    assert outcome(first) == [("trusted", "added", 0)] * 2
    assert len(harness.asked) == 1
    assert outcome(harness.trust.trust()) == [("trusted", "", 0)] * 2  # nothing to do, nothing to ask
    assert len(harness.asked) == 1
    assert harness.trust.status().is_complete
    assert is_trusted(harness.trust.folder, first.fingerprint)

    second = harness.trust.trust(renew=True)
    assert second.fingerprint != first.fingerprint
    assert all(set(store.inside) == {"others", second.fingerprint} for store in harness.stores)
    assert [root.fingerprint for root in roots(harness.trust.folder)] == [second.fingerprint]

    assert outcome(harness.trust.untrust()) == [("not-trusted", "removed", 0)] * 2
    assert all(store.inside == {"others": b"corporate"} for store in harness.stores)
    assert not Path(harness.trust.folder).exists()
    assert harness.trust.untrust() == TrustReport()


def test_root_is_refused(harness: Harness) -> None:
    harness.allowed = False
    report = harness.trust.trust()
    assert outcome(report) == [("not-trusted", "skipped", 0), ("trusted", "added", 0)]
    assert only(report, "system").next == "homeport trust --yes"
    harness.allowed = True
    assert outcome(harness.trust.trust()) == [("trusted", "added", 0), ("trusted", "", 0)]
    harness.allowed = False
    assert outcome(harness.trust.untrust()) == [("unknown", "skipped", 1), ("not-trusted", "removed", 0)]
    assert Path(harness.trust.folder).exists()  # what is left could not be found without it
    harness.allowed = True
    assert outcome(harness.trust.untrust()) == [("not-trusted", "removed", 0), ("not-trusted", "", 0)]
    assert not Path(harness.trust.folder).exists()


def test_root_is_refused_during_a_renewal(harness: Harness) -> None:
    old = harness.trust.trust()
    harness.allowed = False
    report = harness.trust.trust(renew=True)
    assert outcome(report) == [("not-trusted", "skipped", 1), ("trusted", "added", 0)]
    assert not harness.trust.status().is_complete
    harness.allowed = True
    harness.trust.trust()
    assert old.fingerprint not in harness.stores[0].inside


def test_a_store_that_cannot_be_read_stops_nobody(harness: Harness) -> None:
    harness.stores[0].broken = HomeportError("not-installed", "certutil is not installed", "install libnss3-tools")
    harness.stores.append(
        MemoryStore("Firefox", "nss", "/profile", broken=HomeportError("trust-failed", "it is damaged"))
    )
    report = harness.trust.trust()
    assert outcome(report) == [("unknown", "skipped", 0), ("trusted", "added", 0), ("unknown", "failed", 0)]
    assert only(report, "system").next == "install libnss3-tools"
    assert outcome(harness.trust.status())[2] == ("unknown", "", 0)


def test_a_store_that_was_given_ours_and_cannot_be_read_keeps_the_folder(harness: Harness) -> None:
    harness.trust.trust()
    harness.stores[1].broken = HomeportError("not-installed", "certutil is not installed", "install libnss3-tools")
    harness.trust.untrust()
    assert list(read_receipt(harness.trust.folder).stores) == ["/nssdb"]
    harness.stores[1].broken = None
    assert outcome(harness.trust.untrust())[1] == ("not-trusted", "removed", 0)
    assert not Path(harness.trust.folder).exists()


def test_a_store_that_never_had_ours_does_not_keep_it(harness: Harness) -> None:
    harness.stores[1].broken = HomeportError("not-installed", "certutil is not installed")
    harness.trust.trust()
    harness.trust.untrust()
    assert not Path(harness.trust.folder).exists()


def test_a_store_that_says_yes_and_does_nothing(harness: Harness) -> None:
    harness.stores[1].stubborn = True
    assert outcome(harness.trust.trust())[1] == ("not-trusted", "failed", 0)
    harness.stores[1].stubborn = False
    harness.trust.trust()
    harness.stores[1].stubborn = True
    assert outcome(harness.trust.untrust())[1] == ("unknown", "failed", 1)
    assert Path(harness.trust.folder).exists()


def test_a_store_that_cannot_be_changed_back(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    harness.trust.trust()

    def refuse(root: object) -> None:
        raise HomeportError("trust-failed", "the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(harness.stores[1], "remove", refuse)
        report = harness.trust.untrust()
    assert outcome(report)[1] == ("unknown", "failed", 1)
    assert report.fingerprint
    assert harness.trust.untrust().fingerprint == ""


def test_two_at_once(harness: Harness) -> None:
    lock = None
    harness.home.prepare()
    lock = this_machine().lock_file(os.path.join(harness.home.root, "trust.lock"))
    assert lock
    for verb in (harness.trust.trust, harness.trust.untrust):
        with pytest.raises(HomeportError, match="at work"):
            verb()
    lock.release()
    assert outcome(harness.trust.trust()) == [("trusted", "added", 0)] * 2


def test_with_sudo_it_would_be_roots(harness: Harness) -> None:
    harness.environ["SUDO_UID"] = "1000"
    harness.is_root = True
    with pytest.raises(HomeportError, match="root's CA instead of yours"):
        harness.trust.trust()
    assert not Path(harness.trust.folder).exists()


def test_damaged(harness: Harness) -> None:
    old = harness.trust.trust()
    path = Path(harness.trust.folder, "authority.pem")
    path.write_bytes(path.read_bytes()[:300])
    for verb in (harness.trust.trust, harness.trust.status):
        with pytest.raises(HomeportError, match="is damaged") as caught:
            verb()
        assert caught.value.hint == "homeport trust --renew"
    Path(harness.trust.folder, "trusted.json").write_text("{")
    new = harness.trust.trust(renew=True)
    assert set(harness.stores[0].inside) == {"others", new.fingerprint}
    assert old.fingerprint != new.fingerprint


def test_untrust_of_a_damaged_one(harness: Harness) -> None:
    harness.trust.trust()
    Path(harness.trust.folder, "authority.pem").write_bytes(b"")
    assert outcome(harness.trust.untrust()) == [("not-trusted", "removed", 0)] * 2
    assert not Path(harness.trust.folder).exists()


def test_the_shell_has_the_variables(harness: Harness) -> None:
    harness.trust.trust()
    assert not harness.trust.status().environment
    found, kept = shell_environment(harness.trust.folder, {"CURL_CA_BUNDLE": "/corp.pem"}, _bare(harness))
    assert kept == ["CURL_CA_BUNDLE"]
    harness.environ.update(found)
    assert harness.trust.status().environment


def test_what_running_programs_were_given_stays_without_the_key(harness: Harness) -> None:
    """The shell of `trust --env`, or the apps of an engine: without the file they would reach no site at all."""
    harness.trust.trust()
    harness.environ["NODE_EXTRA_CA_CERTS"] = f"{harness.trust.folder}/root.pem"
    report = harness.trust.untrust()
    assert (report.fingerprint, os.path.basename(report.kept[0])) == ("", "root.pem")
    assert set(os.listdir(harness.trust.folder)) <= {"root.pem", "bundle.pem"}
    harness.environ.clear()
    Path(harness.home.socket).touch()
    assert harness.trust.untrust().kept
    os.unlink(harness.home.socket)
    assert harness.trust.untrust().kept == ()
    assert not Path(harness.trust.folder).exists()


def test_no_authority_no_variables(harness: Harness) -> None:
    with pytest.raises(HomeportError, match="no local CA yet") as caught:
        shell_environment(harness.trust.folder, {}, _bare(harness))
    assert caught.value.hint == "homeport trust"


def test_a_loose_folder_can_still_be_untrusted(harness: Harness) -> None:
    harness.trust.trust()
    os.chmod(harness.trust.folder, 0o755)
    with pytest.raises(HomeportError, match="open to other users"):
        harness.trust.trust()
    assert outcome(harness.trust.untrust()) == [("not-trusted", "removed", 0)] * 2


def _bare(harness: Harness) -> Place:
    """Where no Java is found."""
    return Place(home=harness.home.root, system=harness.home.root, environ={}, which=lambda name: None)


def test_authority_made_by_the_engine_is_taken_up(harness: Harness) -> None:
    harness.home.prepare()
    made = Authority.ensure(harness.trust.folder)
    assert not is_trusted(harness.trust.folder, made.fingerprint)
    assert harness.trust.trust().fingerprint == made.fingerprint
    assert is_trusted(harness.trust.folder, made.fingerprint)
