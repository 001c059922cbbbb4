// Sets the chosen theme before the first paint, so that a dark page never flashes white. A classic script on purpose:
// modules run too late for that. The button itself is view/theme.js.
try {
  const chosen = localStorage.getItem("homeport.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage can be forbidden; the system's theme is used then.
}
