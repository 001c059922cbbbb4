"""`--access` and `--cross-site` of `route`, `run` and `serve`, and the files of hashed passwords that they read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import rich_click as click

from homeport.model.errors import HomeportError

if TYPE_CHECKING:
    from homeport.model.access import Access

ACCESS_HELP = "Who may use it: anyone-local, same-user, token, users:ann,1001, basic:FILE or public. [anyone-local]"
CROSS_SITE_HELP = "Whether other sites' pages may change something or open WebSockets. [allow]"
_HINT = "--access same-user"

Function = TypeVar("Function", bound=Callable[..., Any])


def access_options(function: Function) -> Function:
    """`access`, the words of every --access, and `cross_site`."""
    function = click.option(
        "--cross-site", type=click.Choice(["allow", "deny"]), default="allow", help=CROSS_SITE_HELP
    )(function)
    return click.option("--access", metavar="RULE", multiple=True, help=ACCESS_HELP)(function)


def read_access(options: Sequence[str]) -> Access:
    """Accounts and secrets of all of them together. Raises HomeportError("bad-usage")."""
    from homeport.model.access import ANYONE_LOCAL, PUBLIC, SAME_USER, TOKEN, WORDS, Access

    words: list[str] = []
    users: list[str | int] = []
    logins: dict[str, str] = {}
    for option in options:
        kind, colon, rest = option.partition(":")
        if kind == "users" and rest:
            users += [int(name) if name.isascii() and name.isdigit() else name for name in rest.split(",") if name]
        elif kind == "basic" and rest:
            logins |= read_logins(rest)
        elif kind == "basic":
            raise HomeportError("bad-usage", "--access basic needs a file of passwords", "homeport password --help")
        elif not colon and all(word in WORDS for word in option.split(",")):
            words += option.split(",")
        else:
            known = f"{', '.join(WORDS)}, users:NAME,… and basic:FILE"
            raise HomeportError("bad-usage", f"--access {option!r} is not understood; there are {known}", _HINT)
    made = Access(same_user=SAME_USER in words, users=users, token=TOKEN in words, basic=logins)
    for alone in (ANYONE_LOCAL, PUBLIC):
        if alone in words and (made != Access() or set(words) != {alone}):
            raise HomeportError("bad-usage", f"--access {alone} asks for nothing, so it stands alone", _HINT)
    return Access(public=True) if PUBLIC in words else made


def read_logins(path: str) -> dict[str, str]:
    """A file with one USER:HASH a line, as `homeport password` prints them. Raises HomeportError("bad-usage")."""
    from homeport.model.password import is_password_hash

    try:
        with open(path, encoding="utf-8") as file:
            lines = [line.strip() for line in file]
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise HomeportError("bad-usage", f"{path} cannot be read: {why}", f"homeport password ann > {path}") from error
    logins: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        user, _, hashed = line.partition(":")
        if not line or line.startswith("#"):
            continue
        if not user or not is_password_hash(hashed):
            message = f"{path}:{number}: is not USER:HASH as `homeport password` prints it"
            raise HomeportError("bad-usage", message, f"homeport password ann >> {path}")
        logins[user] = hashed
    if not logins:
        raise HomeportError("bad-usage", f"{path} holds no password", f"homeport password ann >> {path}")
    return logins
