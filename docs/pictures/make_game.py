"""Make game-clean.svg, game-far.svg and game-lossy.svg from the real thing: play on three networks, draw what was seen.

.venv/bin/python docs/pictures/make_game.py
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from pathlib import Path

from make_terminal import HOMEPORT, Terminal, draw

GAME = Path(__file__).parents[2] / "examples" / "game"
PLAY = ["python3", "play.py", "--seconds", "12"]
NETWORKS = {"clean": "", "far": "latency=100ms", "lossy": "--loss 20% --burst 5"}


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "HOMEPORT_HOME": home, "TERM": "xterm-256color"}
        up = Terminal([str(HOMEPORT), "up"], str(GAME), environment)
        up.read(20, "route game")
        up.read(1)
        for name, words in NETWORKS.items():
            if words:
                net = [str(HOMEPORT), "net", "set", "game", *words.split()]
                subprocess.run(net, env=environment, check=True, capture_output=True)
            game = Terminal(PLAY, str(GAME), environment)
            frames = game.end().split("\x1b[H")[40:-1]
            # Where something jumped, the largest jump; else what there was at last.
            shown = max(frames[::-1], key=lambda frame: frame.count("*"))
            commands = f"homeport net set game {words}" if words else "python3 play.py"
            draw([(commands, shown)], f"game-{name}.svg")
        up.end(signal.SIGINT)
        subprocess.run([str(HOMEPORT), "down"], env=environment, capture_output=True, check=False)


if __name__ == "__main__":
    main()
