"""Two players and their screens. `python3 play.py` plays both; `--keys` lets you steer A.

`--headless` draws nothing and prints how wrong both were at the end.
"""

from __future__ import annotations

import argparse
import contextlib
import select
import socket
import struct
import sys
import time
from collections.abc import Iterable

from keys import pressed
from messages import read_snapshot
from player import Player
from screen import View, frame
from world import STILL, TICKS_PER_S, Steer

SILENCE_S = 3.0  # of the server: then nobody is there
HOME, CLEAR, HIDE, SHOW = "\x1b[H", "\x1b[2J", "\x1b[?25l", "\x1b[?25h"


class Seat:
    """A player and its socket."""

    def __init__(self, player: Player, from_port: int, server: tuple[str, int]) -> None:
        self.player = player
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", from_port))
        self.sock.connect(server)
        self.sock.setblocking(False)
        self.address = "{}:{}".format(*self.sock.getsockname())

    def next_tick(self, steer: Steer | None = None) -> None:
        with contextlib.suppress(OSError):  # nobody is there: the silence will tell
            self.sock.send(self.player.next_tick(steer))

    def hear(self) -> None:
        with contextlib.suppress(OSError, struct.error):
            while True:
                self.player.told(read_snapshot(self.sock.recv(2048)))


def main() -> int:
    options = _options()
    server = ("127.0.0.1", options.port)
    names = "AB"[: options.players]
    try:
        seats = [
            Seat(Player(name, resends=options.resend), options.from_port and options.from_port + number, server)
            for number, name in enumerate(names)
        ]
    except OSError as error:
        sys.exit(f"a player has no port: {error.strerror}; try --from-port 0")
    with contextlib.suppress(KeyboardInterrupt):
        play(seats, options)
    if not all(seat.player.received for seat in seats):
        sys.exit(
            f"nobody answers at {server[0]}:{server[1]}: is the server up, and the route? `homeport up` starts both"
        )
    print_errors(seats)
    return 0


def play(seats: list[Seat], options: argparse.Namespace) -> None:
    views = [View(seat.player, seat.address) for seat in seats]
    begun_s = time.monotonic()
    ticks = range(int(options.seconds * TICKS_PER_S)) if options.seconds else iter(int, 1)
    with contextlib.ExitStack() as stack:
        keys = stack.enter_context(pressed()) if options.keys else None
        if not options.headless:
            print(CLEAR + HIDE, end="", flush=True)
            stack.callback(lambda: print(SHOW, end="", flush=True))
        next_s, steering = begun_s, STILL
        for _ in ticks:
            if keys is not None:
                steering = steered(keys(), steering)
            for seat in seats:
                seat.next_tick(steering if keys is not None and seat is seats[0] else None)
            if not options.headless:
                print(HOME + frame(views), end="", flush=True)
            next_s = max(next_s + 1 / options.rate, time.monotonic())
            hear(seats, next_s)
            is_silent = not any(seat.player.received for seat in seats)
            if is_silent and time.monotonic() - begun_s > SILENCE_S:
                return
        hear(seats, time.monotonic() + SILENCE_S, until_settled=True)


def steered(keys: set[str], before: Steer) -> Steer:
    """Terminals tell of presses and not of releases: a boat goes on until it is told something else."""
    if not keys:
        return before
    return Steer(("right" in keys) - ("left" in keys), ("down" in keys) - ("up" in keys))


def hear(seats: list[Seat], until_s: float, *, until_settled: bool = False) -> None:
    """What comes until then; or until the server has seen every steering."""
    by_sock = {seat.sock: seat for seat in seats}
    while True:
        left_s = until_s - time.monotonic()
        for sock in select.select([*by_sock], [], [], max(0.0, left_s))[0]:
            by_sock[sock].hear()
        if left_s <= 0 or (until_settled and all(seat.player.is_settled for seat in seats)):
            return


def print_errors(seats: Iterable[Seat]) -> None:
    print(
        f"{'':8} {'sent':>6} {'heard':>6} {'missed':>6}   {'own boat: jumps':>16} {'largest':>8} {'in all':>8}", end=""
    )
    print(f"   {'other boat: jumps':>18} {'largest':>8} {'in all':>8}")
    for player in (seat.player for seat in seats):
        print(f"player {player.name} {player.sent:6} {player.received:6} {player.missed:6}   ", end="")
        print(f"{player.own.jumps:16} {player.own.largest:8.1f} {player.own.total:8.1f}   ", end="")
        print(f"{player.other.jumps:18} {player.other.largest:8.1f} {player.other.total:8.1f}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=62901, help="where the route (or the server) listens [62901]")
    parser.add_argument("--from-port", type=int, default=7001, help="of player A; B has the next; 0: any [7001]")
    parser.add_argument("--players", type=int, choices=(1, 2), default=2, help="how many [2]")
    parser.add_argument("--keys", action="store_true", help="the arrow keys steer player A")
    parser.add_argument("--resend", action="store_true", help="send again what the server has not seen")
    parser.add_argument("--seconds", type=float, default=0.0, help="how long [until Ctrl+C]")
    parser.add_argument("--rate", type=float, default=TICKS_PER_S, help=f"ticks a second [{TICKS_PER_S}]")
    parser.add_argument("--headless", action="store_true", help="draw nothing; print the errors at the end")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
