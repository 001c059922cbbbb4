"""The one error base. A message says what happened to what; the hint is the next command.

The same code appears in the terminal, in the API, on error pages and in docs/errors.md (a test compares the two lists).
"""

from __future__ import annotations

# code -> (exit status of the command line, status of the control API, one line for docs/errors.md)
CODES: dict[str, tuple[int, int, str]] = {
    "bad-usage": (2, 400, "The command or request was not understood."),
    "bad-config": (2, 400, "A configuration file has a mistake; the message names file, line and key."),
    "nothing-to-run": (2, 404, "The folder holds nothing that homeport recognises as an app."),
    "not-found": (1, 404, "No app, route, lease or exchange has that name."),
    "name-taken": (1, 409, "Another app, route or lease already has that name."),
    "port-taken": (1, 409, "Somebody else listens on the port that was asked for."),
    "no-free-port": (1, 409, "No port could be leased."),
    "app-failed": (1, 502, "The app ended or did not become ready."),
    "not-installed": (1, 424, "A program that is needed is not installed."),
    "unreachable": (1, 502, "The endpoint could not be connected to, or it broke off."),
    "engine-unreachable": (1, 503, "The background engine does not answer."),
    "engine-running": (1, 409, "Another engine already owns this home."),
    "engine-failed": (1, 500, "The background engine could not start."),
    "unsafe-home": (1, 500, "The state folder or a file in it can be read or written by others."),
    "broken-ca": (1, 500, "The local CA's files are damaged or cannot be written, or it has expired."),
    "trust-failed": (1, 500, "A trust store could not be read or changed."),
    "unauthorised": (1, 401, "The token is missing or wrong."),
    "forbidden": (1, 403, "The request came from a page that may not make it."),
    "needs-root": (1, 403, "Only root may do that; the hint is the command that does it."),
    "storage-failed": (1, 500, "The recording could not be read or written."),
    "unsupported": (1, 501, "This system cannot do that."),
    "internal": (70, 500, "A mistake in homeport itself."),
}


class HomeportError(Exception):
    """Something the user can act on. `code` is a key of CODES, `message` a sentence, `hint` the next command or ''."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        if code not in CODES:
            raise ValueError(f"unknown error code {code!r}")
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    @property
    def exit_status(self) -> int:
        return CODES[self.code][0]

    @property
    def http_status(self) -> int:
        return CODES[self.code][1]
