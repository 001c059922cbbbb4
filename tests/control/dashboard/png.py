"""Makes a screenshot small: 8-bit RGB PNG (ISO/IEC 15948) to a palette of 256 colours.

Interfaces have few colours and many blends at the edges of letters; each blend takes the nearest colour that is kept.
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
BYTES = 3  # of one RGB pixel

Colour = tuple[int, int, int]


def shrink(data: bytes) -> bytes:
    chunks = list(_chunks(data))
    width, height, depth, kind = struct.unpack(">IIBB", chunks[0][1][:10])
    if (depth, kind) != (8, 2):
        raise ValueError("only 8-bit RGB is understood")
    raw = zlib.decompress(b"".join(body for name, body in chunks if name == b"IDAT"))
    rows = list(_unfiltered(raw, width * BYTES))
    pixels = [list(zip(row[::3], row[1::3], row[2::3], strict=True)) for row in rows]
    counts = Counter(pixel for row in pixels for pixel in row)
    palette = _chosen(counts)
    index = {colour: at for at, colour in enumerate(palette)}
    for colour in counts:
        if colour not in index:
            index[colour] = index[min(palette, key=lambda kept: _distance(kept, colour))]
    lines = b"".join(b"\0" + bytes(index[pixel] for pixel in row) for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = [(b"IHDR", header), (b"PLTE", bytes(part for colour in palette for part in colour))]
    parts += [(b"IDAT", zlib.compress(lines, 9)), (b"IEND", b"")]
    return SIGNATURE + b"".join(_chunk(name, body) for name, body in parts)


def _chosen(counts: Counter[Colour]) -> list[Colour]:
    """The most frequent colours, then those that would be missed most: often seen, and far from all that is kept."""
    palette = [colour for colour, _ in counts.most_common(96)]
    missed = {colour: min(_distance(kept, colour) for kept in palette) for colour in counts}
    while len(palette) < 256:
        worst = max(counts, key=lambda colour: counts[colour] * missed[colour])
        palette.append(worst)
        missed = {colour: min(far, _distance(worst, colour)) for colour, far in missed.items()}
    return palette


def _distance(one: Colour, other: Colour) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        at += length + 12


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _unfiltered(raw: bytes, stride: int) -> Iterator[bytes]:
    """Section 9.2: each line says how its bytes differ from those left (a), above (b) and above left (c)."""
    above = bytes(stride)
    for at in range(0, len(raw), stride + 1):
        kind, line = raw[at], bytearray(raw[at + 1 : at + 1 + stride])
        for x in range(stride) if kind else ():
            a = line[x - BYTES] if x >= BYTES else 0
            c = above[x - BYTES] if x >= BYTES else 0
            line[x] = (line[x] + _predicted(kind, a, above[x], c)) & 255
        above = bytes(line)
        yield above


def _predicted(kind: int, a: int, b: int, c: int) -> int:
    if kind < 4:
        return (0, a, b, (a + b) // 2)[kind]
    near_a, near_b, near_c = abs(b - c), abs(a - c), abs(a + b - 2 * c)
    if near_a <= near_b and near_a <= near_c:
        return a
    return b if near_b <= near_c else c
