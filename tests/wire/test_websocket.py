"""What a real sender (the websockets package) framed comes out, however it is cut; garbage is harmless."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode

from homeport.wire.websocket import Deflate, FrameReader, WsMessage, agreed_deflate, unmask

TEXT, BINARY = Opcode.TEXT, Opcode.BINARY


def sender(client_keeps: bool, server_keeps: bool, *, is_client: bool) -> PerMessageDeflate:
    local, remote = (client_keeps, server_keeps) if is_client else (server_keeps, client_keeps)
    return PerMessageDeflate(not remote, not local, 15, 15)


def pour(reader: FrameReader, data: bytes, step: int) -> list[WsMessage]:
    return [message for at in range(0, len(data), step) for message in reader.feed(data[at : at + step])]


messages = st.lists(st.tuples(st.sampled_from([TEXT, BINARY]), st.binary(max_size=300)), max_size=8)


@given(messages, st.booleans(), st.booleans(), st.booleans(), st.integers(1, 50), st.booleans())
def test_every_message_of_a_real_sender_comes_out_in_any_cut(
    sent: list[tuple[Opcode, bytes]], is_client: bool, client_keeps: bool, server_keeps: bool, step: int, deflates: bool
) -> None:
    extensions = [sender(client_keeps, server_keeps, is_client=is_client)] if deflates else []
    wire = b"".join(Frame(op, data).serialize(mask=is_client, extensions=extensions) for op, data in sent)
    reader = FrameReader(deflate=Deflate(client_keeps, server_keeps) if deflates else None, from_client=is_client)
    got = pour(reader, wire, step)
    assert [(message.kind, message.data) for message in got] == [(op.name.lower(), data) for op, data in sent]
    assert not reader.broken
    assert reader.is_between_messages


@pytest.mark.parametrize("deflates", [False, True])
def test_fragments_make_one_message_and_pings_may_stand_between(deflates: bool) -> None:
    extensions = [sender(True, True, is_client=True)] if deflates else []
    frames = [
        Frame(TEXT, b"hel" * 200, fin=False),
        Frame(Opcode.PING, b"?"),
        Frame(Opcode.CONT, b"lo" * 200, fin=True),
        Frame(Opcode.CLOSE, b"\x03\xe8bye"),
    ]
    wire = b"".join(frame.serialize(mask=True, extensions=extensions) for frame in frames)
    reader = FrameReader(deflate=Deflate() if deflates else None, from_client=True)
    whole = b"hel" * 200 + b"lo" * 200
    assert pour(reader, wire, 7) == [
        WsMessage("ping", b"?", 1),
        WsMessage("text", whole, len(whole)),
        WsMessage("close", b"\x03\xe8bye", 5),
    ]


@pytest.mark.parametrize("deflates", [False, True])
def test_a_long_message_is_kept_in_part_and_the_next_one_is_right(deflates: bool) -> None:
    extensions = [sender(True, True, is_client=False)] if deflates else []
    long = b"0123456789" * 40_000
    wire = Frame(BINARY, long).serialize(mask=False, extensions=extensions)
    wire += Frame(TEXT, long[:50]).serialize(mask=False, extensions=extensions)
    reader = FrameReader(deflate=Deflate() if deflates else None, from_client=False, limit_bytes=100)
    assert reader.feed(wire) == [WsMessage("binary", long[:100], len(long)), WsMessage("text", long[:50], 50)]


def test_a_bomb_ends_the_reading_and_not_the_memory() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    zeros = b"".join(packer.compress(b"\0" * (1 << 20)) for _ in range(100)) + packer.flush(zlib.Z_SYNC_FLUSH)
    frame = bytes([0x80 | 0x40 | 2, 127]) + len(zeros[:-4]).to_bytes(8, "big") + zeros[:-4]
    reader = FrameReader(deflate=Deflate(), from_client=False)
    assert reader.feed(frame) == []
    assert "inflates" in reader.broken


@pytest.mark.parametrize(
    ("garbage", "why"),
    [
        (b"\xf1\x00", "reserved"),
        (b"\x83\x00", "opcode"),
        (b"\x09\x00", "control"),
        (b"\x89\x7e\x00\x80", "control"),
        (b"\xc1\x00", "agreed"),
        (b"\x80\x00", "fragment"),
        (b"\x01\x00\x81\x00", "fragment"),
        (b"\x82\x7f" + b"\xff" * 8, "2^63"),
    ],
)
def test_what_is_no_frame_is_named_and_what_came_before_stands(garbage: bytes, why: str) -> None:
    reader = FrameReader(deflate=None, from_client=False)
    assert reader.feed(b"\x81\x02ok" + garbage) == [WsMessage("text", b"ok", 2)]
    assert why in reader.broken
    assert reader.feed(b"\x81\x02ok") == []
    assert reader.leftover


@given(st.binary(max_size=400), st.booleans())
@example(b"\xc1\x01\x07", True)
@example(b"\xc1\x05\x03\x00abc", True)
def test_garbage_raises_nothing_and_cuts_do_not_matter(garbage: bytes, deflates: bool) -> None:
    whole, pieces = (FrameReader(deflate=Deflate() if deflates else None, from_client=False) for _ in range(2))
    assert whole.feed(garbage) == pour(pieces, garbage, 1)
    assert whole.broken == pieces.broken


def test_the_answer_says_what_was_agreed() -> None:
    assert agreed_deflate("") is None
    assert agreed_deflate("x-webkit-deflate-frame") is None
    assert agreed_deflate("permessage-deflate") == Deflate(True, True)
    assert agreed_deflate("Permessage-Deflate; server_no_context_takeover; client_max_window_bits=12") == Deflate(
        True, False
    )
    assert agreed_deflate("foo, permessage-deflate;client_no_context_takeover") == Deflate(False, True)


@given(st.binary(max_size=50), st.binary(min_size=4, max_size=4))
def test_masking_twice_is_nothing(data: bytes, mask: bytes) -> None:
    assert unmask(data, mask) == bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))
