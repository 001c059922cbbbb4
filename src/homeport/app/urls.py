"""The addresses of a route: for browsers by name, for everything else by path. It opens none of them."""

from __future__ import annotations

from collections.abc import Callable

from homeport.model.endpoint import Endpoint


class Urls:
    """`door` is where the door listens, None while it does not."""

    def __init__(self, door: Callable[[], Endpoint | None]) -> None:
        self._door = door

    def of(self, route: str) -> str:
        """The form that resolves everywhere; a path may be added to it."""
        return f"{self.plain()}/@{route}"

    def all(self, route: str, default: bool) -> list[str]:
        """The one for browsers first."""
        plain = [f"{self.plain()}/"] if default else []
        return [*plain, f"{self.named(route)}/", f"{self.of(route)}/"]

    def plain(self) -> str:
        return f"http://{self._door() or ''}"

    def named(self, route: str) -> str:
        door = self._door()
        return f"http://{route}.localhost:{door.port if door else 0}"
