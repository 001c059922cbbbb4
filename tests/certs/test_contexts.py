"""Contexts and the cache that the door asks: names of routes alone, renewed in time, nothing left on the disk."""

from __future__ import annotations

import os
import socket
import ssl
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from cryptography import x509

from homeport.certs.authority import LEAF_DAYS, Authority
from homeport.certs.contexts import Certificates, server_context
from homeport.model.errors import HomeportError
from tests.certs.tls_server import serving

DAY_S = 86_400.0


class Clock:
    """Moves when it is told to; a leaf's own dates are real."""

    def __init__(self) -> None:
        from time import time

        self.now_s = time()

    def __call__(self) -> float:
        return self.now_s


def shaken(context: ssl.SSLContext, name: str | None = None, client: ssl.SSLContext | None = None) -> ssl.SSLObject:
    """The client's side after a handshake in memory."""
    if client is None:
        client = ssl.create_default_context()
        client.check_hostname = False
        client.verify_mode = ssl.CERT_NONE
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    theirs = client.wrap_bio(to_client, to_server, server_hostname=name)
    ours = context.wrap_bio(to_server, to_client, server_side=True)
    for side in (theirs, ours, theirs, ours):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return theirs


def names_of(context: ssl.SSLContext) -> list[str]:
    der = shaken(context).getpeercert(binary_form=True)
    assert der
    names = x509.load_der_x509_certificate(der).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in names]


def serial_of(context: ssl.SSLContext) -> int:
    der = shaken(context).getpeercert(binary_form=True)
    assert der
    return x509.load_der_x509_certificate(der).serial_number


class TestNames:
    @pytest.fixture
    def certificates(self, authority: Authority) -> Certificates:
        return Certificates(authority, {"web.localhost", "homeport.localhost"}.__contains__)

    @pytest.mark.parametrize("name", [None, "", "localhost", "127.0.0.1", "::1", "LOCALHOST."])
    def test_the_base_certificate(self, certificates: Certificates, name: str | None) -> None:
        context = certificates.for_name(name)
        assert context
        assert names_of(context) == ["localhost", "127.0.0.1", "::1"]

    @pytest.mark.parametrize("name", ["web.localhost", "WEB.localhost", "web.localhost."])
    def test_a_route_has_its_name_alone(self, certificates: Certificates, name: str) -> None:
        context = certificates.for_name(name)
        assert context
        assert names_of(context) == ["web.localhost"]
        assert certificates.for_name("web.localhost") is context

    @pytest.mark.parametrize("name", ["api.localhost", "example.com", "a.web.localhost", "192.168.0.1", "*", "x" * 300])
    def test_an_unknown_name_gets_nothing_and_costs_nothing(self, certificates: Certificates, name: str) -> None:
        assert certificates.for_name(name) is None
        assert not certificates._made

    def test_a_route_that_was_removed(self, authority: Authority) -> None:
        known = {"web.localhost"}
        certificates = Certificates(authority, known.__contains__)
        assert certificates.for_name("web.localhost")
        known.clear()
        assert certificates.for_name("web.localhost") is None

    def test_protocols_are_offered_in_our_order(self, authority: Authority) -> None:
        certificates = Certificates(authority, bool, alpn=("h2", "http/1.1"))
        client = ssl.create_default_context(cadata=authority.root_pem.decode())
        client.set_alpn_protocols(["http/1.1", "h2"])
        context = certificates.for_name("web.localhost")
        assert context
        assert shaken(context, "web.localhost", client).selected_alpn_protocol() == "h2"
        plain = certificates.for_name("web.localhost", alpn=())
        assert plain
        assert shaken(plain, "web.localhost", client).selected_alpn_protocol() is None

    def test_the_cache_is_bounded(self, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("homeport.certs.contexts._CONTEXTS", 3)
        certificates = Certificates(authority, lambda name: True)
        first = certificates.for_name("a.localhost")
        for name in ("b", "c", "a", "d", "e"):
            certificates.for_name(f"{name}.localhost")
        assert len(certificates._made) == 3
        assert certificates.for_name("a.localhost") is first


class TestRenewal:
    def test_after_two_thirds_of_its_life(self, authority: Authority) -> None:
        clock = Clock()
        certificates = Certificates(authority, lambda name: True, now_s=clock)
        first = certificates.for_name("web.localhost")
        assert first
        clock.now_s += DAY_S * LEAF_DAYS * 0.6
        assert certificates.for_name("web.localhost") is first
        clock.now_s += DAY_S * LEAF_DAYS * 0.1
        second = certificates.for_name("web.localhost")
        assert second
        assert serial_of(second) != serial_of(first)  # and the first one still works: connections use it

    def test_when_the_clock_was_set_back(self, authority: Authority) -> None:
        clock = Clock()
        certificates = Certificates(authority, lambda name: True, now_s=clock)
        first = certificates.for_name("web.localhost")
        clock.now_s -= DAY_S
        assert certificates.for_name("web.localhost") is not first

    def test_a_new_generation_is_followed(self, folder: str) -> None:
        certificates = Certificates(Authority.create(folder), lambda name: True)
        first = certificates.for_name("web.localhost")
        new = Authority.renew(folder)
        second = certificates.for_name("web.localhost")
        assert second
        assert second is not first
        client = ssl.create_default_context(cadata=new.root_pem.decode())
        assert shaken(second, "web.localhost", client).getpeercert()
        assert certificates.authority.fingerprint == new.fingerprint

    @pytest.mark.parametrize("damage", [b"", None])
    def test_a_damaged_or_removed_authority_does_not_stop_the_door(self, folder: str, damage: bytes | None) -> None:
        certificates = Certificates(Authority.create(folder), lambda name: True)
        path = Path(folder, "authority.pem")
        path.unlink()
        if damage is not None:
            path.write_bytes(damage)
            path.chmod(0o600)
        assert certificates.for_name("web.localhost")

    def test_many_threads_get_one_context(self, authority: Authority) -> None:
        certificates = Certificates(authority, lambda name: True)
        found: list[ssl.SSLContext | None] = []
        threads = [
            threading.Thread(target=lambda: found.append(certificates.for_name("web.localhost"))) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({id(context) for context in found}) == 1


class TestContext:
    @pytest.mark.parametrize("in_memory", [True, False])
    def test_no_file_stays_behind(self, folder: str, in_memory: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        if not in_memory:
            monkeypatch.delattr(os, "memfd_create", raising=False)
        authority = Authority.create(folder)
        before = sorted(os.listdir(folder))
        assert names_of(server_context(authority.leaf(["web.localhost"]))) == ["web.localhost"]
        assert sorted(os.listdir(folder)) == before

    def test_old_protocols_are_refused(self, authority: Authority) -> None:
        context = server_context(authority.leaf(["web.localhost"]))
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2

    def test_a_client_that_comes_again_resumes(self, authority: Authority) -> None:
        context, client = server_context(authority.leaf(["web.localhost"])), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        seen, session = [], None
        with serving(context) as port:
            for _ in range(3):
                with (
                    socket.create_connection(("127.0.0.1", port)) as sock,
                    client.wrap_socket(sock, session=session) as secure,
                ):
                    secure.sendall(b"GET / HTTP/1.1\r\n\r\n")
                    secure.read()  # the ticket comes before the answer
                    seen.append(secure.session_reused)
                    session = secure.session
        assert seen == [False, True, True]

    @pytest.mark.counterpart("openssl")
    def test_clients_with_a_certificate_alone(self, authority: Authority, tmp_path: Path) -> None:
        leaf = authority.leaf(["web.localhost"])
        with serving(server_context(leaf, client_ca=authority.root.path)) as port:
            client = ssl.create_default_context(cadata=authority.root_pem.decode())
            assert _is_answered(client, port) is False
        own = tmp_path / "client.pem"
        openssl = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        subprocess.run([*openssl, "-subj", "/CN=ada", "-keyout", own, "-out", own], check=True, capture_output=True)
        with serving(server_context(leaf, client_ca=str(own))) as port:
            client.load_cert_chain(own)
            assert _is_answered(client, port) is True

    def test_a_client_ca_that_is_none(self, authority: Authority, tmp_path: Path) -> None:
        leaf = authority.leaf(["web.localhost"])
        (tmp_path / "empty.pem").write_bytes(b"")
        for path in (tmp_path / "missing.pem", tmp_path / "empty.pem", tmp_path):
            with pytest.raises(HomeportError, match="client_ca") as caught:
                server_context(leaf, client_ca=str(path))
            assert caught.value.code == "bad-config"

    @pytest.mark.skipif(sys.platform == "win32", reason="modes of files")
    def test_the_key_log_is_private(self, authority: Authority, tmp_path: Path) -> None:
        path = tmp_path / "keys.log"
        context = server_context(authority.leaf(["web.localhost"]), keylog=str(path))
        shaken(context)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_text().count("CLIENT_HANDSHAKE_TRAFFIC_SECRET") == 1

    @pytest.mark.skipif(sys.platform == "win32", reason="modes of files")
    def test_a_key_log_that_others_may_read_is_refused(self, authority: Authority, tmp_path: Path) -> None:
        path = tmp_path / "keys.log"
        path.touch(0o644)
        path.chmod(0o644)
        with pytest.raises(HomeportError, match="open to other users") as caught:
            server_context(authority.leaf(["web.localhost"]), keylog=str(path))
        assert caught.value.hint == f"chmod go= {path}"
        with pytest.raises(HomeportError, match="cannot be written"):
            server_context(authority.leaf(["web.localhost"]), keylog=str(tmp_path / "no" / "keys.log"))


def _is_answered(client: ssl.SSLContext, port: int) -> bool:
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=5) as raw,
            client.wrap_socket(raw, server_hostname="web.localhost") as talk,
        ):
            talk.sendall(b"GET / HTTP/1.1\r\n\r\n")
            return b"200" in talk.recv(100)
    except OSError:
        return False
