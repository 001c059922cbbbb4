"""Tools of systems that we are not on: each command is recorded, and answered from a script."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from homeport.certs.place import Done


@dataclass
class FakeTools:
    """`answers`: the beginning of a command -> how it ends. Whatever else is run ends well and says nothing."""

    answers: dict[tuple[str, ...], Done | Callable[[], Done]] = field(default_factory=dict)
    commands: list[tuple[str, ...]] = field(default_factory=list)
    as_root: list[tuple[str, ...]] = field(default_factory=list)

    def __call__(self, *words: str, as_root: bool = False) -> Done:
        self.commands.append(words)
        if as_root:
            self.as_root.append(words)
        for begin, answer in self.answers.items():
            if words[: len(begin)] == begin:
                return answer if isinstance(answer, Done) else answer()
        return Done(0)


def every_tool(name: str) -> str:
    return f"/usr/bin/{name}"
