// A page, and the way to the API: the browser calls /api/…, this server asks the neighbour in HOMEPORT_API_URL.
const http = require("node:http");
const fs = require("node:fs");
const path = require("node:path");

const page = path.join(__dirname, "page.html");
const api = process.env.HOMEPORT_API_URL;

function fail(response, words) {
  response.writeHead(502, { "content-type": "text/plain; charset=utf-8" });
  response.end(words + "\n");
}

function askApi(request, response) {
  if (!api) return fail(response, "HOMEPORT_API_URL is not set: start this with homeport");
  const upstream = http.request(api + request.url.slice("/api".length), { method: request.method }, (answer) => {
    response.writeHead(answer.statusCode, { "content-type": answer.headers["content-type"] || "text/plain" });
    answer.pipe(response);
  });
  upstream.on("error", (error) => fail(response, `the API does not answer: ${error.message}`));
  request.pipe(upstream);
}

const server = http.createServer((request, response) => {
  if (request.url.startsWith("/api/")) return askApi(request, response);
  if (request.url !== "/") {
    response.writeHead(404, { "content-type": "text/plain" });
    return response.end("not here\n");
  }
  response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
  fs.createReadStream(page).pipe(response);
});

server.listen(Number(process.env.PORT || 0), process.env.HOST || "127.0.0.1", () => {
  const { address, port } = server.address();
  console.log(`web listens on http://${address}:${port}`);
});
