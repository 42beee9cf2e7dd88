// What a reader chose stands in the address, behind "#", so that it can be sent to somebody.
const state = new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");

function remember(changes) {
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === undefined || value === "") state.delete(name);
    else state.set(name, String(value));
  }
  const text = state.toString();
  history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
}

function rememberedNumbers(name) {
  return state.has(name) ? state.get(name).split(".").filter(Boolean).map(Number) : null;
}
