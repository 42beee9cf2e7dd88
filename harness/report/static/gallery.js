// The samples: one at a time under many maps, with the same cursor, zoom and settings in all of them.
const VIEW_DEFAULTS = { mode: "blended", opacity: "80", area: "100", absolute: "", common: "", truth: "1", contour: "" };

class Gallery {
  constructor(root, page) {
    this.root = one(".gallery", root);
    this.page = page;
    this.tables = { signed: hexBytes(page.colours.signed), unsigned: hexBytes(page.colours.unsigned) };
    this.form = one("form.view", root);
    this.tiles = [];
    this.zoom = { scale: 1, x: 0, y: 0 };
    this.loaded = new Map();
    this.field = (name) => one(`select[name="${name}"], input[name="${name}"]`, this.root);
    this.listen();
    this.onScreen = false;
    new IntersectionObserver((seen) => {
      this.onScreen = seen.some((entry) => entry.isIntersecting);
    }).observe(root);
  }

  listen() {
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.addEventListener("input", (event) => (event.target.name === "row" ? this.chooseRows() : this.settingsChanged()));
    this.root.addEventListener("click", (event) => this.pressed(event.target));
    for (const name of ["sample", "order", "by", "left", "right"]) {
      this.field(name).addEventListener("change", () => this.picked(name));
    }
    this.field("edge").addEventListener("input", () => this.drawWipe());
    const hold = one(".hold", this.root);
    for (const kind of ["pointerdown", "pointerup", "pointerleave"]) hold.addEventListener(kind, () => this.hide(kind === "pointerdown"));
    this.root.addEventListener("pointermove", (event) => this.pointed(event));
    this.root.addEventListener("pointerleave", () => this.point(null));
  }

  // The samples of a group, as the address says.
  show(number) {
    this.number = number;
    this.group = this.page.groups[number];
    this.samples = this.group.samples ?? [];
    this.root.hidden = !this.samples.length;
    if (!this.samples.length) return;
    this.fillOrders();
    this.restoreSettings();
    const parts = rememberedNumbers("ex");
    const usual = this.group.rows.flatMap((row, k) => (row.null ? [] : [k]));
    this.rows = new Set((parts ?? usual).filter((k) => this.group.rows[k]));
    one(".shown-rows", this.root).replaceChildren(
      ...this.group.rows.map((row, k) =>
        make("label", {}, make("input", { type: "checkbox", name: "row", value: k, checked: this.rows.has(k) }), " ", make("bdi", {}, row.label)),
      ),
    );
    this.sortSamples();
    const wanted = this.samples.findIndex((sample) => String(sample.position) === state.get("s"));
    this.open(wanted < 0 ? this.order[0] : wanted);
  }

  fillOrders() {
    const option = (value, text) => make("option", { value }, text);
    this.field("order").replaceChildren(
      option("rule", "the rule"), option("position", "number"), option("confidence", "confidence"), option("disagreement", "disagreement of the maps"),
      ...this.group.metrics.map((metric, k) => option(`m${k}`, metric.label)),
    );
    this.field("by").replaceChildren(option("mean", "all that are no nulls"), ...this.group.rows.map((row, k) => option(String(k), row.label)));
    for (const [name, value] of [["order", state.get("so")], ["by", state.get("sb")]]) {
      if (value && all("option", this.field(name)).some((one_option) => one_option.value === value)) this.field(name).value = value;
    }
  }

  restoreSettings() {
    for (const [name, usual] of Object.entries(VIEW_DEFAULTS)) {
      const value = state.has(`v.${name}`) ? state.get(`v.${name}`) : usual;
      for (const input of all(`[name="${name}"]`, this.form)) {
        if (input.type === "radio") input.checked = input.value === value;
        else if (input.type === "checkbox") input.checked = value === "1";
        else input.value = value;
      }
    }
  }

  settings() {
    const { mode, opacity, area, absolute, common, truth, contour } = this.form.elements;
    const limits = this.tiles.map((tile) => tile.map.limit);
    return {
      mode: this.hiding ? "original" : mode.value,
      opacity: Number(opacity.value),
      area: Number(area.value),
      absolute: absolute.checked,
      common: common.checked && limits.length ? Math.max(...limits) : null,
      truth: truth.checked,
      contour: contour.checked && !this.hiding,
    };
  }

  settingsChanged() {
    const { elements } = this.form;
    const now = { mode: elements.mode.value, opacity: elements.opacity.value, area: elements.area.value };
    for (const name of ["absolute", "common", "truth", "contour"]) now[name] = elements[name].checked ? "1" : "";
    remember(Object.fromEntries(Object.entries(now).map(([name, value]) => [`v.${name}`, value === VIEW_DEFAULTS[name] ? null : value || "0"])));
    this.draw();
  }

  chooseRows() {
    const boxes = all('input[name="row"]', this.form);
    this.rows = new Set(boxes.filter((box) => box.checked).map((box) => Number(box.value)));
    remember({ ex: [...this.rows].join(".") || "." });
    this.build();
  }

  pressed(target) {
    const button = target.closest("button");
    if (!button) return;
    if (button.dataset.step) this.step(Number(button.dataset.step));
    if (button.dataset.zoom) this.zoomBy(Number(button.dataset.zoom));
    if (button.dataset.sample) this.open(Number(button.dataset.sample));
  }

  picked(name) {
    if (name === "sample") this.open(Number(this.field("sample").value));
    else if (name === "left" || name === "right") {
      remember({ [name === "left" ? "wl" : "wr"]: this.field(name).value });
      this.drawWipe();
    } else {
      remember({ so: this.field("order").value, sb: this.field("by").value });
      this.sortSamples();
      this.open(this.order[0]);
    }
  }

  // A number to sort a sample by; the greatest is first, of a metric the best.
  sortValue(sample, order) {
    if (order === "position") return -sample.position;
    if (order === "confidence" || order === "disagreement") return sample[order];
    const k = Number(order.slice(1));
    const by = this.field("by").value;
    const rows = by === "mean" ? this.group.rows.flatMap((row, r) => (row.null ? [] : [r])) : [Number(by)];
    const scores = rows.map((r) => sample.scores[r]?.[k]).filter((score) => score !== null && score !== undefined);
    if (!scores.length) return null;
    return ((this.group.metrics[k].direction === "higher" ? 1 : -1) * scores.reduce((sum, score) => sum + score, 0)) / scores.length;
  }

  sortSamples() {
    const order = this.field("order").value;
    one(".by", this.root).hidden = !order.startsWith("m");
    const keys = this.samples.map((sample) => (order === "rule" ? 0 : this.sortValue(sample, order)));
    this.order = this.samples.map((unused, k) => k).sort((a, b) => (keys[b] ?? -Infinity) - (keys[a] ?? -Infinity) || a - b);
    this.field("sample").replaceChildren(...this.order.map((k) => make("option", { value: k }, this.caption(this.samples[k]))));
    const few = this.order.slice(0, 60);
    one(".film", this.root).replaceChildren(...few.map((k) => make("button", { type: "button", "data-sample": k, title: this.caption(this.samples[k]) }, `#${this.samples[k].position}`, make("span", { class: this.samples[k].correct ? "right" : "wrong" }, this.samples[k].correct ? " ✓" : " ✗"))));
  }

  caption(sample) {
    const confidence = sample.confidence === null ? "" : ` ${(100 * sample.confidence).toFixed(0)} %`;
    return `#${sample.position} · ${sample.id} · ${sample.prediction ?? "?"}${confidence}${sample.correct ? " ✓" : " ✗"}`;
  }

  step(by) {
    const place = this.order.indexOf(this.current) + by;
    if (place >= 0 && place < this.order.length) this.open(this.order[place]);
  }

  async open(k) {
    this.current = k;
    remember({ s: this.samples[k].position });
    this.field("sample").value = String(k);
    for (const button of all(".film button", this.root)) button.setAttribute("aria-current", String(Number(button.dataset.sample) === k));
    try {
      const sample = await this.load(k);
      const ground = await loadGround(sample);
      const maps = await Promise.all(sample.maps.map((map) => loadMap(map, ground)));
      if (this.current !== k) return;
      Object.assign(this, { sample, ground, maps });
      this.build();
    } catch (error) {
      one(".tiles", this.root).replaceChildren(make("p", { class: "notice" }, `This sample cannot be shown: ${error.message}`));
    }
  }

  load(k) {
    const name = `${this.number}-${k}`;
    const inside = document.getElementById(`sample-${name}`);
    if (inside) return JSON.parse(inside.textContent);
    return new Promise((resolve, reject) => {
      const address = `${encodeURIComponent(this.page.folder)}/${name}.html`;
      const frame = make("iframe", { sandbox: "allow-scripts", src: address, hidden: true, title: "a sample's file" });
      const finish = (act, value) => {
        removeEventListener("message", heard);
        clearTimeout(limit);
        frame.remove();
        act(value);
      };
      const heard = (event) => {
        if (event.source === frame.contentWindow) finish(resolve, JSON.parse(event.data));
      };
      const limit = setTimeout(() => finish(reject, new Error(`the folder ${this.page.folder} must lie beside this file`)), 15000);
      addEventListener("message", heard);
      document.body.append(frame);
    });
  }

  // Tiles of the rows that are shown; a map that is made of parts stands behind them.
  build() {
    const label = (map) => (map.part === null ? this.group.rows[map.row].label : map.part);
    this.tiles = [];
    const blocks = [], composed = [];
    for (const row of this.rows) {
      const own = this.maps.filter((map) => map.row === row).map((map) => new Tile(label(map), map, this.ground));
      this.tiles.push(...own);
      if (own.length > 1) {
        own.at(-1).root.classList.add("fused");
        const title = make("p", { class: "triptych-title" }, make("b", {}, make("bdi", {}, this.group.rows[row].label)), ": its parts, and what they make together");
        composed.push(make("div", { class: "triptych" }, title, ...own.map((tile) => tile.root)));
      } else blocks.push(...own.map((tile) => tile.root));
    }
    one(".tiles", this.root).replaceChildren(...composed, ...blocks);
    this.buildOriginal();
    this.buildWipe();
    this.buildScores();
    this.applyZoom();
    this.draw();
  }

  buildOriginal() {
    const sample = this.samples[this.current];
    const image = make("img", { src: this.sample.image, width: this.ground.width, height: this.ground.height, alt: `sample ${sample.id}` });
    const confidence = sample.confidence === null ? "" : ` (${(100 * sample.confidence).toFixed(sample.confidence > 0.995 ? 1 : 0)} %)`;
    const fact = (term, ...value) => [make("dt", {}, term), make("dd", {}, ...value)];
    one(".original", this.root).replaceChildren(
      make("div", { class: "picture" }, make("div", { class: "moved" }, image), make("span", { class: "cross", hidden: true })),
      make(
        "dl", {},
        ...fact("sample", `#${sample.position} `, make("bdi", {}, sample.id)),
        ...fact("predicted", make("b", {}, make("bdi", {}, sample.prediction ?? "not known")), confidence),
        ...fact("true", make("bdi", {}, sample.label ?? "not known"), sample.correct ? " ✓" : " ✗"),
        ...(sample.disagreement === null ? [] : fact("disagreement", make("span", { title: "1 minus the mean rank correlation of the maps of every two explainers that are no nulls: 0 if all order the places alike" }, fixed(sample.disagreement)))),
      ),
    );
  }

  buildScores() {
    const sample = this.samples[this.current];
    const rows = [...this.rows];
    const best = this.group.metrics.map((metric, k) => {
      const known = rows.map((row) => sample.scores[row][k]).filter((score) => score !== null);
      return known.length ? (metric.direction === "higher" ? Math.max(...known) : Math.min(...known)) : null;
    });
    const head = make("tr", {}, make("th", { scope: "col" }, "explainer"), ...this.group.metrics.map((metric) => make("th", { scope: "col" }, make("bdi", {}, metric.label), metric.direction === "higher" ? " ↑" : " ↓")));
    const lines = rows.map((row) => {
      const cells = sample.scores[row].map((score, k) => make("td", { class: score !== null && score === best[k] ? "top" : null }, significant(score)));
      return make("tr", { class: this.group.rows[row].null ? "null" : null }, make("th", { scope: "row" }, make("bdi", {}, this.group.rows[row].label)), ...cells);
    });
    const table = make("table", { class: "plain" }, make("thead", {}, head), make("tbody", {}, ...lines));
    one(".sample-scores", this.root).replaceChildren(make("div", { class: "table-frame", tabindex: 0, role: "region", "aria-label": "Scores of this sample" }, table));
  }

  buildWipe() {
    const named = (tile) => (tile.map.part === null ? "" : `${this.group.rows[tile.map.row].label}: `) + tile.canvas.getAttribute("aria-label");
    for (const [name, key, usual] of [["left", "wl", 0], ["right", "wr", 1]]) {
      const before = this.field(name).value || state.get(key);
      this.field(name).replaceChildren(...this.tiles.map((tile, k) => make("option", { value: k }, named(tile))));
      this.field(name).value = String(Math.min(Number(before || usual), Math.max(this.tiles.length - 1, 0)));
    }
    this.wipe = make("canvas", { width: this.ground.width, height: this.ground.height, role: "img", "aria-label": "two maps, parted by the edge" });
    one(".wipe", this.root).replaceChildren(make("div", { class: "picture" }, make("div", { class: "moved" }, this.wipe), make("span", { class: "cross", hidden: true })));
  }

  draw() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = null;
      const settings = this.settings();
      for (const tile of this.tiles) tile.draw(settings, this.tables);
      this.drawWipe();
      const { elements } = this.form;
      elements.opacity_out.textContent = `${settings.opacity} %`;
      elements.area_out.textContent = settings.area === 100 ? "all" : `${settings.area} % of pixels`;
      const scale = settings.common === null ? "each map has a scale of its own: full colour at the 99.5th percentile of its values" : `one scale for all: full colour at ${significant(settings.common)}; units differ between explainers`;
      one(".scale-note", this.root).textContent = `Colours: ${scale}. ${settings.absolute ? "Absolute values." : "Signed maps: warm for, cold against."} Point at a map to read the value there in all of them.`;
    });
  }

  drawWipe() {
    const [left, right] = ["left", "right"].map((name) => this.tiles[Number(this.field(name).value)]);
    if (!left?.pixels || !right?.pixels) return;
    const edge = Math.round((Number(this.field("edge").value) / 100) * this.ground.width);
    const context = this.wipe.getContext("2d");
    context.putImageData(right.pixels, 0, 0);
    if (edge > 0) context.putImageData(left.pixels, 0, 0, 0, 0, edge, this.ground.height);
    context.fillStyle = "#ffffff";
    context.fillRect(edge - 1, 0, 2, this.ground.height);
  }

  hide(yes) {
    if (this.hiding === yes) return;
    this.hiding = yes;
    this.draw();
  }

  zoomBy(direction) {
    const scale = direction === 0 ? 1 : Math.min(Math.max(this.zoom.scale * (direction > 0 ? 1.5 : 1 / 1.5), 1), 12);
    const at = this.place ?? { x: 0.5, y: 0.5 };
    this.zoom.x = Math.min(Math.max(at.x - (at.x - this.zoom.x) * (this.zoom.scale / scale), 0), 1 - 1 / scale);
    this.zoom.y = Math.min(Math.max(at.y - (at.y - this.zoom.y) * (this.zoom.scale / scale), 0), 1 - 1 / scale);
    this.zoom.scale = scale;
    this.applyZoom();
  }

  applyZoom() {
    const { scale, x, y } = this.zoom;
    for (const moved of all(".moved", this.root)) moved.style.transform = `scale(${scale}) translate(${-100 * x}%, ${-100 * y}%)`;
  }

  pointed(event) {
    const frame = event.target.closest(".picture");
    if (!frame) {
      this.point(null);
      return;
    }
    const box = frame.getBoundingClientRect();
    const share = { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
    if (event.buttons && this.wipe && frame.contains(this.wipe)) {
      this.field("edge").value = String(Math.round(100 * (this.zoom.x + share.x / this.zoom.scale)));
      this.drawWipe();
    } else if (event.buttons && this.zoom.scale > 1) {
      const room = 1 - 1 / this.zoom.scale;
      this.zoom.x = Math.min(Math.max(this.zoom.x - event.movementX / box.width / this.zoom.scale, 0), room);
      this.zoom.y = Math.min(Math.max(this.zoom.y - event.movementY / box.height / this.zoom.scale, 0), room);
      this.applyZoom();
    }
    this.point(share);
  }

  // The same place in all pictures; ``share`` is of the frame, which a zoom shows a part of.
  point(share) {
    const inside = share && share.x >= 0 && share.x < 1 && share.y >= 0 && share.y < 1 ? share : null;
    this.place = inside && { x: this.zoom.x + inside.x / this.zoom.scale, y: this.zoom.y + inside.y / this.zoom.scale };
    for (const cross of all(".cross", this.root)) {
      cross.hidden = !inside;
      if (inside) {
        cross.style.left = `${100 * inside.x}%`;
        cross.style.top = `${100 * inside.y}%`;
      }
    }
    for (const tile of this.tiles) tile.point(this.place);
  }

  // Whether a key was one of the gallery's.
  key(event) {
    const { elements } = this.form;
    const modes = ["heat", "blended", "original", "masked", "alpha"];
    const toggles = { s: "absolute", g: "common", m: "truth", c: "contour" };
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") this.step(event.key === "ArrowLeft" ? -1 : 1);
    else if (modes[Number(event.key) - 1]) {
      elements.mode.value = modes[Number(event.key) - 1];
      this.settingsChanged();
    } else if (toggles[event.key]) {
      elements[toggles[event.key]].checked = !elements[toggles[event.key]].checked;
      this.settingsChanged();
    } else if (event.key === "h") this.hide(true);
    else if (event.key === "+" || event.key === "-" || event.key === "0") this.zoomBy({ "+": 1, "-": -1, 0: 0 }[event.key]);
    else return false;
    return true;
  }
}
