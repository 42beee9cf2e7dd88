// Two explainers held against each other: the headline by who is alike, metric by metric by paired tests.
class Comparison {
  constructor(root, group) {
    this.group = group;
    this.form = one("form.pair", root);
    this.result = one(".pair-result", root);
    this.form.addEventListener("input", () => this.apply());
    one(".swap", this.form).addEventListener("click", () => {
      const { first, second } = this.form.elements;
      [first.value, second.value] = [second.value, first.value];
      this.apply();
    });
  }

  restore() {
    const { first, second } = this.form.elements;
    const real = this.group.rows.flatMap((row, k) => (row.null ? [] : [k]));
    const usable = (name) => (state.has(name) && this.group.rows[Number(state.get(name))] ? Number(state.get(name)) : null);
    const start = usable("a") ?? real[0] ?? 0;
    const other = this.group.reference !== null && this.group.reference !== start ? this.group.reference : real.find((k) => k !== start);
    first.value = String(start);
    second.value = String(usable("b") ?? other ?? start);
    this.show();
  }

  apply() {
    remember({ a: this.form.elements.first.value, b: this.form.elements.second.value });
    this.show();
  }

  show() {
    const a = Number(this.form.elements.first.value), b = Number(this.form.elements.second.value);
    if (a === b) return this.result.replaceChildren(make("p", {}, "Choose two different explainers."));
    const cells = this.differences(a, b);
    const parts = [make("p", { class: "verdict" }, this.headline(a, b))];
    if (cells) parts.push(this.counts(cells), this.table(cells));
    else parts.push(make("p", { class: "notice" }, "This page does not hold this pair: harness leaderboard RUN --compare A B does."));
    return this.result.replaceChildren(...parts);
  }

  // The first minus the second, by metric.
  differences(a, b) {
    const found = this.group.pairs[`${Math.min(a, b)},${Math.max(a, b)}`];
    if (!found || a < b) return found;
    const turned = { better: "worse", worse: "better" };
    return found.map((cell) => {
      if (!cell) return null;
      const [difference, low, high, effect, p, pairs, verdict] = cell;
      const minus = (x) => (x === null ? null : -x);
      return [minus(difference), minus(high), minus(low), minus(effect), p, pairs, turned[verdict] ?? verdict];
    });
  }

  headline(a, b) {
    const rows = this.group.rows, [x, y] = [rows[a], rows[b]];
    const skill = (row) => `${row.label} ${fixed(row.standing.skill[0])} (${rangeText(row.standing.skill[1], row.standing.skill[2])})`;
    const known = `Skill: ${skill(x)}, ${skill(y)}. `;
    if (x.null || y.null) return `${known}A null has no place of its own: whether it is beaten says the interval of the other, against 0.5.`;
    if (!x.standing.alike || !y.standing.alike) return `${known}Which of them has more was not tested.`;
    if (shareLetter(x.standing.alike, y.standing.alike)) return `${known}They cannot be told apart by it: which of the two is better on the whole is open.`;
    const winner = x.standing.skill[0] > y.standing.skill[0] ? x : y;
    return `${known}The difference is real: ${winner.label} is better on the whole, by a test that allows for all rows being compared.`;
  }

  counts(cells) {
    const verdicts = cells.map((cell) => cell?.[6] ?? null);
    const count = (name) => verdicts.filter((verdict) => verdict === name).length;
    const open = cells.filter((cell) => cell && !cell[6]).length;
    return make("p", { class: "hint" }, `Metric by metric the first is better under ${count("better")}, worse under ${count("worse")}, and under ${open} it is open (Wilcoxon signed-rank, adjusted over the metrics of this pair).`);
  }

  table(cells) {
    const heads = ["metric", "difference", "", "effect", "p", "samples", "the first is"];
    const lines = cells.flatMap((cell, k) => (cell ? [this.line(this.group.metrics[k], cell)] : []));
    const table = make(
      "table", { class: "plain" },
      make("thead", {}, make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text)))),
      make("tbody", {}, ...lines),
    );
    return make("div", { class: "table-frame", tabindex: 0, role: "region", "aria-label": "Differences by metric" }, table);
  }

  line(metric, [difference, low, high, effect, p, pairs, verdict]) {
    const words = { better: "▲ better", worse: "▼ worse", mixed: "◆ different, neither better nor worse" };
    return make(
      "tr", {},
      make("th", { scope: "row" }, make("bdi", {}, metric.label), metric.direction === "higher" ? " ↑" : " ↓"),
      make("td", {}, `${significant(difference)} (${low === null ? MISSING : `${significant(low)} to ${significant(high)}`})`),
      make("td", {}, this.strip(difference, low, high, verdict)),
      make("td", { title: "matched-pairs rank-biserial correlation" }, fixed(effect)),
      make("td", {}, p === null ? MISSING : p < 0.001 ? p.toExponential(0) : p.toFixed(3)),
      make("td", {}, String(pairs)),
      make("td", {}, make("span", { class: verdict ?? "" }, verdict ? words[verdict] : "open")),
    );
  }

  // The interval on a scale of its own, symmetric about 0, whose line is drawn.
  strip(difference, low, high, verdict) {
    const reach = Math.max(...[difference, low, high].map((x) => Math.abs(x ?? 0))) || 1;
    const place = (x) => skillPlace(0.5 + (0.47 * x) / reach);
    return make(
      "svg:svg", { class: "strip", width: STRIP_WIDTH, height: 22, viewBox: `0 4 ${STRIP_WIDTH} 22`, "aria-hidden": "true" },
      make("svg:line", { class: "null-line", x1: skillPlace(0.5), x2: skillPlace(0.5), y1: 4, y2: 26 }),
      low === null ? null : make("svg:line", { class: "interval", x1: place(low), x2: place(high), y1: 15, y2: 15 }),
      make("svg:circle", { class: verdict ? "point" : "point hollow", cx: place(difference), cy: 15, r: 3.6 }),
    );
  }
}
