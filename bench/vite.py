"""How long a Vite project's first page takes in Chromium: 600 modules over HTTP/2 and over HTTP/1.1.

Each load is a new browser with an empty profile. Vite has seen every module before, so what is left of its own work is
the same for all. Unlike the other topics this one uses every CPU: a browser is many processes, and so is its user's
machine. Not measured is the network of another machine: what is `away` are the answers of Vite, made late by homeport.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import BrowserType, sync_playwright

from bench import homeport, install
from bench.machine import all_cpus, cpu_s
from bench.peers import Peer, Stage
from bench.process import free_port, running
from bench.rounds import Results

FOLDERS, MODULES_EACH = 30, 20
DIRECT, PLAIN, H1, H2 = "Vite itself", "homeport, http", "homeport, https, HTTP/1.1", "homeport, https, HTTP/2"
_ONLY_H1 = ["--disable-http2"]
_ROUND_TRIP = "latency=10ms"  # each way
_INDEX = '<!doctype html><title>Harbour</title><p></p><script type="module" src="/src/main.js"></script>\n'
_CONFIG = 'export default { cacheDir: ".vite", server: { host: "127.0.0.1", strictPort: true } }\n'
_PIECE = "".join(f"export function step{n}(value) {{ return value * {n} + 1 }}\n" for n in range(20))


def measure(stage: Stage, rounds: int, say: Callable[[str], None]) -> Results:
    """Raises KeyError where a program is missing."""
    results = Results()
    executable = stage.programs["chromium"]
    with all_cpus(), _vite(stage) as port, homeport.unrecorded(Stage(stage.folder, stage.programs, port)) as door:
        environment = {**os.environ, "HOMEPORT_HOME": str(stage.folder / "homeport")}
        plain, secure = f"http://127.0.0.1:{door.port}/", f"https://127.0.0.1:{door.port}/"
        with sync_playwright() as playwright:
            browser = playwright.chromium
            _load(browser, executable, f"http://127.0.0.1:{port}/", [])  # Vite reads everything once
            for number in range(rounds):
                say(f"vite: round {number + 1} of {rounds}")
                near = {
                    DIRECT: _load(browser, executable, f"http://127.0.0.1:{port}/", []),
                    PLAIN: _load(browser, executable, plain, []),
                }
                for name, ms in near.items():
                    results.add(name, {"load ms": ms})
                _both(results, browser, executable, secure, door, "")
                homeport.say(environment, "net", "set", "bench", _ROUND_TRIP)
                _both(results, browser, executable, secure, door, ", 20 ms away")
                homeport.say(environment, "net", "clear", "bench")
    return results


def _both(results: Results, browser: BrowserType, executable: str, address: str, door: Peer, where: str) -> None:
    for name, flags in ((H1, _ONLY_H1), (H2, [])):
        before = cpu_s(door.pids)
        ms = _load(browser, executable, address, flags)
        results.add(name, {f"load ms{where}": ms, f"CPU ms/load{where}": (cpu_s(door.pids) - before) * 1e3})


def _load(browser: BrowserType, executable: str, address: str, flags: list[str]) -> float:
    """Milliseconds from the navigation to the `load` event, which waits for all modules to have run."""
    with browser.launch(executable_path=executable, args=["--disable-quic", *flags]) as window:
        page = window.new_context(ignore_https_errors=True).new_page()
        page.add_init_script("performance.setResourceTimingBufferSize(2000)")
        page.goto(address, timeout=120_000)
        seen = page.evaluate(
            """() => ({
                ms: performance.getEntriesByType("navigation")[0].loadEventStart,
                spoken: [...new Set(performance.getEntriesByType("resource").map(one => one.nextHopProtocol))],
                modules: performance.getEntriesByType("resource").filter(one => one.name.includes("/src/")).length,
            })"""
        )
    wanted = "h2" if address.startswith("https:") and not flags else "http/1.1"
    if seen["spoken"] != [wanted] or seen["modules"] <= FOLDERS * MODULES_EACH:
        raise RuntimeError(f"instead of the page over {wanted}: {seen}")
    return float(seen["ms"])


@contextmanager
def _vite(stage: Stage) -> Iterator[int]:
    folder = stage.folder / "project"
    _write_project(folder)
    port = free_port()
    command = [stage.programs["node"], str(folder / "node_modules/vite/bin/vite.js"), str(folder), "--port", str(port)]
    with running(command, port, stage.folder / "vite.log"):
        yield port


def _write_project(folder: Path) -> None:
    """main.js imports the index of every folder, each index the pieces of its folder."""
    source = folder / "src"
    source.mkdir(parents=True)
    (folder / "node_modules").symlink_to(install.vite())
    (folder / "package.json").write_text('{"private": true}')
    (folder / "vite.config.mjs").write_text(_CONFIG)
    (folder / "index.html").write_text(_INDEX)
    for number in range(FOLDERS):
        part = source / f"part{number}"
        part.mkdir()
        for piece in range(MODULES_EACH - 1):
            (part / f"piece{piece}.js").write_text(f"{_PIECE}export const value = step1({piece})\n")
        (part / "index.js").write_text(_sum([f"./piece{piece}.js" for piece in range(MODULES_EACH - 1)]))
    main = _sum([f"./part{number}/index.js" for number in range(FOLDERS)])
    (source / "main.js").write_text(main + 'document.querySelector("p").textContent = value\n')


def _sum(paths: list[str]) -> str:
    imports = "".join(f'import {{ value as v{at} }} from "{path}"\n' for at, path in enumerate(paths))
    return f"{imports}export const value = {' + '.join(f'v{at}' for at in range(len(paths)))}\n"
