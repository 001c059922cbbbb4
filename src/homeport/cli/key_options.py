"""`homeport net set game --loss 20% --burst 5`: keys of network conditions written as options.

They become the words that they stand for, before the command's own options are read; no option of it has the name of a
key.
"""

from __future__ import annotations

import rich_click as click


class KeyOptionsCommand(click.RichCommand):
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _as_words(args))


def _as_words(args: list[str]) -> list[str]:
    from homeport.conditions.keys import HTTP_KEYS, KEYS, SIDES

    known = {"share", *KEYS, *HTTP_KEYS, *(f"{side}.{key}" for side in SIDES for key in KEYS)}
    words, rest = [], iter(args)
    for arg in rest:
        key, equals, value = arg.removeprefix("--").partition("=")
        if not arg.startswith("--") or key not in known:
            words.append(arg)
        elif equals:
            words.append(f"{key}={value}")
        else:
            words.append(f"{key}={next(rest, '')}")
    return words
