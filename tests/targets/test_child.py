"""One child and its pipes, on both event loops: floods, endless lines, foreign holders of a pipe."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from homeport.targets.child import Child
from homeport.targets.lines import PIECE_BYTES

Runner = Callable[[Coroutine[Any, Any, None]], None]


def _loops() -> list[Runner]:
    found: list[Runner] = [asyncio.run]
    if sys.platform != "win32":
        import uvloop

        found.append(uvloop.run)
    return found


loops = pytest.mark.parametrize("run", _loops(), ids=["asyncio", "uvloop"])


class Heard:
    def __init__(self) -> None:
        self.pieces: list[tuple[str, str, bool]] = []
        self.changed = asyncio.Event()

    def __call__(self, stream: str, text: str, continues: bool) -> None:
        self.pieces.append((stream, text, continues))
        self.changed.set()

    async def start(self, words: str | list[str], cwd: str = "/") -> Child:
        return await Child.start(words, cwd, dict(os.environ), self, lambda: None)


@loops
def test_both_streams_and_the_exit_code(run: Runner) -> None:
    async def story() -> None:
        heard = Heard()
        child = await heard.start("echo out; echo err >&2; exit 3")
        await child.ended.wait()
        await child.drained(5)
        assert sorted(heard.pieces) == [("err", "err", False), ("out", "out", False)]
        assert child.exit_code == 3
        await child.close()

    run(story())


@loops
def test_a_flood_arrives_whole(run: Runner) -> None:
    async def story() -> None:
        heard = Heard()
        code = f"import sys; sys.stdout.write('x' * {20 * PIECE_BYTES} + '\\n'); sys.stdout.write('line\\n' * 100_000)"
        child = await heard.start([sys.executable, "-c", code])
        await child.ended.wait()
        await child.drained(20)
        await child.close()
        first, *others = "".join(text if continues else f"{text}\n" for _, text, continues in heard.pieces).splitlines()
        assert first == "x" * 20 * PIECE_BYTES
        assert others == ["line"] * 100_000

    run(story())


@loops
def test_devices_that_mean_its_own_output(run: Runner) -> None:
    """`error_log /dev/stderr` opens the pipe anew, which works with a pipe and not with a socket."""

    async def story() -> None:
        heard = Heard()
        child = await heard.start("echo one > /dev/stdout; echo two > /dev/stderr")
        await child.drained(5)
        await child.close()
        assert sorted(heard.pieces) == [("err", "two", False), ("out", "one", False)]

    run(story())


@loops
def test_bytes_that_are_no_text(run: Runner, tmp_path: Path) -> None:
    async def story() -> None:
        heard = Heard()
        (tmp_path / "noise").write_bytes(bytes(range(256)) * 3)
        child = await heard.start("cat noise", str(tmp_path))
        await child.ended.wait()
        await child.drained(5)
        await child.close()
        assert len(heard.pieces) == 4
        assert "\ufffd" in heard.pieces[0][1] + heard.pieces[1][1]

    run(story())


@loops
def test_a_question_without_newline_is_shown(run: Runner) -> None:
    async def story() -> None:
        heard = Heard()
        child = await heard.start("printf 'use another port? '; exec sleep 600")
        await heard.changed.wait()
        assert heard.pieces == [("out", "use another port? ", True)]
        await child.close()
        assert heard.pieces[-1] == ("out", "", False)
        assert child.exit_code == 137, "closing a child that runs kills it"

    run(story())


@loops
def test_whoever_inherited_the_pipes_is_still_heard_and_not_waited_for(run: Runner, tmp_path: Path) -> None:
    async def story() -> None:
        heard = Heard()
        os.mkfifo(tmp_path / "go")
        child = await heard.start("(read line < go; echo late; exec sleep 600) & echo $!", str(tmp_path))
        await child.ended.wait()
        (tmp_path / "go").write_text("\n")
        while ("out", "late", False) not in heard.pieces:
            heard.changed.clear()
            await heard.changed.wait()
        await child.drained(0.01)
        await child.close()
        os.kill(int(heard.pieces[0][1]), 9)

    run(story())


@loops
def test_what_cannot_be_started_is_an_oserror(run: Runner, tmp_path: Path) -> None:
    async def story() -> None:
        (tmp_path / "script").write_text("no program")
        for words, cwd in (
            (["/no/such/program"], "/"),
            ([str(tmp_path / "script")], "/"),
            (["true"], "/no/such/folder"),
        ):
            with pytest.raises(OSError, match=r".+"):
                await Heard().start(words, cwd)

    run(story())
