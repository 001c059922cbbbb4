"""A JSON API: GET /ships lists the ships in the harbour, POST /ships lets one more arrive."""

from __future__ import annotations

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NAMES = ["Aurora", "Borealis", "Calypso", "Delfin", "Estrella", "Fulmar"]
SHIPS = [{"name": "Aurora", "berth": 1}]


class Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/health":
            self.answer(200, {"ok": True})
        elif self.path == "/ships":
            self.answer(200, SHIPS)
        else:
            self.answer(404, {"error": "not here"})

    def do_POST(self) -> None:
        if self.path != "/ships":
            self.answer(404, {"error": "not here"})
            return
        SHIPS.append({"name": NAMES[len(SHIPS) % len(NAMES)], "berth": len(SHIPS) + 1})
        self.answer(201, SHIPS)

    def answer(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    address = (os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "0")))
    with ThreadingHTTPServer(address, Api) as server:
        print(f"api listens on http://{server.server_address[0]}:{server.server_port}", flush=True)
        server.serve_forever()
