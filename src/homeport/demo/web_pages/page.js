// The demo's page: a WebSocket that is timed, a table from the API, and buttons that make requests worth looking at.
// Addresses are relative to the page, so that it works on the plain address, by name and below a path alike.

const $ = (id) => document.getElementById(id);
const config = await (await fetch("config.json")).json();
const api = (path) => new URL(`${config.api.replace(/\/$/, "")}/${path}`, location.href);

$("door").textContent = $("way-door").textContent = location.host;
$("about").textContent = `the page’s own port is ${config.port}, its process ${config.pid}, on Python ${config.python}`;

// --- the live round trip -------------------------------------------------------------------------------------------

const trips = [];
let messages = 0;
let slowest = 0;

function connect() {
  const address = new URL("live", location.href);
  address.protocol = address.protocol.replace("http", "ws");
  const socket = new WebSocket(address);
  let timer = 0;
  socket.onopen = () => {
    link("open", "connected");
    timer = setInterval(() => document.hidden || socket.send(String(performance.now())), 250);
  };
  socket.onmessage = (event) => measured(performance.now() - Number(event.data));
  socket.onclose = () => {
    clearInterval(timer);
    link("closed", "disconnected, trying again");
    setTimeout(connect, 1500);
  };
}

function link(state, text) {
  $("link").dataset.state = state;
  $("link-text").textContent = text;
}

function measured(ms) {
  messages += 1;
  slowest = Math.max(slowest, ms);
  trips.push(ms);
  if (trips.length > 60) trips.shift();
  const sorted = [...trips].sort((a, b) => a - b);
  $("trip").textContent = shown(ms);
  $("count").textContent = messages;
  $("median").textContent = `${shown(sorted[sorted.length >> 1])} ms`;
  $("slowest").textContent = `${shown(slowest)} ms`;
  draw(Math.max(...trips, 2));
}

function draw(top) {
  const points = trips.map((ms, index) => [320 - (trips.length - 1 - index) * (320 / 59), 70 - (ms / top) * 64]);
  const line = points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L");
  $("spark-line").setAttribute("d", `M${line}`);
  $("spark-area").setAttribute("d", `M${points[0][0].toFixed(1)} 72L${line}L320 72Z`);
}

const shown = (ms) => (ms < 10 ? ms.toFixed(1) : ms.toFixed(0));

// --- the harbour ---------------------------------------------------------------------------------------------------

async function loadShips(newest = 0) {
  try {
    const { items } = await (await fetch(api("items"))).json();
    $("ships").replaceChildren(...items.map((ship) => row(ship, ship.id === newest)).reverse());
  } catch {
    $("ships").replaceChildren(emptyRow("The API does not answer. homeport logs api.demo says more."));
  }
}

function row(ship, isNew) {
  const cells = [ship.name, ship.origin, ship.berth].map((text) => element("td", "", text));
  cells[2].className = "number";
  const state = element("td");
  state.append(element("span", `state ${ship.state}`, ship.state));
  const line = element("tr", isNew ? "new" : "");
  line.append(...cells, state);
  return line;
}

function emptyRow(text) {
  const cell = element("td", "empty", text);
  cell.colSpan = 4;
  const line = element("tr");
  line.append(cell);
  return line;
}

$("add").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const wanted = Object.fromEntries(new FormData(form));
  const berth = wanted.berth.trim();
  const answer = await call("POST", "items", { ...wanted, berth: /^\d+$/.test(berth) ? Number(berth) : berth });
  const fields = answer?.body?.fields ?? [];
  for (const input of form.querySelectorAll("input")) {
    input.setAttribute("aria-invalid", fields.some(({ field }) => field === input.name));
  }
  $("wrong").textContent = fields.map(({ field, message }) => `${field}: ${message}`).join(" · ");
  if (answer?.status !== 201) return;
  form.reset();
  await loadShips(answer.body.id);
});

// --- traffic -------------------------------------------------------------------------------------------------------

async function call(method, path, body) {
  const line = begin(method, `/${path}`);
  const started = performance.now();
  try {
    const options = body && { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
    const answer = await fetch(api(path), { method, ...options });
    const said = await answer.json();
    end(line, answer.status, started);
    return { status: answer.status, body: said };
  } catch {
    end(line, 0, started);
    return null;
  }
}

function stream(path) {
  const line = begin("SSE", `/${path.split("?")[0]}`);
  const started = performance.now();
  const events = new EventSource(api(path));
  return new Promise((resolve) => {
    let heard = 0;
    const over = (status, text) => {
      events.close();
      end(line, status, started, text);
      resolve();
    };
    events.addEventListener("tide", (event) => {
      const tide = JSON.parse(event.data);
      heard = tide.number;
      line.querySelector(".ms").textContent = `${heard} of ${tide.of}`;
      if (heard === tide.of) over(200, `${heard} events`);
    });
    events.onerror = () => over(0);
  });
}

function begin(method, path) {
  const line = element("li");
  line.append(element("b", "", method), element("code", "", path), element("span", "status", "…"), element("span", "ms"));
  $("calls").querySelector(".empty")?.remove();
  $("calls").prepend(line);
  while ($("calls").children.length > 5) $("calls").lastChild.remove();
  return line;
}

function end(line, status, started, text) {
  const badge = line.querySelector(".status");
  badge.textContent = status || "failed";
  badge.classList.add(`s${Math.floor(status / 100)}`);
  line.querySelector(".ms").textContent = text ?? `${shown(performance.now() - started)} ms`;
}

document.querySelector(".buttons").addEventListener("click", async ({ target }) => {
  if (!(target instanceof HTMLButtonElement) || target.ariaBusy === "true") return;
  target.ariaBusy = "true";
  if (target.dataset.stream) {
    await stream(target.dataset.stream);
  } else {
    const [method, path] = target.dataset.call.split(" ");
    await call(method, path, method === "POST" ? { name: "", berth: 99 } : undefined);
  }
  target.ariaBusy = "false";
});

function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

connect();
await loadShips();
