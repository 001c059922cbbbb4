"""Bytes that a stranger sent, made fit for a terminal: text with everything shown that would be obeyed, or a hex dump.

Pure. Nothing that comes out of here moves a cursor, changes a colour or writes from right to left.
"""

from __future__ import annotations

from homeport.cli.words import visible

_ROW = 16  # bytes in a row of a hex dump, as hexdump -C and xxd show them


def shown(text: str) -> str:
    """One line of text: control characters as \\x1b, other invisible ones (direction marks, for example) as \\u202e."""
    text = visible(text)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)


def shown_bytes(data: bytes) -> str:
    """As UTF-8; bytes that are none as \\xff. Ends of lines are shown as well."""
    return shown(data.decode("utf-8", "backslashreplace").replace("\r", "\\r"))


def shown_lines(data: bytes) -> list[str]:
    """Line by line, without the ends of lines."""
    lines = data.decode("utf-8", "backslashreplace").split("\n")
    if lines[-1] == "" and len(lines) > 1:
        lines.pop()
    return [shown(line.removesuffix("\r")) for line in lines]


def hex_rows(data: bytes, start: int = 0) -> list[str]:
    """`00000000  68 65 6c 6c 6f 0a                                 |hello.|`, 16 bytes a row."""
    rows = []
    for at in range(0, len(data), _ROW):
        part = data[at : at + _ROW]
        cells = f"{part[:8].hex(' '):23}  {part[8:].hex(' '):23}"
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        rows.append(f"{start + at:08x}  {cells}  |{text}|")
    return rows


def typed_hex(line: str) -> bytes:
    """`68 65 6c`, `68656c`, `0x68,0x65`: the bytes. Raises ValueError."""
    return bytes.fromhex(line.lower().replace("0x", " ").replace("\\x", " ").replace(",", " ").replace(":", " "))
