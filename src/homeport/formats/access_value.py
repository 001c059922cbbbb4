"""The reader of `access` in homeport.toml: a word, several words, or a table for users and passwords.

It knows what can be written; whether an account exists is found out when the route is made.
"""

from __future__ import annotations

from homeport.formats.toml_lines import toml_string
from homeport.formats.toml_values import Unreadable, boolean, did_you_mean, each, expected, filled, kind, listed
from homeport.model.access import ANYONE_LOCAL, EVERYONE, PUBLIC, SAME_USER, TOKEN, WORDS, Access
from homeport.model.password import is_password_hash


def access(value: object) -> Access:
    """`"same-user"`, `["same-user", "token"]` or `{ users = ["ann", 1001], basic = { ann = "$scrypt$…" } }`."""
    if isinstance(value, str):
        return of_words([_word(value)])
    if isinstance(value, list):
        return of_words(listed(_word)(value))
    if isinstance(value, dict):
        return _table(value)
    raise expected("a word, an array of words or a table", value)


def of_words(words: list[str]) -> Access:
    """Raises Unreadable for "anyone-local" and "public" beside a condition."""
    for alone in (ANYONE_LOCAL, PUBLIC):
        if alone in words and len(set(words)) > 1:
            raise Unreadable(((), f'"{alone}" asks for nothing, so it stands alone'))
    if not words:
        raise Unreadable(((), f'names nobody; everybody on this computer is "{ANYONE_LOCAL}"'))
    return Access(same_user=SAME_USER in words, token=TOKEN in words, public=PUBLIC in words)


def users(value: object) -> list[str | int]:
    """Names and uids of local accounts."""
    found: list[str | int] = listed(_account)(value)
    if not found:
        raise Unreadable(((), "names nobody"))
    return found


def login(value: object) -> str:
    """A password as `homeport password` hashes it. The value is never repeated."""
    if not is_password_hash(filled(value)):
        raise Unreadable(((), "is not a hash that `homeport password` prints"))
    return filled(value)


def _word(value: object) -> str:
    word = filled(value)
    if word in ("basic", "users"):
        raise Unreadable(((), f'"{word}" needs more: access = {{ {word} = … }}'))
    if word not in WORDS:
        words = ", ".join(map(toml_string, WORDS))
        raise Unreadable(((), f"expected {words} or a table, found {toml_string(word)}{did_you_mean(word, WORDS)}"))
    return word


def _account(value: object) -> str | int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise Unreadable(((), f"expected the name of an account or its uid, found {kind(value)}"))
    if isinstance(value, int) and not 0 <= value < 2**32 - 1:
        raise Unreadable(((), "expected a uid"))
    return value if isinstance(value, int) else filled(value)


def _logins(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise expected("a table of users and hashed passwords", value)
    if not value:
        raise Unreadable(((), "names nobody"))
    return each(value, login, _user)


def _user(value: object) -> str:
    if ":" in filled(value):  # it parts user and password (RFC 7617)
        raise Unreadable(((), "a user cannot have a colon in its name"))
    return filled(value)


_TABLE = {"same_user": boolean, "users": users, "token": boolean, "basic": _logins}


def _table(value: dict[str, object]) -> Access:
    for key in value.keys() - _TABLE.keys():
        raise Unreadable(
            ((key,), f"unknown key{did_you_mean(key, _TABLE) or '; the keys here are ' + ', '.join(_TABLE)}")
        )
    found: dict[str, object] = {}
    problems = []
    for key, inner in value.items():
        try:
            found[key] = _TABLE[key](inner)
        except Unreadable as error:
            problems += [((key, *path), message) for path, message in error.problems]
    if problems:
        raise Unreadable(*problems)
    made = Access(**found)  # type: ignore[arg-type]  # each value was read by the reader of its key
    if made == EVERYONE:
        raise Unreadable(((), f'asks for nothing; everybody on this computer is "{ANYONE_LOCAL}"'))
    return made
