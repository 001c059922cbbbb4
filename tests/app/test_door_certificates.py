"""The door's certificates: made when they are asked for, by one CA however many ask, and warned of while untrusted."""

from __future__ import annotations

import asyncio
from pathlib import Path

from homeport.app.door_certificates import DoorCertificates
from homeport.certs.authority import Authority
from homeport.certs.receipt import Receipt, write_receipt
from homeport.model.errors import HomeportError


async def test_many_first_clients_meet_one_authority(tmp_path: Path) -> None:
    errors: list[HomeportError] = []
    certificates = DoorCertificates(str(tmp_path / "ca"), errors.append)
    assert certificates.at_hand("web.localhost") is None
    assert certificates.warnings() == []
    made = await asyncio.gather(*(certificates.make(name) for name in ("web.localhost", "", "web.localhost")))
    assert made[0] is made[2] is certificates.at_hand("web.localhost")
    assert made[1] is certificates.at_hand("")
    assert errors == []
    assert certificates.warnings() == ["browsers do not trust the certificates for https yet: homeport trust"]
    authority = Authority.load(str(tmp_path / "ca"))
    assert authority is not None
    write_receipt(str(tmp_path / "ca"), Receipt(fingerprint=authority.fingerprint, stores={"/store": "nss"}))
    assert certificates.warnings() == []


async def test_what_went_wrong_is_reported(tmp_path: Path) -> None:
    errors: list[HomeportError] = []
    (tmp_path / "ca").mkdir(mode=0o755)
    certificates = DoorCertificates(str(tmp_path / "ca"), errors.append, keylog="/nowhere/keys")
    (tmp_path / "ca").chmod(0o755)
    assert await certificates.make("web.localhost") is None
    assert [error.code for error in errors] == ["unsafe-home"]
    assert certificates.warnings() == ["the keys of TLS sessions are written to /nowhere/keys (tls_keylog)"]
