// From the grey levels of a map's PNG to values, and from values to colours. Pure but for decoding.
const hexBytes = (text) => Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));

async function decodePicture(address) {
  const image = new Image();
  image.src = address;
  await image.decode();
  return image;
}

// RGBA of a picture, drawn at a size.
function pixelsOf(image, width = image.naturalWidth, height = image.naturalHeight, smooth = true) {
  const canvas = make("canvas", { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingEnabled = smooth;
  context.drawImage(image, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

// Values of a map (see encode_map): a square-root scale, so that small values have levels of their own.
function mapValues(map, pixels) {
  const values = new Float32Array(pixels.data.length / 4);
  for (let i = 0; i < values.length; i += 1) {
    const level = pixels.data[4 * i];
    const root = map.signed ? (level - 128) / 127 : level / 255;
    values[i] = map.base + map.scale * root * Math.abs(root);
  }
  return values;
}

// Bilinear, pixels meeting at their edges (align_corners = false).
function resample(values, height, width, tall, wide) {
  if (height === tall && width === wide) return values;
  const out = new Float32Array(tall * wide);
  const axis = (size, full) =>
    Array.from({ length: full }, (unused, i) => {
      const at = Math.min(Math.max(((i + 0.5) * size) / full - 0.5, 0), size - 1);
      const low = Math.floor(at);
      return [low, Math.min(low + 1, size - 1), at - low];
    });
  const columns = axis(width, wide);
  axis(height, tall).forEach(([top, bottom, down], y) => {
    columns.forEach(([left, right, along], x) => {
      const above = values[top * width + left] * (1 - along) + values[top * width + right] * along;
      const below = values[bottom * width + left] * (1 - along) + values[bottom * width + right] * along;
      out[y * wide + x] = above * (1 - down) + below * down;
    });
  });
  return out;
}

// The least value of the strongest share of pixels; those at the map's least value are never among them, unless all are asked for.
function thresholdOf(sorted, share) {
  if (share >= 1) return -Infinity;
  const wanted = sorted[Math.max(0, sorted.length - Math.max(1, Math.round(share * sorted.length)))];
  if (wanted > sorted[0]) return wanted;
  const above = sorted.find((value) => value > sorted[0]);
  return above ?? Infinity;
}

// Pixels inside that have a neighbour outside.
function edgeOf(inside, width, height) {
  const edge = new Uint8Array(inside.length);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const i = y * width + x;
      if (!inside[i]) continue;
      if (x === 0 || y === 0 || x === width - 1 || y === height - 1 || !inside[i - 1] || !inside[i + 1] || !inside[i - width] || !inside[i + width]) edge[i] = 1;
    }
  }
  return edge;
}

// How much of the picture is inside, how much of the inside is in the mask, and how much of the mask is inside.
function overlap(inside, mask) {
  let area = 0, both = 0, truth = 0;
  for (let i = 0; i < inside.length; i += 1) {
    area += inside[i];
    if (mask) {
      truth += mask[i];
      both += inside[i] & mask[i];
    }
  }
  return { area: area / inside.length, precision: mask && area ? both / area : null, recall: mask && truth ? both / truth : null };
}
