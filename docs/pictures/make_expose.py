"""Make expose.svg from the real thing, in a network of its own that has the address:

unshare -rn .venv/bin/python docs/pictures/make_expose.py
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from make_terminal import COLUMNS, HOMEPORT, Terminal, draw

ADDRESS = "192.168.1.20"
NETWORK = (
    "ip link set lo up",
    "ip link add phone type veth peer name desk",
    f"ip address add {ADDRESS}/24 dev desk",
    "ip link set desk up",
)


def main() -> None:
    for line in NETWORK:
        subprocess.run(line.split(), check=True)
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder, "web")
        site.mkdir()
        (site / "index.html").write_text("<h1>hello</h1>")
        environment = {
            **os.environ,
            "HOMEPORT_HOME": f"{folder}/home",
            "COLUMNS": str(COLUMNS),
            "TERM": "xterm-256color",
        }
        environment.pop("HOMEPORT_DOOR", None)
        subprocess.run([str(HOMEPORT), "serve", "-d"], cwd=site, env=environment, check=True)
        shown = []
        for words in (f"expose web {ADDRESS} --access token --for 2h", "status"):
            output = Terminal([str(HOMEPORT), *words.split()], str(site), environment).end()
            shown.append((f"homeport {words}", output.replace(f"{folder}/", "~/").replace(folder, "~")))
        subprocess.run([str(HOMEPORT), "down"], env=environment, capture_output=True, check=False)
        draw(shown, "expose.svg")


if __name__ == "__main__":
    main()
