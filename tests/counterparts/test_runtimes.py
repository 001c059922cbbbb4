"""Apps as developers write them behind the door: a Node server, an ASGI app, a Procfile of three."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Page, expect

from tests.counterparts.audience import by_curl, everyone_sees
from tests.counterparts.stage import Stage

NODE = """
const http = require("http")
const server = http.createServer((request, response) => {
  response.setHeader("Content-Type", "text/html")
  response.end("<!doctype html><title>Shop</title><h1>Shop</h1>")
})
server.listen(0, "127.0.0.1", () => console.log(`open on ${server.address().port}`))
"""
ASGI = """
import asyncio
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute

PAGE = '''<!doctype html><title>Notes</title><h1>Notes</h1><ol></ol><output></output>
<script>
const events = new EventSource("/ticks")
events.onmessage = event => {
  document.querySelector("ol").append(Object.assign(document.createElement("li"), {textContent: event.data}))
  if (event.data == "3") events.close()
}
const socket = new WebSocket(`ws://${location.host}/echo`)
socket.onopen = () => socket.send("there and back")
socket.onmessage = event => { document.querySelector("output").textContent = event.data }
</script>'''

@asynccontextmanager
async def lifespan(app):
    yield
    print("every note is kept", flush=True)

async def page(request):
    return HTMLResponse(PAGE)

async def size(request):
    total = 0
    async for piece in request.stream():
        total += len(piece)
    return JSONResponse({"bytes": total, "base": str(request.base_url)})

async def ticks(request):
    async def tell():
        for number in (1, 2, 3):
            yield f"data: {number}\\n\\n"
            await asyncio.sleep(0.05)
        await asyncio.Event().wait()  # until the browser has enough: nothing of it may be held back
    return StreamingResponse(tell(), media_type="text/event-stream")

async def echo(socket):
    await socket.accept()
    await socket.send_text(await socket.receive_text())
    await socket.close()

routes = [Route("/", page), Route("/size", size, methods=["POST"]), Route("/ticks", ticks)]
app = Starlette(routes=[*routes, WebSocketRoute("/echo", echo)], lifespan=lifespan)
"""
WEB = """
import os, urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        with urllib.request.urlopen(os.environ["HOMEPORT_API_URL"] + "/price") as answer:
            price = answer.read().decode()
        body = f"<!doctype html><title>Market</title><h1>Market</h1><p>{price}</p>".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(body)

ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Page).serve_forever()
"""
API = """
import os
from http.server import BaseHTTPRequestHandler, HTTPServer

class Api(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{self.path} is 3 euros".encode())

HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Api).serve_forever()
"""
WORKER = """
import os, signal, sys, time

def stop(number, frame):
    print("the last job is done", flush=True)
    sys.exit(0)

signal.signal(signal.SIGTERM, stop)
print("waiting for jobs of", os.environ["HOMEPORT_WEB_URL"], flush=True)
while True:
    signal.pause()
"""


@pytest.mark.counterpart("node", "curl", "chromium")
def test_a_node_server_that_ignores_port(stage: Stage, page: Page) -> None:
    stage.write("server.js", NODE)
    with stage.perform("run", "--name", "shop", "--", "node", "server.js") as run:
        port = run.says("open on").split()[-1]
        run.says("shop is ready")
        run.says(f"notice: shop listens on {port} instead of")
        everyone_sees(stage, page, "shop", "Shop")
        assert stage.app("shop")["address"] == f"127.0.0.1:{port}"


@pytest.mark.counterpart("curl", "chromium")
def test_an_asgi_app_that_was_detected(stage: Stage, page: Page) -> None:
    stage.write("main.py", ASGI)
    with stage.perform("up") as run:
        assert "main.py" in run.says("harbour:")
        run.says("harbour is ready")
        everyone_sees(stage, page, "harbour", "Notes")
        expect(page.locator("li")).to_have_text(["1", "2", "3"])
        expect(page.locator("output")).to_have_text("there and back")
        upload = stage.write("upload", "x" * 3_000_000)
        answer = stage.curl("--data-binary", f"@{upload}", "http://127.0.0.1:{port}/size")
        assert json.loads(answer.text) == {"bytes": 3_000_000, "base": f"http://127.0.0.1:{stage.port}/"}
        seen = {(one["kind"], one["path"], one["status"]) for one in stage.requests("route:harbour")}
        assert seen >= {("upgrade", "/echo", 101), ("http", "/ticks", 200), ("http", "/size", 200)}
    assert "every note is kept" in run.text, "it had the time to end by itself"


@pytest.mark.counterpart("curl", "chromium")
def test_a_procfile_of_three(stage: Stage, page: Page) -> None:
    for name, source in {"web": WEB, "api": API, "worker": WORKER}.items():
        stage.write(f"{name}.py", source)
    stage.write("Procfile", "worker: python worker.py\napi: python api.py\nweb: python web.py\n")
    with stage.perform("up") as run:
        assert "Procfile" in run.says("Procfile")
        for name in ("web", "api", "worker"):
            run.says(f"{name} is ready")
        everyone_sees(stage, page, "web", "Market")
        expect(page.get_by_text("/price is 3 euros")).to_be_visible()
        by_curl(stage, "api", "/ is 3 euros", is_default=False)
        assert re.search(r"worker +│ waiting for jobs of http://127.0.0.1:\d+/@web$", run.text, re.MULTILINE)
    assert "the last job is done" in run.text
    assert {app["name"]: app["state"] for app in stage.status["apps"]} == dict.fromkeys(
        ("web", "api", "worker"), "stopped"
    )
