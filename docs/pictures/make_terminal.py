"""Make terminal.svg from the real thing: run the commands in a pseudo-terminal and draw what came.

.venv/bin/python docs/pictures/make_terminal.py
"""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

HERE = Path(__file__).parent
HOMEPORT = Path(sys.executable).parent / "homeport"
COLUMNS = 92

APP = """\
import http from 'node:http'
const port = 3000 // takes no notice of PORT
http.createServer((request, response) => {
  response.statusCode = request.url === '/api/orders' ? 500 : 200
  response.end('hello from ' + request.url + '\\n')
}).listen(port, '127.0.0.1', () => console.log('listening on ' + port))
"""

PALE, RED, GREEN, AMBER = (222, 230, 236), (255, 123, 114), (126, 211, 140), (255, 190, 92)
BLUE, VIOLET, TEAL = (121, 184, 255), (210, 168, 255), (108, 212, 222)
THEME = TerminalTheme(
    (13, 27, 38),
    PALE,
    [(40, 54, 66), RED, GREEN, AMBER, BLUE, VIOLET, TEAL, PALE],
    [(120, 138, 152), RED, GREEN, AMBER, BLUE, VIOLET, TEAL, (255, 255, 255)],
)

# rich's own format asks a server for a font; this one takes what the reader has.
FORMAT = """\
<svg class="{unique_id}" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
 font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; white-space: pre; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>{lines}</defs>
<rect fill="#0d1b26" x="0" y="0" width="{width}" height="{height}" rx="10"/>
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}<g class="{unique_id}-matrix">{matrix}</g></g>
</svg>
"""


class Terminal:
    """A pseudo-terminal with one program in it."""

    def __init__(self, words: list[str], cwd: str, environment: dict[str, str]) -> None:
        self.output = ""
        self._fd, child = pty.openpty()
        self._process = subprocess.Popen(words, cwd=cwd, env=environment, stdin=child, stdout=child, stderr=child)
        os.close(child)

    def read(self, seconds: float, until: str = "") -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not (until and until in self.output):
            if select.select([self._fd], [], [], 0.1)[0]:
                try:
                    data = os.read(self._fd, 65536)
                except OSError:
                    return
                self.output += data.decode("utf-8", "replace")

    def end(self, number: signal.Signals | None = None) -> str:
        if number is not None:
            self._process.send_signal(number)
        self.read(20)
        self._process.wait(15)
        os.close(self._fd)
        return self.output


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        shop = Path(folder, "shop")
        shop.mkdir()
        (shop / "server.js").write_text(APP)
        environment = {
            **os.environ,
            "HOMEPORT_HOME": f"{folder}/home",
            "COLUMNS": str(COLUMNS),
            "TERM": "xterm-256color",
        }
        environment.pop("HOMEPORT_DOOR", None)
        run = Terminal([str(HOMEPORT), "run", "--name", "shop", "--", "node", "server.js"], str(shop), environment)
        run.read(20, "shop.localhost")
        run.read(0.5)
        door = json_status(environment)
        for method, path in (("GET", "/"), ("GET", "/products?page=2"), ("POST", "/api/orders"), ("GET", "/style.css")):
            subprocess.run(["curl", "-s", "-o", "/dev/null", "-X", method, door + path], check=True)
        time.sleep(0.5)
        parts = [("homeport run -- node server.js", run.output)]
        parts += [
            (f"homeport {word}", Terminal([str(HOMEPORT), word], str(shop), environment).end())
            for word in ("status", "requests")
        ]
        run.end(signal.SIGINT)
        subprocess.run([str(HOMEPORT), "down"], env=environment, capture_output=True, check=False)
        shown = [(command, output.replace(f"{folder}/", "~/").replace(folder, "~")) for command, output in parts]
        draw(shown, "terminal.svg")


def json_status(environment: dict[str, str]) -> str:
    import json

    done = subprocess.run([str(HOMEPORT), "status", "--json"], env=environment, capture_output=True, check=True)
    return str(json.loads(done.stdout)["engine"]["url"])


def draw(parts: list[tuple[str, str]], file: str) -> None:
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True, color_system="truecolor")
        for command, output in parts:
            console.print(Text.assemble(("$ ", "bright_black"), (command, "bold")))
            console.print(Text.from_ansi(re.sub(r"\r\n?", "\n", output).strip("\n")))
            console.print()
        svg = console.export_svg(title="", theme=THEME, code_format=FORMAT, unique_id="homeport", font_aspect_ratio=0.6)
    (HERE / file).write_text(svg, "utf-8")


if __name__ == "__main__":
    main()
