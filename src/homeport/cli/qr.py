"""A QR code in a terminal: two rows of modules in a line of half blocks, dark on light whatever the terminal's colours.

Pure: a text in, lines out.
"""

from __future__ import annotations

_QUIET = 2  # modules of light around it; readers want four, and a terminal's own margin is the rest
_ON_WHITE = "\x1b[38;5;16;48;5;231m"  # black on white: terminals change the colours with names
_END = "\x1b[0m"
# By whether the upper and the lower module are dark.
_DARK = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def qr_lines(text: str, *, colour: bool) -> list[str]:
    """Without `colour` the light modules are what is printed: terminals without colour are mostly dark."""
    import segno  # 10 ms, and asked by few

    rows = [list(map(bool, row)) for row in segno.make(text, error="m", micro=False).matrix_iter(border=_QUIET)]
    if len(rows) % 2:
        rows.append([False] * len(rows[0]))
    lines = []
    for upper, lower in zip(rows[::2], rows[1::2], strict=True):
        if colour:
            lines.append(_ON_WHITE + "".join(_DARK[pair] for pair in zip(upper, lower, strict=True)) + _END)
        else:
            lines.append("".join(_DARK[not one, not other] for one, other in zip(upper, lower, strict=True)))
    return lines
