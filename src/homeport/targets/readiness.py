"""Ready checks that must be asked again and again: a path that answers, a command that ends with 0.

Each check says what it saw, "" when that was good enough. It never raises and never outlives its limit.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping

from homeport.model.endpoint import Endpoint


async def path_answers(endpoint: Endpoint, path: str, limit_s: float) -> str:
    """GET answers with a status below 400."""
    try:
        return await asyncio.wait_for(_get(endpoint, path), limit_s)
    except TimeoutError:
        return f"no answer within {limit_s:g} s"
    except OSError as error:
        return _words_of(error)


async def command_succeeds(
    command: str, cwd: str, env: Mapping[str, str], limit_s: float, kill: Callable[[int], None]
) -> str:
    """A shell line ends with 0. `kill` ends a process and its descendants by force."""
    silent = asyncio.subprocess.DEVNULL
    # In our own session, so that it is never taken for an orphan of the app (see Machine.strays).
    try:
        process = await asyncio.create_subprocess_shell(
            command, stdin=silent, stdout=silent, stderr=silent, cwd=cwd, env=dict(env)
        )
    except OSError as error:
        return _words_of(error)
    try:
        code = await asyncio.wait_for(process.wait(), limit_s)
    except TimeoutError:
        return f"not done within {limit_s:g} s"
    finally:
        if process.returncode is None:
            kill(process.pid)
            await process.wait()
    return f"exit code {code}" if code else ""


async def ask_until_good(
    check: Callable[[], Awaitable[str] | None], seen: Callable[[str], None], pause_s: float
) -> None:
    """Repeat a check until it is good; `seen` is told what came. A check that gives None cannot ask yet."""
    while True:
        asked = check()
        if asked is not None:
            outcome = await asked
            seen(outcome)
            if not outcome:
                return
        await asyncio.sleep(pause_s)


async def _get(endpoint: Endpoint, path: str) -> str:
    if endpoint.is_unix:
        reader, writer = await asyncio.open_unix_connection(endpoint.path)
    else:
        reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
    try:
        host = "localhost" if endpoint.is_unix else f"localhost:{endpoint.port}"
        target = path if path.startswith("/") else f"/{path}"
        head = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: homeport-ready\r\nAccept: */*\r\n"
        writer.write(f"{head}Connection: close\r\n\r\n".encode())
        line = await reader.readline()
    except ValueError:
        return "an answer that is not HTTP"  # a first line without end
    finally:
        writer.transport.abort()
    words = line.split()
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        return "an answer that is not HTTP" if line else "connection closed without an answer"
    return "" if int(words[1]) < 400 else f"status {int(words[1])}"


def _words_of(error: OSError) -> str:
    return (os.strerror(error.errno) if error.errno else str(error)).lower()
