// Listens for changes of the files behind this page: style sheets are swapped in place, anything else reloads the page.
// A page in the background holds no connection (browsers allow six to a host); it catches up when it is shown again.
(() => {
  if (window.homeportReload) return;
  window.homeportReload = true;

  const here = document.currentScript.src;
  let version = new URL(here).searchParams.get("v");
  let source = null;
  let retry = 0;

  function connect() {
    clearTimeout(retry);
    if (source || document.hidden) return;
    const address = new URL("changes", here);
    address.searchParams.set("v", version);
    source = new EventSource(address);
    source.onmessage = (event) => {
      const change = JSON.parse(event.data);
      version = change.version;
      if (change.css) swap(change.css);
      else location.reload();
    };
    source.onerror = () => {
      disconnect();
      retry = setTimeout(connect, 1000);
    };
  }

  function disconnect() {
    clearTimeout(retry);
    source?.close();
    source = null;
  }

  function swap(paths) {
    const ours = [...document.querySelectorAll("link[rel~=stylesheet][href]")].filter(
      (link) => new URL(link.href).origin === location.origin,
    );
    const named = ours.filter((link) => paths.some((path) => decodeURI(new URL(link.href).pathname).endsWith(path)));
    // A sheet that is imported by another one has no link of its own: then each is read again.
    for (const link of named.length ? named : ours) refresh(link);
  }

  function refresh(link) {
    const address = new URL(link.href);
    address.searchParams.set("homeport", version);
    const next = link.cloneNode();
    next.href = address;
    // The old sheet stays until the new one is there, so that nothing flashes.
    next.onload = next.onerror = () => link.remove();
    link.after(next);
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : connect()));
  addEventListener("pagehide", disconnect);
  addEventListener("pageshow", connect);
  connect();
})();
