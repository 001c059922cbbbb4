"""What was coded comes back, cut bodies come back in part, bombs stop at the limit, garbage is harmless."""

from __future__ import annotations

import gzip
import importlib
import random
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.wire.content import Decoded, decode_content

LIMIT = 1 << 20
TEXT = b"".join(b"line %d of a body that compresses well\n" % number for number in range(400))


def bare_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def optional(*names: str) -> Any:
    for name in names:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    pytest.skip(f"{names[0]} is not installed")


@pytest.mark.parametrize(
    ("codings", "coded"),
    [
        ("gzip", gzip.compress(TEXT)),
        ("X-GZIP", gzip.compress(TEXT)),
        ("gzip", gzip.compress(TEXT[:50]) + gzip.compress(TEXT[50:])),
        ("gzip", gzip.compress(TEXT) + b"\0\0\0"),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", bare_deflate(TEXT)),
        ("deflate, gzip", gzip.compress(zlib.compress(TEXT))),
        ("identity", TEXT),
        ("", TEXT),
    ],
)
def test_codings_come_off(codings: str, coded: bytes) -> None:
    assert decode_content(coded, codings, LIMIT) == Decoded(TEXT, True)


def test_brotli_comes_off_within_the_limit() -> None:
    brotli = optional("brotli", "brotlicffi")
    assert decode_content(brotli.compress(TEXT), "br", LIMIT) == Decoded(TEXT, True)
    assert decode_content(brotli.compress(b"\0" * 10_000_000), "br", 1000) == Decoded(b"\0" * 1000, False)
    assert decode_content(b"garbage", "br", LIMIT) == Decoded(b"garbage", False, "br")
    cut = decode_content(brotli.compress(TEXT)[:-5], "br", LIMIT)
    assert TEXT.startswith(cut.data)
    assert not cut.is_whole


def test_zstd_comes_off_within_the_limit() -> None:
    zstd = optional("compression.zstd", "backports.zstd")
    assert decode_content(zstd.compress(TEXT) * 2, "zstd", LIMIT) == Decoded(TEXT * 2, True)
    assert decode_content(zstd.compress(b"\0" * 10_000_000), "zstd", 1000) == Decoded(b"\0" * 1000, False)
    assert decode_content(b"garbage", "zstd", LIMIT) == Decoded(b"garbage", False, "zstd")


@pytest.mark.parametrize(("codings", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_cut_body_comes_back_in_part(codings: str, pack: Any) -> None:
    noise = random.Random(1).randbytes(20_000)
    coded = pack(noise)
    cut = decode_content(coded[: len(coded) // 2], codings, LIMIT)
    assert len(cut.data) > 1000
    assert noise.startswith(cut.data)
    assert not cut.is_whole


def test_what_was_right_before_a_mistake_is_kept() -> None:
    coded = bytearray(zlib.compress(bytes((n * n) % 253 for n in range(60_000)), 1))
    coded[len(coded) - 300 :] = b"\xff" * 300
    assert decode_content(bytes(coded), "deflate", LIMIT).data


@pytest.mark.parametrize(("codings", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_bomb_stops_at_the_limit(codings: str, pack: Any) -> None:
    assert decode_content(pack(b"\0" * 50_000_000), codings, 1000) == Decoded(b"\0" * 1000, False)


def test_codings_that_cannot_be_removed_are_named() -> None:
    assert decode_content(b"x", "frobnicate", LIMIT) == Decoded(b"x", False, "frobnicate")
    assert decode_content(gzip.compress(b"x"), "frobnicate, gzip", LIMIT) == Decoded(b"x", False, "frobnicate")
    assert decode_content(b"not gzip", "gzip", LIMIT) == Decoded(b"not gzip", False, "gzip")
    assert decode_content(b"x", "gzip, " * 9, LIMIT).undone.count("gzip") == 9


@given(
    st.binary(max_size=300),
    st.sampled_from(["gzip", "deflate", "br", "zstd", "gzip, deflate", "x"]),
    st.integers(1, 99),
)
def test_garbage_raises_nothing(data: bytes, codings: str, limit: int) -> None:
    assert len(decode_content(data, codings, limit).data) <= limit
