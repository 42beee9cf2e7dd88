// One map over its image, on a canvas, with what is under the cursor.
const TRUTH = [57, 255, 20];
const CONTOUR = [255, 176, 0];
const ROOTS = Float32Array.from({ length: 256 }, (unused, i) => (i / 255) ** 0.7); // opacity by strength
const CANVAS_SIDE = 256;

function canvasSize(sample) {
  const scale = Math.max(CANVAS_SIDE / Math.max(sample.width, sample.height), 1);
  return [Math.round(sample.width * scale), Math.round(sample.height * scale)];
}

// The image and the mask of a sample at the size in which maps are drawn over them.
async function loadGround(sample) {
  const [width, height] = canvasSize(sample);
  const image = pixelsOf(await decodePicture(sample.image), width, height);
  let mask = null;
  if (sample.mask) {
    const pixels = pixelsOf(await decodePicture(sample.mask), width, height, false);
    mask = Uint8Array.from({ length: width * height }, (unused, i) => (pixels.data[4 * i] > 127 ? 1 : 0));
  }
  const grey = Float32Array.from({ length: width * height }, (unused, i) => 0.299 * image.data[4 * i] + 0.587 * image.data[4 * i + 1] + 0.114 * image.data[4 * i + 2]);
  return { width, height, image, grey, mask, outline: mask && edgeOf(mask, width, height) };
}

async function loadMap(map, ground) {
  const pixels = pixelsOf(await decodePicture(map.png));
  const values = resample(mapValues(map, pixels), pixels.height, pixels.width, ground.height, ground.width);
  return { ...map, values, strengths: new Map() };
}

// What a map is thresholded and coloured by, in its places and sorted.
function strengthsOf(map, absolute) {
  if (!map.strengths.has(absolute)) {
    const places = map.values.map((value) => (absolute ? Math.abs(value - map.least) : value - map.least));
    map.strengths.set(absolute, { places, sorted: places.slice().sort() });
  }
  return map.strengths.get(absolute);
}

function insideOf(strengths, share) {
  const threshold = thresholdOf(strengths.sorted, share);
  const { places } = strengths;
  const inside = new Uint8Array(places.length);
  for (let i = 0; i < inside.length; i += 1) inside[i] = places[i] >= threshold ? 1 : 0;
  return inside;
}

// RGBA of a map over its image, as the settings say. Written without objects in its loop: it runs for every pixel of every map.
function drawMap(map, ground, settings, tables) {
  const out = new ImageData(ground.width, ground.height);
  if (settings.mode === "original" && !settings.contour) {
    out.data.set(ground.image.data);
    finish(out, ground, settings);
    return { pixels: out, area: null, precision: null, recall: null };
  }
  const strengths = strengthsOf(map, settings.absolute);
  const share = settings.area / 100;
  const inside = insideOf(strengths, settings.contour && share === 1 ? 0.1 : share);
  if (settings.contour) {
    drawContour(out, ground, edgeOf(inside, ground.width, ground.height));
  } else drawColours(out.data, ground, map, strengths.places, inside, settings, tables);
  finish(out, ground, settings);
  return { pixels: out, ...overlap(inside, ground.mask) };
}

function drawColours(data, ground, map, places, inside, settings, tables) {
  const signed = map.signed && !settings.absolute;
  const table = signed ? tables.signed : tables.unsigned;
  const limit = (settings.common ?? map.limit) || 1;
  const { mode } = settings;
  const blended = mode === "blended", overImage = mode === "masked" || mode === "alpha";
  const opacity = blended ? settings.opacity / 100 : 1;
  const plain = mode === "masked" ? 0 : 255;
  const image = ground.image.data;
  for (let i = 0, at = 0; i < places.length; i += 1, at += 4) {
    const relative = Math.min(Math.max(places[i] / limit, -1), 1);
    const size = inside[i] ? Math.abs(relative) : 0;
    if (overImage) {
      const kept = relative > 0 ? size : 0;
      for (let k = 0; k < 3; k += 1) data[at + k] = plain + kept * (image[at + k] - plain);
    } else {
      const entry = 3 * Math.round(255 * (signed ? (relative + 1) / 2 : Math.max(relative, 0)));
      const weight = opacity * ROOTS[Math.round(255 * size)];
      const under = blended ? ground.grey[i] : 255;
      for (let k = 0; k < 3; k += 1) data[at + k] = under + weight * (table[entry + k] - under);
    }
  }
}

function drawContour(out, ground, edge) {
  for (let i = 0, at = 0; i < edge.length; i += 1, at += 4) {
    out.data[at] = edge[i] ? CONTOUR[0] : ground.grey[i];
    out.data[at + 1] = edge[i] ? CONTOUR[1] : ground.grey[i];
    out.data[at + 2] = edge[i] ? CONTOUR[2] : ground.grey[i];
  }
}

// Opaque, with the outline of the truth if that is wanted.
function finish(out, ground, settings) {
  for (let at = 3; at < out.data.length; at += 4) out.data[at] = 255;
  if (settings.truth && ground.outline) paint(out, ground.outline, TRUTH);
}

function paint(pixels, places, colour) {
  for (let i = 0; i < places.length; i += 1) if (places[i]) pixels.data.set(colour, 4 * i);
}

class Tile {
  constructor(title, map, ground) {
    this.map = map;
    this.ground = ground;
    this.canvas = make("canvas", { width: ground.width, height: ground.height, role: "img", "aria-label": title });
    this.cross = make("span", { class: "cross", hidden: true });
    this.frame = make("div", { class: "picture" }, make("div", { class: "moved" }, this.canvas), this.cross);
    this.value = make("span", { class: "value" });
    this.reading = make("span", { class: "reading" });
    this.root = make("figure", { class: "tile" }, make("figcaption", {}, make("bdi", {}, title), this.value), this.frame, this.reading);
  }

  draw(settings, tables) {
    const drawn = drawMap(this.map, this.ground, settings, tables);
    this.canvas.getContext("2d").putImageData(drawn.pixels, 0, 0);
    const percent = (share) => `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;
    const zero = this.map.scale === 0;
    const parts = zero ? ["the same everywhere"] : [];
    if (!zero && (settings.area < 100 || settings.contour) && drawn.area !== null) {
      parts.push(`area ${percent(drawn.area)}`);
      if (drawn.precision !== null) parts.push(`${percent(drawn.precision)} of it in the truth`);
      if (drawn.recall !== null) parts.push(`covers ${percent(drawn.recall)}`);
    }
    this.reading.textContent = parts.join(" · ");
    this.pixels = drawn.pixels;
  }

  // The value at a place, in shares of the picture's width and height.
  point(place) {
    if (!place) {
      this.value.textContent = "";
      return;
    }
    const x = Math.min(Math.floor(place.x * this.ground.width), this.ground.width - 1);
    const y = Math.min(Math.floor(place.y * this.ground.height), this.ground.height - 1);
    this.value.textContent = significant(this.map.values[y * this.ground.width + x]);
  }
}
