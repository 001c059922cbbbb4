"""The addresses of a route: for browsers by name, for everything else by path. It opens none of them."""

from __future__ import annotations

from collections.abc import Callable

from homeport.model.endpoint import Endpoint
from homeport.model.route import Https


class Urls:
    """`door` is where the door listens, None while it does not. `has_authority`: HTTPS has been used or prepared."""

    def __init__(self, door: Callable[[], Endpoint | None], has_authority: Callable[[], bool] = lambda: False) -> None:
        self._door, self._has_authority = door, has_authority

    def of(self, route: str) -> str:
        """The form that resolves everywhere; a path may be added to it."""
        return f"{self.plain()}/@{route}"

    def all(self, route: str, default: bool, https: Https = "also") -> list[str]:
        """The one for browsers first. HTTPS is named where it was prepared, or is the only way in."""
        plain = [f"{self.plain()}/"] if default else []
        named = f"{self.named(route)}/"
        every = [*plain, named, f"{self.of(route)}/"]
        if https == "only":
            return [_secure(url) for url in every]
        return [*every, _secure(named)] if https == "also" and self._has_authority() else every

    def plain(self) -> str:
        return f"http://{self._door() or ''}"

    def named(self, route: str) -> str:
        door = self._door()
        return f"http://{route}.localhost:{door.port if door else 0}"


def _secure(url: str) -> str:
    return url.replace("http://", "https://", 1)
