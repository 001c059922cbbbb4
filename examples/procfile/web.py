"""A page that greets with what .env says and shows where its neighbour is."""

from __future__ import annotations

import os
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GREETING = os.environ.get("GREETING", "Hello")
API_URL = os.environ.get("HOMEPORT_API_URL", "")

PAGE = f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>procfile</title>
<style>
  :root {{ color-scheme: light dark; font: 1.1rem/1.6 system-ui, sans-serif; }}
  body {{ max-width: 34rem; margin: 12vh auto; padding: 0 1.2rem; }}
</style>
<h1>{escape(GREETING)}</h1>
<p>My neighbour <em>api</em> is at <a href="{escape(API_URL)}/tides.json">{escape(API_URL) or "no address yet"}</a>.</p>
</html>
""".encode()


class Web(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)


if __name__ == "__main__":
    address = (os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "0")))
    with ThreadingHTTPServer(address, Web) as server:
        print(f"web listens on http://{server.server_address[0]}:{server.server_port}", flush=True)
        server.serve_forever()
