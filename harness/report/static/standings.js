// Standings of the rows and metrics that are shown. Pure functions of the page's data.
// Skill under a metric is of the row and the nulls alone, so that hiding rows changes no skill, only places.

// What each metric counts: its weight of the headline, each category keeping its part; if none that is chosen counts there,
// every chosen category counts alike, and every metric in it.
function metricWeights(group, chosen) {
  const metrics = group.metrics.map((metric, k) => ({ ...metric, k })).filter((metric) => chosen.has(metric.k) && metric.role !== "agreement");
  const counting = metrics.filter((metric) => metric.weight > 0);
  const weights = group.metrics.map(() => 0);
  const kinds = new Set((counting.length ? counting : metrics).map((metric) => metric.category));
  for (const kind of kinds) {
    const own = (counting.length ? counting : metrics).filter((metric) => metric.category === kind);
    const whole = counting.length
      ? group.metrics.filter((metric) => metric.category === kind).reduce((sum, metric) => sum + metric.weight, 0)
      : 1;
    const sum = own.reduce((total, metric) => total + (counting.length ? metric.weight : 1), 0);
    for (const metric of own) weights[metric.k] = (whole * (counting.length ? metric.weight : 1)) / sum;
  }
  return weights;
}

// The choice as one that the harness has analysed: everything that counts, one category, or one metric; else a mix of metrics.
function kindOfChoice(group, chosen) {
  const counting = group.metrics.flatMap((metric, k) => (metric.weight > 0 ? [k] : []));
  if (counting.length && counting.every((k) => chosen.has(k))) return { name: "whole" };
  for (const category of Object.keys(group.categories)) {
    const own = group.metrics.flatMap((metric, k) => (metric.category === category ? [k] : []));
    if (own.length === chosen.size && own.every((k) => chosen.has(k))) return { name: "category", category };
  }
  return chosen.size === 1 ? { name: "metric", metric: [...chosen][0] } : { name: "mix" };
}

function skillsOf(group, chosen) {
  const kind = kindOfChoice(group, chosen);
  if (kind.name === "whole") return { kind, rows: group.rows.map((row) => row.standing) };
  if (kind.name === "category") return { kind, rows: group.categories[kind.category] };
  const weights = metricWeights(group, chosen);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const rows = group.rows.map((row) => {
    if (kind.name === "metric") return { skill: row.cells[kind.metric]?.slice(1) ?? [null, null, null], alike: "", place: null, places: null };
    const known = weights.some((weight, k) => weight > 0 && row.cells[k] && row.cells[k][1] !== null);
    const value = weights.reduce((total, weight, k) => total + weight * (row.cells[k]?.[1] ?? 0.5), 0) / sum;
    return { skill: [known && sum > 0 ? value : null, null, null], alike: "", place: null, places: null };
  });
  return { kind, rows };
}

const shareLetter = (a, b) => [...a].some((letter) => b.includes(letter));

// Places among the rows that are shown and no nulls; which are open follows from who can be told apart from whom.
function placesAmong(group, standings, shown) {
  const real = shown.filter((k) => !group.rows[k].null && standings[k].skill[0] !== null);
  const ahead = (a, b) =>
    standings[a].place !== null && standings[b].place !== null
      ? standings[a].place < standings[b].place
      : standings[a].skill[0] > standings[b].skill[0] + 1e-9;
  const everybody = real.length === group.rows.filter((row, k) => !row.null && standings[k].skill[0] !== null).length;
  return new Map(
    real.map((k) => {
      const place = 1 + real.filter((other) => ahead(other, k)).length;
      if (everybody || !standings[k].alike || standings[k].alike.includes("·")) return [k, { place, places: everybody ? standings[k].places : null }];
      const apart = real.filter((other) => other !== k && !shareLetter(standings[other].alike, standings[k].alike));
      const better = apart.filter((other) => ahead(other, k)).length;
      return [k, { place, places: [1 + better, real.length - (apart.length - better)] }];
    }),
  );
}

// Rows that nobody dominates: no other has at least their skill at no more cost, and more of the one or less of the other.
function paretoFront(group, standings, shown, cost) {
  const points = shown
    .filter((k) => !group.rows[k].null && standings[k].skill[0] !== null && group.rows[k].costs[cost] !== null)
    .map((k) => ({ k, skill: standings[k].skill[0], cost: group.rows[k].costs[cost] }));
  const dominated = (p) =>
    points.some((q) => q.skill >= p.skill && q.cost <= p.cost && (q.skill > p.skill || q.cost < p.cost));
  return new Set(points.filter((point) => !dominated(point)).map((point) => point.k));
}
