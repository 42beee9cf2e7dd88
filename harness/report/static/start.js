// Everything that listens to the whole page, and the start.
const page = readJson("data");
const boards = all("#board .of-group").map((root) => new Board(root, page.groups[Number(root.dataset.group)]));
const comparisons = all("#compare .of-group").map((root) => new Comparison(root, page.groups[Number(root.dataset.group)]));

const gallery = one("#samples") ? new Gallery(one("#samples"), page) : null;

function showGroup(number) {
  for (const part of all(".of-group")) part.hidden = Number(part.dataset.group) !== number;
  boards[number]?.restore();
  comparisons[number]?.restore();
  gallery?.show(number);
}

function openArticle(key) {
  const source = document.getElementById(`about-${key}`);
  const dialog = one("#article");
  if (!source) return;
  const close = make("button", { type: "button", class: "close", "aria-label": "Close" }, "×");
  close.addEventListener("click", () => dialog.close());
  const title = make("h2", { id: "article-title" }, ...one("summary", source).cloneNode(true).childNodes);
  dialog.replaceChildren(close, title, one(".definition-body", source).cloneNode(true));
  remember({ about: key });
  dialog.showModal();
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
}

function switchTheme() {
  const dark = document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  setTheme(dark === "dark" ? "light" : "dark");
  remember({ theme: document.documentElement.dataset.theme });
}

function goTo(id) {
  const target = document.getElementById(id);
  if (!target) return;
  if (target.tagName === "DETAILS") target.open = true;
  target.scrollIntoView({ block: "start" });
  if (!target.hasAttribute("tabindex")) target.setAttribute("tabindex", "-1");
  target.focus({ preventScroll: true });
}

document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  if (link) {
    event.preventDefault();
    goTo(link.getAttribute("href").slice(1));
  }
  const about = event.target.closest("[data-article]");
  if (about) openArticle(about.dataset.article);
  const file = event.target.closest("[data-download]");
  if (file) download(file.dataset.download);
  for (const menu of all("details.choice[open]")) if (!menu.contains(event.target)) menu.open = false;
  if (event.target.tagName === "DIALOG") event.target.close();
});
one("#article").addEventListener("close", () => remember({ about: null }));
one("#theme").addEventListener("click", switchTheme);
one("#keys").addEventListener("click", () => one("#help").showModal());

const isTyping = (target) => target.matches("input:not([type=checkbox]):not([type=range]), select, textarea");
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") for (const menu of all("details.choice[open]")) menu.open = false;
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || one("dialog[open]")) return;
  const search = all('form.filters input[name="text"]').find((input) => input.offsetParent !== null);
  if (event.key === "/" && search) {
    event.preventDefault();
    goTo("board");
    search.focus();
  } else if (event.key === "?") one("#help").showModal();
  else if (event.key === "t") switchTheme();
  else if (gallery?.onScreen && gallery.sample && !event.target.matches("input[type=range], .table-frame") && gallery.key(event)) event.preventDefault();
});
document.addEventListener("keyup", (event) => {
  if (event.key === "h") gallery?.hide(false);
});

one("#group")?.addEventListener("change", (event) => {
  remember({ g: event.target.value === "0" ? null : event.target.value, m: null, f: null, sort: null, up: null, a: null, b: null, s: null, ex: null, so: null, sb: null, wl: null, wr: null });
  showGroup(Number(event.target.value));
});

if (state.has("theme")) setTheme(state.get("theme") === "dark" ? "dark" : "light");
const firstGroup = page.groups[Number(state.get("g") ?? 0)] ? Number(state.get("g") ?? 0) : 0;
if (one("#group")) one("#group").value = String(firstGroup);
showGroup(firstGroup);
if (state.has("about")) openArticle(state.get("about"));
if (location.hash && !location.hash.includes("=")) goTo(location.hash.slice(1));
addEventListener("hashchange", () => location.reload());
