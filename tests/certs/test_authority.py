"""The local CA on disk and what it signs: whole or not there, private, and for loopback alone."""

from __future__ import annotations

import errno
import os
import ssl
import stat
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from homeport.certs import issue
from homeport.certs.authority import Authority, forget_retired, roots
from homeport.certs.root import read_root
from homeport.model.errors import HomeportError

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes of files")


def certificates(pem: bytes) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(pem)


class TestFolder:
    def test_nothing_there_is_none(self, folder: str) -> None:
        assert Authority.load(folder) is None
        os.makedirs(folder, 0o700)
        assert Authority.load(folder) is None

    def test_is_found_again(self, folder: str) -> None:
        made = Authority.create(folder)
        again = Authority.load(folder)
        assert again is not None
        assert (again.fingerprint, again.chain_pem, again.not_after) == (
            made.fingerprint,
            made.chain_pem,
            made.not_after,
        )
        assert Authority.ensure(folder).fingerprint == made.fingerprint

    @posix
    def test_everything_is_private(self, folder: str) -> None:
        before = os.umask(0)
        try:
            Authority.create(folder)
            Authority.renew(folder)
        finally:
            os.umask(before)
        modes = {
            str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode)
            for path in [Path(folder), *Path(folder).rglob("*")]
        }
        assert set(modes.values()) == {0o600, 0o700}
        assert {name for name, mode in modes.items() if mode == 0o700} == {".", "retired"}

    def test_the_roots_key_is_nowhere(self, folder: str) -> None:
        made = Authority.create(folder)
        keys = [path for path in Path(folder).rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]
        assert [path.name for path in keys] == ["authority.pem"]
        assert keys[0].read_bytes().count(b"BEGIN PRIVATE KEY") == 1
        assert certificates(made.root_pem)[0].public_key() != certificates(made.chain_pem)[0].public_key()

    @posix
    @pytest.mark.parametrize("name", [".", "authority.pem"])
    @pytest.mark.parametrize("mode", [0o040, 0o004, 0o020, 0o010])
    def test_what_others_may_read_is_refused(self, folder: str, name: str, mode: int) -> None:
        Authority.create(folder)
        path = os.path.normpath(os.path.join(folder, name))
        os.chmod(path, 0o700 | mode)
        with pytest.raises(HomeportError, match="open to other users") as caught:
            Authority.load(folder)
        assert caught.value.code == "unsafe-home"
        assert caught.value.hint == f"chmod go= {path} && homeport trust --renew"

    @posix
    def test_a_link_is_refused(self, folder: str, tmp_path: Path) -> None:
        Authority.create(folder)
        os.rename(os.path.join(folder, "authority.pem"), tmp_path / "elsewhere.pem")
        os.symlink(tmp_path / "elsewhere.pem", os.path.join(folder, "authority.pem"))
        with pytest.raises(HomeportError) as caught:
            Authority.load(folder)
        assert caught.value.code == "unsafe-home"

    def test_several_at_once_agree(self, folder: str) -> None:
        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(lambda _: Authority.create(folder).fingerprint, range(8)))
        assert len(set(made)) == 1
        assert sorted(os.listdir(folder)) == ["authority.pem", "root.pem"]

    def test_an_opened_or_lost_root_is_put_right(self, folder: str) -> None:
        made = Authority.create(folder)
        path = Path(made.root.path)
        path.write_bytes(b"something else")
        Authority.load(folder)
        assert path.read_bytes() == made.root_pem
        path.chmod(0o644)
        assert Authority.load(folder) is not None

    def test_where_nothing_can_be_written(self, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(descriptor: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(HomeportError, match="cannot be written: No space left") as caught:
            Authority.create(folder)
        assert caught.value.code == "broken-ca"
        assert os.listdir(folder) == []

    def test_a_home_that_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "home").touch()
        for verb in (Authority.load, Authority.create):
            with pytest.raises(HomeportError) as caught:
                verb(str(tmp_path / "home" / "ca"))
            assert caught.value.code == "unsafe-home"


class TestDamage:
    @pytest.mark.parametrize(
        "damage",
        [
            lambda data: b"",
            lambda data: b"\xff\x00 not a PEM",
            lambda data: data[: len(data) // 2],
            lambda data: data[: data.rindex(b"-----BEGIN")],  # no root
            lambda data: data[data.index(b"-----BEGIN CERT") :],  # no key
            lambda data: data.replace(b"\nMI", b"\nNI"),
        ],
    )
    def test_a_sentence_and_the_next_command(self, folder: str, damage: object) -> None:
        Authority.create(folder)
        path = Path(folder, "authority.pem")
        assert callable(damage)
        path.write_bytes(damage(path.read_bytes()))
        with pytest.raises(HomeportError, match=r"authority\.pem is damaged: it") as caught:
            Authority.load(folder)
        assert (caught.value.code, caught.value.hint) == ("broken-ca", "homeport trust --renew")

    def test_parts_of_two_generations(self, folder: str, tmp_path: Path) -> None:
        first, second = Authority.create(folder), Authority.create(str(tmp_path / "other"))
        path = Path(folder, "authority.pem")
        data = path.read_bytes()
        path.write_bytes(data.replace(first.root_pem, second.root_pem))
        with pytest.raises(HomeportError, match="not signed by its root"):
            Authority.load(folder)
        path.write_bytes(data.replace(first.chain_pem, second.chain_pem))
        with pytest.raises(HomeportError, match="its key is not the key"):
            Authority.load(folder)

    @given(where=st.integers(0, 10_000), byte=st.integers(0, 255))
    def test_one_byte_anywhere(self, authority: Authority, where: int, byte: int) -> None:
        """Either it still says the same, or it is damaged; nothing else is ever raised."""
        data = bytearray(Path(authority.folder, "authority.pem").read_bytes())
        data[where % len(data)] = byte
        try:
            _, _, root = issue.read_generation(bytes(data))
        except issue.Damaged:
            return
        assert issue.fingerprint(root) == authority.fingerprint

    @given(st.binary(max_size=300), st.integers(0, 600), st.integers(1, 20))
    def test_a_root_that_somebody_wrote_into(self, authority: Authority, noise: bytes, where: int, count: int) -> None:
        der = bytearray(ssl.PEM_cert_to_DER_cert(authority.root_pem.decode()))
        der[where : where + count] = noise
        for data in (ssl.DER_cert_to_PEM_cert(bytes(der)).encode(), noise):
            try:
                with warnings.catch_warnings(action="ignore"):
                    read_root(data)
            except issue.Damaged:
                continue

    def test_renewal_repairs_and_remembers_the_old_root(self, folder: str) -> None:
        old = Authority.create(folder)
        Path(folder, "authority.pem").write_bytes(b"")
        new = Authority.renew(folder)
        assert new.root.name != old.root.name
        assert [root.fingerprint for root in roots(folder)] == [new.fingerprint, old.fingerprint]
        assert not old.is_current()
        forget_retired(folder)
        assert [root.fingerprint for root in roots(folder)] == [new.fingerprint]


class TestCertificates:
    def test_root_and_intermediate_are_constrained(self, authority: Authority) -> None:
        root, intermediate = certificates(authority.root_pem)[0], certificates(authority.chain_pem)[0]
        for certificate, length in ((root, 1), (intermediate, 0)):
            basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
            assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, length)
            constraints = certificate.extensions.get_extension_for_class(x509.NameConstraints)
            assert constraints.critical
            permitted = {str(name.value) for name in constraints.value.permitted_subtrees or ()}
            assert permitted == {"localhost", "127.0.0.0/8", "::1/128"}
            assert certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        usage = intermediate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]

    def test_leaf(self, authority: Authority) -> None:
        made = authority.leaf(["Web.localhost.", "web.localhost", "*.web.localhost"], ["127.0.0.1", "0:0::1"])
        leaf, intermediate = certificates(made.certificate_pem)
        assert intermediate == certificates(authority.chain_pem)[0]
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == ["web.localhost", "*.web.localhost"]
        assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
        assert made.names == ("web.localhost", "*.web.localhost")
        key_id = intermediate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
        above = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
        assert above.key_identifier == key_id
        assert timedelta(0) < made.not_after - datetime.now(UTC) <= timedelta(days=3)

    def test_leaf_never_outlives_the_authority(self, authority: Authority) -> None:
        assert authority.leaf(["web.localhost"], days=100_000).not_after == authority.not_after

    def test_a_long_name_is_certified_without_a_common_name(self, authority: Authority) -> None:
        name = f"{'a' * 60}.{'b' * 60}.localhost"
        leaf = certificates(authority.leaf([name]).certificate_pem)[0]
        assert leaf.subject.rfc4514_string() == "O=homeport"

    @pytest.mark.parametrize(
        "name",
        [
            "example.com",
            "localhost.example.com",
            "notlocalhost",
            "web.localhost\n",
            "",
            ".localhost",
            "a..localhost",
            "*.localhost",
            "a.*.localhost",
            "wéb.localhost",
            "127.0.0.1",
            f"{'a' * 64}.localhost",
            ".".join(["a" * 60] * 5) + ".localhost",
        ],
    )
    def test_other_names_are_refused(self, authority: Authority, name: str) -> None:
        with pytest.raises(HomeportError) as caught:
            authority.leaf([name])
        assert caught.value.code == "bad-usage"

    @pytest.mark.parametrize("address", ["192.168.1.4", "0.0.0.0", "::", "::ffff:8.8.8.8", "localhost", ""])
    def test_other_addresses_are_refused(self, authority: Authority, address: str) -> None:
        with pytest.raises(HomeportError) as caught:
            authority.leaf([], [address])
        assert caught.value.code == "bad-usage"

    def test_no_name_at_all_is_refused(self, authority: Authority) -> None:
        with pytest.raises(HomeportError, match="needs a name"):
            authority.leaf([])
