"""The combined bundle and the variables of children: what the user has set stays, and public roots are never lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from homeport.certs import bundle
from homeport.certs.authority import Authority
from homeport.certs.bundle import combined_bundle
from homeport.certs.environment import child_environment, users_own

ADDED = {"NODE_EXTRA_CA_CERTS", "DENO_CERT"}
REPLACED = {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's bundle: somebody else's root, without a final line break."""
    path = tmp_path / "system.crt"
    path.write_bytes(Authority.create(str(tmp_path / "others")).root_pem.rstrip(b"\n"))
    monkeypatch.setattr(bundle, "SYSTEM_BUNDLES", (str(tmp_path / "missing"), str(path)))
    return path


class TestBundle:
    def test_both(self, system: Path, folder: str) -> None:
        ours = Authority.create(folder)
        path = combined_bundle(folder)
        assert path
        assert Path(path).read_bytes() == system.read_bytes() + b"\n" + ours.root_pem

    def test_follows_the_system_and_a_renewal(self, system: Path, folder: str) -> None:
        old = Authority.create(folder)
        combined_bundle(folder)
        system.write_bytes(b"# changed\n" + system.read_bytes())
        new = Authority.renew(folder)
        path = combined_bundle(folder)
        assert path
        found = Path(path).read_bytes()
        assert found.startswith(b"# changed\n")
        assert new.root_pem in found
        assert old.root_pem not in found

    def test_ours_is_not_doubled_where_the_system_has_it(self, system: Path, folder: str) -> None:
        ours = Authority.create(folder)
        system.write_bytes(ours.root_pem)
        path = combined_bundle(folder)
        assert path
        assert Path(path).read_bytes() == ours.root_pem

    def test_none_without_an_authority(self, system: Path, folder: str) -> None:
        assert combined_bundle(folder) is None

    def test_none_without_the_systems_roots(self, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bundle, "SYSTEM_BUNDLES", ())
        Authority.create(folder)
        assert combined_bundle(folder) is None
        assert set(child_environment(folder, {})) == ADDED


@pytest.mark.usefixtures("system")
class TestVariables:
    def test_all_of_them(self, folder: str) -> None:
        Authority.create(folder)
        found = child_environment(folder, {"PATH": "/bin"})
        assert {name: Path(value).name for name, value in found.items()} == {
            **dict.fromkeys(ADDED, "root.pem"),
            **dict.fromkeys(REPLACED, "bundle.pem"),
        }
        assert users_own(folder, found) == []
        assert child_environment(folder, found) == found  # a shell that has them already

    def test_nothing_without_an_authority(self, folder: str) -> None:
        assert child_environment(folder, {}) == {}

    def test_what_adds_is_left_to_the_user_one_by_one(self, folder: str) -> None:
        Authority.create(folder)
        found = child_environment(folder, {"NODE_EXTRA_CA_CERTS": "/corp.pem", "DENO_CERT": ""})
        assert set(found) == {"DENO_CERT"} | REPLACED
        assert users_own(folder, {"NODE_EXTRA_CA_CERTS": "/corp.pem"}) == ["NODE_EXTRA_CA_CERTS"]

    @pytest.mark.parametrize("name", [*sorted(REPLACED), "SSL_CERT_DIR"])
    def test_one_that_replaces_stands_for_all(self, folder: str, name: str) -> None:
        Authority.create(folder)
        assert set(child_environment(folder, {name: "/corp.pem"})) == ADDED
