// The board: filters, sorting, and standings of what is shown.
const STRIP_MARGIN = 6, STRIP_WIDTH = 104;
const skillPlace = (share) => STRIP_MARGIN + Math.min(Math.max(share, 0), 1) * (STRIP_WIDTH - 2 * STRIP_MARGIN);
const rangeText = (low, high) => (low === null || high === null ? MISSING : `${fixed(low)}–${fixed(high)}`);

class Board {
  constructor(root, group) {
    this.group = group;
    this.number = Number(root.dataset.group);
    this.form = one("form.filters", root);
    this.status = one(".status", root);
    this.table = one("table.board", root);
    this.body = one("tbody", this.table);
    this.lines = new Map(all("tr", this.body).map((line) => [Number(line.dataset.row), line]));
    this.heads = new Map(all("thead th", this.table).map((head) => [head.dataset.col, head]));
    this.sorting = { key: "skill", up: false };
    this.form.addEventListener("input", (event) => this.changed(event.target));
    this.form.addEventListener("click", (event) => this.pressed(event));
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.addEventListener("reset", () => setTimeout(() => this.apply()));
    this.table.addEventListener("click", (event) => this.sortBy(event.target.closest("[data-sort]")));
    this.figures = one("details.figures", root);
    if (this.figures) {
      const choice = one("select", this.figures);
      choice.addEventListener("change", () => this.showFigure(Number(choice.value)));
      this.showFigure(0);
    }
  }

  showFigure(number) {
    for (const figure of all("figure", this.figures)) figure.hidden = Number(figure.dataset.figure) !== number;
  }

  restore() {
    const metrics = rememberedNumbers("m");
    const families = state.has("f") ? new Set(state.get("f").split("|")) : null;
    this.form.elements.text.value = state.get("q") ?? "";
    for (const box of all('input[name="metric"]', this.form)) box.checked = !metrics || metrics.includes(Number(box.value));
    for (const box of all('input[name="family"]', this.form)) box.checked = !families || families.has(box.value);
    const key = state.get("sort");
    this.sorting = this.heads.has(key) ? { key, up: state.get("up") === "1" } : { key: "skill", up: false };
    this.apply();
  }

  changed(target) {
    if (target.name === "kind") for (const box of this.boxes("metric", target.value)) box.checked = target.checked;
    this.apply();
  }

  boxes(name, kind = null) {
    return all(`input[name="${name}"]`, this.form).filter((box) => kind === null || box.dataset.kind === kind);
  }

  pressed(event) {
    const button = event.target.closest("button");
    if (!button) return;
    const { kind } = button.dataset;
    if (kind !== undefined) for (const box of this.boxes("metric")) box.checked = kind === "" || box.dataset.kind === kind;
    if (button.dataset.all) for (const box of this.boxes(button.dataset.all)) box.checked = true;
    if (button.dataset.none) for (const box of this.boxes(button.dataset.none)) box.checked = false;
    if (kind !== undefined || button.dataset.all || button.dataset.none) this.apply();
  }

  // What is shown: rows by number, metrics by number.
  chosen() {
    const ticked = (name) => this.boxes(name).filter((box) => box.checked).map((box) => box.value);
    const metrics = new Set(ticked("metric").map(Number));
    const families = new Set(ticked("family"));
    const words = this.form.elements.text.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const rows = this.group.rows
      .map((row, k) => k)
      .filter((k) => families.has(this.group.rows[k].family) && words.every((word) => this.group.rows[k].words.includes(word)));
    return { metrics, rows };
  }

  apply() {
    const { metrics, rows } = this.chosen();
    const { kind, rows: standings } = skillsOf(this.group, metrics);
    this.standings = standings;
    this.places = placesAmong(this.group, standings, rows);
    const shown = new Set(rows);
    for (const [k, line] of this.lines) {
      line.hidden = !shown.has(k);
      if (shown.has(k)) this.fill(line, standings[k], this.places.get(k));
    }
    this.showColumns(metrics, kind);
    this.markPareto(rows);
    this.sort();
    this.say(kind, rows, metrics);
    this.keep(metrics);
  }

  fill(line, standing, place) {
    const [value, low, high] = standing.skill;
    one('[data-col="place"]', line).textContent = place ? place.place : MISSING;
    const open = place?.places;
    one('[data-col="places"]', line).textContent = open ? (open[0] < open[1] ? `${open[0]}–${open[1]}` : open[0]) : MISSING;
    one('[data-col="alike"]', line).textContent = standing.alike || MISSING;
    const cell = one('[data-col="skill"]', line);
    one(".number", cell).textContent = fixed(value);
    one(".interval-text", cell).textContent = rangeText(low, high);
    one("svg", cell).replaceChildren(
      make("svg:line", { class: "null-line", x1: skillPlace(0.5), x2: skillPlace(0.5), y1: 0, y2: 30 }),
      ...(value !== null && low !== null ? [make("svg:line", { class: "interval", x1: skillPlace(low), x2: skillPlace(high), y1: 15, y2: 15 })] : []),
      ...(value !== null ? [make("svg:circle", { class: low !== null && low > 0.5 ? "point" : "point hollow", cx: skillPlace(value), cy: 15, r: 3.6 })] : []),
    );
  }

  showColumns(metrics, kind) {
    const categories = new Set([...metrics].map((k) => this.group.metrics[k].category));
    const hidden = new Set(this.group.metrics.flatMap((metric, k) => (metrics.has(k) ? [] : [`m:${k}`])));
    for (const key of this.heads.keys()) {
      if (key.startsWith("k:") && (!categories.has(key.slice(2)) || kind.name !== "whole")) hidden.add(key);
      if (key === "first" && kind.name !== "whole") hidden.add(key);
    }
    for (const cell of all("[data-col]", this.table)) cell.hidden = hidden.has(cell.dataset.col);
    if (hidden.has(this.sorting.key)) this.sorting = { key: "skill", up: false };
  }

  markPareto(rows) {
    for (const cost of ["time", "passes", "memory"].filter((key) => this.heads.has(key))) {
      const front = paretoFront(this.group, this.standings, rows, cost);
      for (const [k, line] of this.lines) {
        const cell = one(`[data-col="${cost}"]`, line);
        one(".pareto", cell)?.remove();
        if (front.has(k)) cell.prepend(make("span", { class: "pareto", title: "Pareto: nobody shown has more skill at no more cost" }, "◇ "));
      }
    }
  }

  sortBy(button) {
    if (!button) return;
    const key = button.dataset.sort;
    const up = this.sorting.key === key ? !this.sorting.up : this.risesFirst(key);
    this.sorting = { key, up };
    this.sort();
    remember({ sort: key, up: up ? 1 : 0 });
  }

  // Whether a first press sorts upwards: names, costs, places, and metrics of which less is better.
  risesFirst(key) {
    if (key.startsWith("m:")) return this.group.metrics[Number(key.slice(2))].direction === "lower";
    return ["name", "time", "passes", "memory", "place"].includes(key);
  }

  value(k, key) {
    const row = this.group.rows[k];
    if (key === "name") return row.label.toLowerCase();
    if (key === "place") return this.places.get(k)?.place ?? null;
    if (key === "skill") return this.standings[k].skill[0];
    if (key === "first" || key === "beats") return row[key];
    if (key.startsWith("k:")) return row.kinds[key.slice(2)] ?? null;
    if (key.startsWith("m:")) return row.cells[Number(key.slice(2))]?.[0] ?? null;
    return row.costs[key] ?? null;
  }

  sort() {
    const { key, up } = this.sorting;
    const order = [...this.lines.keys()].sort((a, b) => {
      const [x, y] = [this.value(a, key), this.value(b, key)];
      if (x === null || y === null) return x === y ? a - b : x === null ? 1 : -1;
      return (x < y ? -1 : x > y ? 1 : 0) * (up ? 1 : -1) || this.tie(a, b);
    });
    this.body.append(...order.map((k) => this.lines.get(k)));
    for (const [name, head] of this.heads) {
      if (name === key) head.setAttribute("aria-sort", up ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    }
  }

  // Rows that are equal stand by their place, and nulls behind those of their skill.
  tie(a, b) {
    return (this.places.get(a)?.place ?? Infinity) - (this.places.get(b)?.place ?? Infinity) || a - b;
  }

  say(kind, rows, metrics) {
    const { group } = this;
    const count = (some, every, noun) => (some === every ? `All ${every} ${noun}` : `${some} of ${every} ${noun}`);
    const all_rows = rows.length === group.rows.length;
    const how = {
      whole: all_rows ? "Skill and places are those of the whole board." : "Skill is that of the whole board; places are recomputed among the rows shown.",
      category: `Skill, places and who is alike are recomputed for ${kind.category} alone.`,
      metric: "Skill is recomputed for this metric alone, and so are places; who is alike was not tested for it.",
      mix: "Skill and places are recomputed for this choice of metrics; a mix has no intervals here: choose all, one category or one metric for them.",
    }[kind.name];
    const said = metrics.size ? how : "No metric is chosen: there is no skill.";
    this.status.textContent = `${count(rows.length, group.rows.length, "explainers")}, ${count(metrics.size, group.metrics.length, "metrics").toLowerCase()}. ${said} Hidden nulls still count.`;
    if (all_rows) this.status.textContent = this.status.textContent.replace(" Hidden nulls still count.", "");
    const chosen = kind.name === "category" ? kind.category : metrics.size === group.metrics.length ? "" : null;
    for (const chip of all(".chip", this.form)) chip.setAttribute("aria-pressed", String(chip.dataset.kind === chosen));
    for (const box of all('input[name="kind"]', this.form)) {
      const own = this.boxes("metric", box.value).map((one_box) => one_box.checked);
      box.checked = own.every(Boolean);
      box.indeterminate = own.some(Boolean) && !box.checked;
    }
  }

  keep(metrics) {
    const families = this.boxes("family");
    const every = families.every((box) => box.checked);
    remember({
      q: this.form.elements.text.value,
      m: metrics.size === this.group.metrics.length ? null : [...metrics].join(".") || ".",
      f: every ? null : families.filter((box) => box.checked).map((box) => box.value).join("|") || "|",
    });
  }
}
