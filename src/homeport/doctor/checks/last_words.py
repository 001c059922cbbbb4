"""The one line of a log that tells most about an end. Pure; when in doubt it is the last line."""

from __future__ import annotations

import re

# How runtimes and programs begin the line that names the mistake. Stack frames and farewells may follow it.
_TELLING = re.compile(
    r"^\s*(?:\[?(?:error|fatal|panic|critical|emerg)\]?(?:\[\w+\])?:|(?:nginx: )?\[(?:emerg|crit)\]|"
    r"[\w.]*(?:Error|Exception)\b(?: \[\w+\])?:|thread '.*' panicked)",
    re.IGNORECASE,
)
_LOOKED_AT = 30  # Node writes up to 20 lines of stack and details behind the mistake
_LONGEST = 300


def last_words(lines: list[str]) -> tuple[str, bool]:
    """The line, and whether it is the last one. ("", True) for an empty log."""
    written = [line.strip() for line in lines if line.strip()][-_LOOKED_AT:]
    if not written:
        return "", True
    last = len(written) - 1
    at = next((place for place in range(last, -1, -1) if _TELLING.match(written[place])), last)
    line = written[at]
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…", at == last
