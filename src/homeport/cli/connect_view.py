"""What `homeport connect` shows of a conversation. On a terminal: lines with arrows, sizes and times, and nothing that
the other side sent is obeyed. Elsewhere: its bytes as they came, a hex dump, or lines of JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from homeport.cli.failure import PipeGone
from homeport.cli.peer_text import hex_rows, shown, shown_lines
from homeport.cli.terminal import Paint, Terminal
from homeport.cli.words import duration, size
from homeport.play.connect import Opened
from homeport.play.event import Event, as_json
from homeport.play.talk import Ending


class Screen:
    """Prints each step. `is_typed`: what goes out stands on the terminal already, since somebody typed it there."""

    def __init__(self, terminal: Terminal, arrows: dict[str, str], *, as_hex: bool, is_typed: bool) -> None:
        self._terminal = terminal
        self._arrows = arrows
        self._as_hex = as_hex
        self._is_typed = is_typed
        self._paint = terminal.paint
        self._received = 0  # bytes so far: the offset of a hex dump

    def on_terminal(self, event: Event) -> None:
        if event.event == "in":
            self._print(self._incoming(event))
        elif event.event == "out":
            self._print(self._outgoing(event))

    def as_bytes(self, event: Event) -> None:
        """Data alone, byte for byte; a text message of a WebSocket is a line."""
        if event.event != "in" or event.data is None or event.kind in ("ping", "pong"):
            return
        if self._as_hex:
            self._print(hex_rows(event.data, self._received))
            self._received += len(event.data)
            return
        out = self._terminal.out
        data = event.data + b"\n" if event.kind == "text" else event.data
        with _reader():
            raw = getattr(out, "buffer", None)
            if raw is None:
                out.write(data.decode("utf-8", "replace"))
            else:
                raw.write(data)
            out.flush()

    def as_json(self, event: Event) -> None:
        import msgspec

        self._print([msgspec.json.encode(as_json(event)).decode()])

    def _incoming(self, event: Event) -> list[str]:
        arrow = self._paint(self._arrows["in"], "cyan")
        about = self._about(event)
        if event.data is None or event.kind in ("ping", "pong"):
            return [f"{arrow} {about} {shown(event.said)}".rstrip()]
        if self._as_hex:
            start = self._received
            self._received += len(event.data)
            return [f"{arrow} {about}", *hex_rows(event.data, start)]
        lines = [f"{arrow} {line}" for line in shown_lines(event.data)]
        lines[-1] += f"  {about}"
        return lines

    def _outgoing(self, event: Event) -> list[str]:
        arrow, data = self._paint(self._arrows["out"], "green"), event.data or b""
        about = self._about(event)
        if self._is_typed:
            return [f"{arrow} {about}"]
        if self._as_hex:
            return [f"{arrow} {about}", *hex_rows(data)]
        lines = [f"{arrow} {line}" for line in shown_lines(data)]
        lines[-1] += f"  {about}"
        return lines

    def _about(self, event: Event) -> str:
        """`(text, 6 B, 0.4 ms)`, dim."""
        words = [event.kind] if event.kind else []
        if event.data is not None:
            words.append(size(len(event.data)))
        if event.ms is not None:
            words.append(duration(event.ms))
        return self._paint(f"({', '.join(words)})", "dim")

    def _print(self, lines: list[str]) -> None:
        with _reader():
            for line in lines:
                self._terminal.data(line)


class _reader:  # noqa: N801 - reads as a word: with _reader()
    """A reader of our output that is gone ends the command; to the conversation it would look like its own end."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, BrokenPipeError):
            raise PipeGone from error


Show = Callable[[Event], None]


def opened_line(opened: Opened, name: str, paint: Paint) -> str:
    """`connected to 127.0.0.1:3000 (TLSv1.3, …) in 0.2 ms, TLS 3.1 ms`."""
    told = f" ({shown(opened.tls)})" if opened.tls else ""
    verb = "sending to" if name == "udp" else "connected to"
    return f"{verb} {paint(opened.peer, 'bold')}{told}{paint(': ' + phases(opened), 'dim')}"


def phases(opened: Opened) -> str:
    times = {"connect": opened.connect_ms, "TLS": opened.tls_ms, "WebSocket": opened.handshake_ms}
    return ", ".join(f"{name} {duration(ms)}" for name, ms in times.items() if ms is not None)


def ending_line(ending: Ending) -> str:
    first = f", first byte after {duration(ending.first_byte_ms)}" if ending.first_byte_ms is not None else ""
    return (
        f"{shown(ending.why)} after {duration(ending.lasted_ms)}: "
        f"{size(ending.sent_bytes)} sent, {size(ending.received_bytes)} received{first}"
    )
