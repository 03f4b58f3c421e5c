// Numbers as the page holds them, and as files and tables have them.

// Arrays of numbers are lists, or base64 of little-endian doubles.
const bytesOf = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const numbersOf = (array) => {
  if (Array.isArray(array)) return array;
  const bytes = bytesOf(array.f64), view = new DataView(bytes.buffer);
  return Float64Array.from({length: bytes.length / 8}, (_, k) => view.getFloat64(8 * k, true));
};
const el = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const name in attributes) made.setAttribute(name, attributes[name]);
  made.append(...children);
  return made;
};

// Where a value lies on a scale, as the flat pictures have it: 0 at the lower end, 1 at the upper one.
const shareOn = (scale) => {
  const warp = (v) => {
    if (scale.knee > 0) return Math.sign(v) * Math.log1p(Math.abs(v) / scale.knee);
    return scale.log ? Math.log(Math.max(v, scale.low * 1e-9)) : v;
  };
  const [low, high] = [warp(scale.low), warp(scale.high)];
  return (v) => { const t = (warp(v) - low) / (high - low); return scale.down ? 1 - t : t; };
};
const colorsOf = (hex) => {
  const rgba = new Uint8Array(1024).fill(255);
  for (let k = 0; k < 256; k++) for (let c = 0; c < 3; c++) rgba[4 * k + c] = parseInt(hex.substr(6 * k + 2 * c, 2), 16);
  return rgba;
};

const number = (v) => Number.isFinite(v) ? String(v) : "not finite";

// Files and tables of numbers. Words that a spreadsheet would take for a formula are quoted.
const quoted = (words) => {
  const safe = /^[=+\-@\t\r]/.test(words) ? `'${words}` : words;
  return `"${safe.replaceAll('"', '""')}"`;
};
const csvOf = (figure) => {
  const lines = [];
  for (const panel of figure.panels) {
    const name = quoted(panel.title);
    for (const grid of panel.grids) {
      if (!lines.length) lines.push("panel,x,y,value");
      grid.values.forEach((v, k) => lines.push(`${name},${grid.x[k % grid.x.length]},${grid.y[Math.floor(k / grid.x.length)]},${v}`));
    }
  }
  const series = figure.panels.flatMap((panel) => panel.series.map((one) => [panel, one]));
  if (series.length) lines.push("panel,series,x,y,low,high");
  for (const [panel, one] of series) {
    const ends = (k) => one.low ? `${one.low[k]},${one.high[k]}` : ",";
    one.x.forEach((x, k) => lines.push(`${quoted(panel.title)},${quoted(one.label)},${x},${one.y[k]},${ends(k)}`));
  }
  return lines.join("\n") + "\n";
};
const save = (name, kind, text) => {
  const url = URL.createObjectURL(new Blob([text], {type: kind})), link = el("a", {href: url, download: name});
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
};
const row = (cell, scope, ...all) => el("tr", {}, ...all.map((words, k) => el(k === 0 && scope ? "th" : cell, k === 0 && scope ? {scope} : cell === "th" ? {scope: "col"} : {}, words)));
const tableOf = (panel) => {
  const {x, y, values} = panel.grid, body = [];
  for (let j = y.length - 1; j >= 0; j--) {
    body.push(row("td", "row", number(y[j]), ...Array.from(x, (_, i) => number(values[j * x.length + i]))));
  }
  const caption = el("caption", {}, `${panel.title ? `${panel.title}: ` : ""}rows are y, columns are x`);
  return el("table", {}, caption, el("thead", {}, row("th", "col", "y \\ x", ...Array.from(x, number))), el("tbody", {}, ...body));
};
const seriesTable = (figure) => {
  const body = [];
  for (const panel of figure.panels) for (const one of panel.series) one.x.forEach((x, k) => body.push(row("td", "", panel.title, one.label, number(x), number(one.y[k]))));
  return el("table", {}, el("thead", {}, row("th", "", "panel", "series", "x", "y")), el("tbody", {}, ...body));
};

// What was deflated.
const inflated = async (text) => {
  const stream = new Blob([bytesOf(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).text();
};

