"""Passwords: hashed by scrypt as others do, and nothing but the right one is right."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from homeport.model.password import LN, P, R, hash_password, is_password, is_password_hash

CHEAP = hash_password("hunter2", ln=10)


@settings(max_examples=20)
@given(st.text(), st.text())
@example("", "")
@example("a\0b", "a")
@example("\ud800", "?")
def test_only_the_right_one_is_right(password: str, other: str) -> None:
    hashed = hash_password(password, ln=10)
    assert is_password_hash(hashed)
    assert is_password(password, hashed)
    assert is_password(other, hashed) == (other == password)


def test_two_hashes_of_one_password_differ_and_cost_what_they_should() -> None:
    one, two = hash_password("x"), hash_password("x")
    assert one != two
    assert one.startswith(f"$scrypt$ln={LN},r={R},p={P}$")
    assert (LN, R, P) == (15, 8, 3)  # one of the settings of the OWASP cheat sheet


def test_it_is_scrypt_of_rfc_7914() -> None:
    """The third vector of section 12: N = 16384, r = 8, p = 1."""
    key = hashlib.scrypt(b"pleaseletmein", salt=b"SodiumChloride", n=16384, r=8, p=1, dklen=64)
    assert key.hex().startswith("7023bdcb3afd7348461c06cd81fd38eb")
    salt, text = (base64.b64encode(part).decode().rstrip("=") for part in (b"SodiumChloride", key))
    assert is_password("pleaseletmein", f"$scrypt$ln=14,r=8,p=1${salt}${text}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hunter2",
        "$2b$12$abcdefghijklmnopqrstuv",
        CHEAP.replace("ln=10", "ln=30"),  # 128 GiB
        CHEAP.replace("ln=10", "ln=1"),
        CHEAP.replace("r=8", "r=0"),
        CHEAP.replace("p=3", "p=99"),
        CHEAP[:-30],
        CHEAP + "=",
        CHEAP + "\n",
        CHEAP.replace("scrypt", "argon2id"),
    ],
)
def test_what_is_no_hash_of_ours_opens_nothing(text: str) -> None:
    assert not is_password_hash(text)
    assert not is_password("hunter2", text)
