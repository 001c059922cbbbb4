"""`--expose` and `--for` of `route`, `run` and `serve`. What may be exposed, and where, is the engine's to say."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import rich_click as click

if TYPE_CHECKING:
    from homeport.model.exposure import ExposeSpec

EXPOSE_HELP = "Let other computers use it too, on this address, over TLS alone; needs --access token, basic or public."
FOR_HELP = "With --expose: then that ends. [when it is closed]"
ACCESS_NEEDED = "--expose needs --access token, --access basic:FILE or --access public"

Function = TypeVar("Function", bound=Callable[..., Any])


def expose_options(function: Function) -> Function:
    """`expose` and `lasts`, as they were written."""
    function = click.option("--for", "lasts", metavar="TIME", default="", help=FOR_HELP)(function)
    return click.option("--expose", metavar="ADDRESS", default=None, help=EXPOSE_HELP)(function)


def read_expose(address: str | None, lasts: str, access: tuple[str, ...]) -> ExposeSpec | None:
    """Raises click.UsageError for a time without an address, and for an address without a rule."""
    if address is None:
        if lasts:
            raise click.UsageError("--for says how long --expose ADDRESS lasts")
        return None
    if not access:
        raise click.UsageError(ACCESS_NEEDED)
    return exposed_for(address, lasts)


def exposed_for(address: str, lasts: str, access: tuple[str, ...] = ()) -> ExposeSpec:
    from homeport.cli.access_option import read_access
    from homeport.cli.duration_option import read_for
    from homeport.model.exposure import ExposeSpec

    return ExposeSpec(
        address=address.strip(), access=read_access(access) if access else None, lasts_s=read_for(lasts, "30m")
    )
