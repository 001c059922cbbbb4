"""Commands that take a FILTER: `-path:/health` is a word that negates, not an option."""

from __future__ import annotations

import re

import rich_click as click

# A single dash and two letters or more; -n50 stays an option.
_NEGATED = re.compile(r"-[A-Za-z]{2,}|-\"|-'")


class FilterCommand(click.RichCommand):
    """Hands negated words to the parser behind `--`, where nothing is taken for an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else len(args)
        negated = [arg for arg in args[:end] if _NEGATED.match(arg)]
        others = [arg for arg in args[:end] if not _NEGATED.match(arg)]
        return super().parse_args(ctx, [*others, "--", *negated, *args[end + 1 :]])
