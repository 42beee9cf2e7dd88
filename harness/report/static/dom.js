// Small helpers: find, make, read. Text reaches the page as text alone.
const SVG = "http://www.w3.org/2000/svg";
const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const readJson = (id) => JSON.parse(document.getElementById(id).textContent);

function make(tag, attributes = {}, ...children) {
  const element = tag.startsWith("svg:") ? document.createElementNS(SVG, tag.slice(4)) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const MISSING = "–";
const fixed = (value, digits = 2) => (value === null || value === undefined ? MISSING : value.toFixed(digits));

function significant(value) {
  if (value === null || value === undefined) return MISSING;
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 1e-3 || size >= 1e5) return value.toExponential(1).replace("e+", "e");
  return value.toPrecision(3).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
}
