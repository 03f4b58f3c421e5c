// The page: reads its own numbers, and shows maps as surfaces, as maps and as cuts under one point that pointer and keys move.

(() => {
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  const SIGNS = ["★", "●", "■", "▲", "✦"];

  for (const figure of data.figures) {
    for (const panel of figure.panels) {
      for (const all of [panel.grids, panel.series]) {
        for (const one of all) for (const name of ["x", "y", "values", "low", "high"]) if (one[name]) one[name] = numbersOf(one[name]);
      }
      for (const series of panel.series) series.color = [0, 2, 4].map((k) => parseInt(series.ink.substr(k, 2), 16));
      panel.grid = panel.grids.find((grid) => grid.values.length);
    }
    if (!figure.scale) continue;
    figure.share = shareOn(figure.scale);
    figure.colors = colorsOf(data.colors[figure.scale.cmap]);
    figure.levels = figure.scale.levels.map((level) => level[0]);
    figure.colorAt = (t) => {
      const from = 4 * Math.round(255 * Math.min(Math.max(t, 0), 1));
      return Array.from(figure.colors.subarray(from, from + 3));
    };
  }
  const maps = data.figures.filter((figure) => figure.scale && figure.panels.some((panel) => panel.grid));
  const start = {azimuth: data.view[0], elevation: data.view[1], zoom: 1};
  const state = {map: 0, cut: 0, panel: 0, i: 0, j: 0, along: "x", turning: false, ...start};
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const figure = () => maps[state.map];
  const shown = () => figure().stack ? [figure().panels[state.cut]] : figure().panels.filter((panel) => panel.grid);
  const panelNow = () => shown()[Math.min(state.panel, shown().length - 1)];
  // A table is made when somebody opens it.
  const opens = (details, make) => details.addEventListener("toggle", () => {
    if (details.open) details.querySelector(".scroll").replaceChildren(make());
  });

  // Drawing on plain canvases.
  const fitted = (canvas, width, height) => {
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.height = `${height}px`;
    return ratio;
  };
  const pen = (canvas, width, height) => {
    const ratio = fitted(canvas, width, height), to = canvas.getContext("2d");
    to.setTransform(ratio, 0, 0, ratio, 0, 0);
    to.font = "11px 'DejaVu Sans', system-ui, sans-serif";
    return to;
  };
  const words = (to, text, x, y, align = "center", base = "middle") => {
    [to.textAlign, to.textBaseline] = [align, base];
    to.fillText(text, x, y);
  };
  const stroke = (to, points) => {
    to.beginPath();
    points.forEach((p, k) => k ? to.lineTo(...p) : to.moveTo(...p));
    to.stroke();
  };
  const sign = (to, mark, [x, y], size = 15) => {
    const letter = typeof mark.sign === "string";
    to.font = `${letter ? "bold 11" : size}px 'DejaVu Sans', system-ui, sans-serif`;
    [to.lineWidth, to.strokeStyle, to.fillStyle] = [2, "#000", "#fff"];
    if (letter) {
      to.beginPath();
      to.arc(x, y, 8, 0, 7);
      to.fill();
      to.stroke();
      to.fillStyle = "#000";
      words(to, mark.sign, x, y + 1);
    } else {
      [to.textAlign, to.textBaseline] = ["center", "middle"];
      to.strokeText(SIGNS[mark.sign % 5], x, y);
      to.fillText(SIGNS[mark.sign % 5], x, y);
    }
    to.font = "11px 'DejaVu Sans', system-ui, sans-serif";
  };
  const clipped = (to, text, width) => {
    let short = text;
    while (short.length > 3 && to.measureText(short).width > width) short = `${short.slice(0, -2)}…`;
    return short;
  };
  // Places of panels side by side.
  const cells = (count, width, shape, most) => {
    const columns = Math.min(count, count === 4 ? 2 : 3, Math.max(1, Math.floor(width / 260)));
    const side = width / columns, height = Math.min(side * shape, most), rows = Math.ceil(count / columns);
    const rects = Array.from({length: count}, (_, k) => ({left: (k % columns) * side, top: Math.floor(k / columns) * height, width: side, height}));
    return {rects, height: rows * height};
  };

  // The surface with its box.
  const surface = $("surface"), over = $("surface-over"), scene = surface ? sceneOn(surface) : null;
  const meshes = new Map();
  const meshNow = (panel) => {
    if (!meshes.has(panel)) {
      const {share, colorAt, levels} = figure(), nodes = nodesOf(panel, share);
      meshes.set(panel, {nodes, mesh: meshOf(panel, nodes, share, colorAt, levels)});
    }
    return meshes.get(panel);
  };
  let stands = [];
  const boxOf = (panel, camera) => {
    const [sx, sy] = shapeOf(panel), [nx, ny] = camera.ground.map((c) => c >= 0 ? 1 : -1), top = LIFT + RELIEF;
    const hex = ink("muted"), color = [1, 3, 5].map((k) => parseInt(hex.substr(k, 2), 16) / 255), lines = [];
    const line = (points, alpha) => points.slice(1).forEach((p, k) => lines.push(...points[k], ...color, alpha, ...p, ...color, alpha));
    const heights = figure().scale.ticks.map(([v]) => LIFT + RELIEF * figure().share(v));
    for (const [v] of panel.x.ticks) { const x = sx * unit(v, panel.x); line([[x, ny * sy, 0], [x, -ny * sy, 0], [x, -ny * sy, top]], 0.3); }
    for (const [v] of panel.y.ticks) { const y = sy * unit(v, panel.y); line([[nx * sx, y, 0], [-nx * sx, y, 0], [-nx * sx, y, top]], 0.3); }
    for (const z of heights) line([[nx * sx, -ny * sy, z], [-nx * sx, -ny * sy, z], [-nx * sx, ny * sy, z]], 0.3);
    line([[-sx, -sy, 0], [sx, -sy, 0], [sx, sy, 0], [-sx, sy, 0], [-sx, -sy, 0]], 0.9);
    for (const [x, y] of [[nx, -ny], [-nx, -ny], [-nx, ny]]) line([[x * sx, y * sy, 0], [x * sx, y * sy, top]], 0.9);
    return lines;
  };
  const labelBox = (to, panel, stand, rect) => {
    const [sx, sy] = shapeOf(panel), {at, camera} = stand, [nx, ny] = camera.ground.map((c) => c >= 0 ? 1 : -1);
    const middle = at([0, 0, 0]), beyond = (p, from, by) => {
      const length = Math.hypot(p[0] - from[0], p[1] - from[1]) || 1;
      return [p[0] + by * (p[0] - from[0]) / length, p[1] + by * (p[1] - from[1]) / length];
    };
    to.fillStyle = ink("ink");
    const side = (axis, place) => {
      const [a, b] = [place(-1), place(1)];
      if (Math.hypot(a[0] - b[0], a[1] - b[1]) < 40) return;
      const center = place(0), out = beyond(center, middle, 1), [dx, dy] = [out[0] - center[0], out[1] - center[1]];
      for (const [v, text] of axis.ticks) { const p = place(unit(v, axis)); words(to, text, p[0] + 16 * dx, p[1] + 16 * dy); }
      let angle = Math.atan2(b[1] - a[1], b[0] - a[0]);
      if (Math.abs(angle) > Math.PI / 2) angle += Math.PI;
      to.save();
      to.translate(center[0] + 40 * dx, center[1] + 34 * dy);
      to.rotate(angle);
      words(to, clipped(to, axis.label, Math.max(110, Math.hypot(a[0] - b[0], a[1] - b[1]))), 0, 0);
      to.restore();
    };
    side(panel.x, (u) => at([u * sx, ny * sy, 0]));
    side(panel.y, (u) => at([nx * sx, u * sy, 0]));
    const left = [[nx, -ny], [-nx, ny]].sort((p, q) => at([p[0] * sx, p[1] * sy, 0])[0] - at([q[0] * sx, q[1] * sy, 0])[0])[0];
    for (const [v, text] of figure().scale.ticks) {
      const p = at([left[0] * sx, left[1] * sy, LIFT + RELIEF * figure().share(v)]);
      words(to, text, p[0] - 6, p[1], "right");
    }
    const top = at([left[0] * sx, left[1] * sy, LIFT + RELIEF]);
    words(to, clipped(to, panel.z.label, rect.width - 20), Math.max(rect.left + 4, top[0] - 50), Math.max(rect.top + 28, top[1] - 16), "left");
    words(to, clipped(to, panel.title, rect.width - 12), rect.left + rect.width / 2, rect.top + 10);
  };
  const drawSurface = () => {
    if (!scene) return;
    const width = surface.parentElement.clientWidth, panels = shown();
    const {rects, height} = cells(panels.length, width, 0.92, 560), ratio = fitted(surface, width, height), to = pen(over, width, height);
    scene.clear(ratio, figure().colors);
    stands = panels.map((panel, k) => {
      const stand = {...projection(state, rects[k]), rect: rects[k], panel}, {nodes, mesh} = meshNow(panel);
      scene.draw(mesh, stand, rects[k], ratio, boxOf(panel, stand.camera));
      labelBox(to, panel, stand, rects[k]);
      const [sx, sy] = shapeOf(panel);
      for (const mark of panel.marks) {
        const t = heightAt(panel, figure().share, mark.x, mark.y);
        const place = [sx * unit(mark.x, panel.x), sy * unit(mark.y, panel.y)];
        if (Number.isFinite(t)) sign(to, mark, stand.at([...place, LIFT + RELIEF * Math.min(Math.max(t, 0), 1)]));
      }
      const node = nodes[state.j * panel.grid.x.length + state.i];
      if (node) {
        const [p, q] = [stand.at(node), stand.at([node[0], node[1], 0])];
        [to.lineWidth, to.strokeStyle] = [1.5, ink("ink")];
        stroke(to, [p, q]);
        to.beginPath();
        to.arc(p[0], p[1], 5, 0, 7);
        to.fillStyle = "#e8402a";
        to.fill();
        to.stroke();
      }
      return stand;
    });
  };

  // The map: cells or, of fine even grids, their interpolation, with contour lines.
  const map = $("map");
  let plots = [], ground = null;
  const even = (axis) => axis.every((v, k) => !k || Math.abs(v - axis[k - 1] - (axis[axis.length - 1] - axis[0]) / (axis.length - 1)) <= 1e-6 * Math.abs(axis[axis.length - 1] - axis[0]));
  const edges = (axis) => Array.from({length: axis.length + 1}, (_, k) => {
    const [a, b] = [axis[Math.max(k - 1, 0)], axis[Math.min(k, axis.length - 1)]];
    return k === 0 ? a : k === axis.length ? b : (a + b) / 2;
  });
  const paint = (to, plot) => {
    const {panel, area, at} = plot, {x, y, values} = panel.grid, {share, colorAt, levels} = figure();
    const color = (v) => { const t = share(v); return Number.isFinite(t) ? colorAt(t) : null; };
    to.save();
    to.beginPath();
    to.rect(area.left, area.top, area.width, area.height);
    to.clip();
    to.fillStyle = ink("faint");
    to.fillRect(area.left, area.top, area.width, area.height);
    if (x.length >= 25 && y.length >= 25 && even(x) && even(y)) {
      const cells = el("canvas"), [w, h] = [x.length, y.length];
      [cells.width, cells.height] = [w, h];
      const image = new ImageData(w, h);
      values.forEach((v, k) => { const c = color(v); if (c) image.data.set([...c, 255], 4 * ((h - 1 - Math.floor(k / w)) * w + k % w)); });
      cells.getContext("2d").putImageData(image, 0, 0);
      const [a, b] = [at(x[0], y[h - 1]), at(x[w - 1], y[0])], [dx, dy] = [(b[0] - a[0]) / (w - 1), (b[1] - a[1]) / (h - 1)];
      to.imageSmoothingEnabled = true;
      to.drawImage(cells, a[0] - dx / 2, a[1] - dy / 2, w * dx, h * dy);
    } else {
      const [ex, ey] = [edges(x), edges(y)];
      values.forEach((v, k) => {
        const [i, j] = [k % x.length, Math.floor(k / x.length)], c = color(v);
        const [p, q] = [at(ex[i], ey[j + 1]), at(ex[i + 1], ey[j])];
        if (c) { to.fillStyle = `rgb(${c.join()})`; to.fillRect(p[0], p[1], q[0] - p[0] + 0.5, q[1] - p[1] + 0.5); }
      });
    }
    [to.lineWidth, to.strokeStyle] = [0.8, "rgba(255,255,255,0.55)"];
    to.beginPath();
    for (const [p, q] of isolines(panel, share, levels)) { to.moveTo(...at(...p)); to.lineTo(...at(...q)); }
    to.stroke();
    for (const series of panel.series) {
      const points = Array.from(series.x, (v, k) => at(v, series.y[k]));
      for (const [width, style] of [[3.5, "rgba(0,0,0,0.6)"], [1.8, `#${series.ink}`]]) {
        [to.lineWidth, to.strokeStyle, to.fillStyle] = [width, style, style];
        if (series.lined) stroke(to, points);
        if (series.dotted) for (const p of points) { to.beginPath(); to.arc(p[0], p[1], width, 0, 7); to.fill(); }
      }
    }
    to.restore();
    for (const mark of panel.marks) {
      const p = at(mark.x, mark.y), inside = p[0] >= area.left && p[0] <= area.left + area.width && p[1] >= area.top && p[1] <= area.top + area.height;
      if (inside) sign(to, mark, p);
    }
    [to.strokeStyle, to.fillStyle, to.lineWidth] = [ink("ink"), ink("ink"), 1];
    to.strokeRect(area.left, area.top, area.width, area.height);
    const foot = area.top + area.height;
    for (const [v, text] of panel.x.ticks) { const [px] = at(v, 0); stroke(to, [[px, foot], [px, foot + 4]]); words(to, text, px, foot + 13); }
    for (const [v, text] of panel.y.ticks) { const [, py] = at(0, v); stroke(to, [[area.left - 4, py], [area.left, py]]); words(to, text, area.left - 7, py, "right"); }
    words(to, clipped(to, panel.x.label, plot.rect.width - 20), area.left + area.width / 2, foot + 29);
    words(to, clipped(to, panel.title, plot.rect.width - 12), area.left + area.width / 2, area.top - 10);
    to.save();
    to.translate(plot.rect.left + 10, area.top + area.height / 2);
    to.rotate(-Math.PI / 2);
    words(to, clipped(to, panel.y.label, area.height + 20), 0, 0);
    to.restore();
  };
  const paintBar = (to, left, top, height) => {
    for (let k = 0; k < height; k++) { to.fillStyle = `rgb(${figure().colorAt(1 - k / height).join()})`; to.fillRect(left, top + k, 12, 1.5); }
    [to.fillStyle, to.strokeStyle] = [ink("ink"), ink("ink")];
    to.strokeRect(left, top, 12, height);
    for (const [v, text] of figure().scale.ticks) { const y = top + height * (1 - figure().share(v)); stroke(to, [[left + 12, y], [left + 16, y]]); words(to, text, left + 19, y, "left"); }
  };
  const layMap = (width) => {
    const BAR = 64, panels = shown(), flat = Math.max(...panels.map((panel) => shapeOf(panel)[1] / shapeOf(panel)[0]));
    const {rects, height} = cells(panels.length, width - BAR, Math.min(0.92, 0.85 * flat + 0.15), 560);
    plots = panels.map((panel, k) => {
      const rect = rects[k], room = {width: rect.width - 64, height: rect.height - 62}, [sx, sy] = shapeOf(panel);
      const scale = Math.min(room.width / sx, room.height / sy);
      const area = {left: rect.left + 54, top: rect.top + 20, width: scale * sx, height: scale * sy};
      const at = (x, y) => [area.left + area.width * (unit(x, panel.x) + 1) / 2, area.top + area.height * (1 - unit(y, panel.y)) / 2];
      return {panel, rect, area, at};
    });
    ground = el("canvas");
    const to = pen(ground, width, height);
    plots.forEach((plot) => paint(to, plot));
    paintBar(to, width - BAR + 4, 20, Math.min(height, rects[0].height) - 62);
    return height;
  };
  let laid = 0;
  const drawMap = () => {
    const width = map.parentElement.clientWidth;
    if (!ground) laid = layMap(width);
    const to = pen(map, width, laid);
    to.drawImage(ground, 0, 0, width, laid);
    for (const {panel, at, area} of plots) {
      const p = at(panel.grid.x[Math.min(state.i, panel.grid.x.length - 1)], panel.grid.y[Math.min(state.j, panel.grid.y.length - 1)]);
      for (const [w, style] of [[3, "rgba(0,0,0,0.5)"], [1.2, "#fff"]]) {
        [to.lineWidth, to.strokeStyle] = [w, style];
        stroke(to, state.along === "x" ? [[area.left, p[1]], [area.left + area.width, p[1]]] : [[p[0], area.top], [p[0], area.top + area.height]]);
        to.strokeRect(p[0] - 4, p[1] - 4, 8, 8);
      }
    }
  };

  // The cut through the chosen point, of all panels that are shown.
  const cut = $("cut");
  const drawCut = () => {
    const width = cut.parentElement.clientWidth, height = 220, to = pen(cut, width, height), along = state.along, panels = shown();
    const axis = panels[0][along], area = {left: 64, top: 12, width: width - 80, height: height - 56}, {share, scale} = figure();
    const at = (v, value) => [area.left + area.width * (unit(v, axis) + 1) / 2, area.top + area.height * (1 - share(value))];
    [to.fillStyle, to.strokeStyle, to.lineWidth] = [ink("ink"), ink("faint"), 1];
    for (const [v, text] of axis.ticks) { const x = at(v, scale.low)[0]; stroke(to, [[x, area.top], [x, area.top + area.height]]); words(to, text, x, area.top + area.height + 12); }
    for (const [v, text] of scale.ticks) { const y = at(axis.low, v)[1]; stroke(to, [[area.left, y], [area.left + area.width, y]]); words(to, text, area.left - 6, y, "right"); }
    words(to, axis.label, area.left + area.width / 2, height - 12);
    words(to, clipped(to, panels[0].z.label, area.width), area.left + 6, area.top + 8, "left");
    to.save();
    to.beginPath();
    to.rect(area.left, area.top - 2, area.width, area.height + 4);
    to.clip();
    panels.forEach(({grid}, k) => {
      const [i, j] = [Math.min(state.i, grid.x.length - 1), Math.min(state.j, grid.y.length - 1)];
      const all = along === "x" ? grid.x : grid.y, value = (n) => along === "x" ? grid.values[j * grid.x.length + n] : grid.values[n * grid.x.length + i];
      const points = Array.from(all, (v, n) => at(v, value(n)));
      [to.strokeStyle, to.fillStyle, to.lineWidth] = [ink(`c${k % 8}`), ink(`c${k % 8}`), 1.8];
      let run = [];
      points.concat([[NaN, NaN]]).forEach((p) => { if (Number.isFinite(p[1])) run.push(p); else { stroke(to, run); run = []; } });
      if (points.length < 80) points.forEach((p) => { to.beginPath(); to.arc(p[0], p[1], 2, 0, 7); to.fill(); });
      const here = points[along === "x" ? i : j];
      to.beginPath();
      to.arc(here[0], here[1], 5, 0, 7);
      to.stroke();
    });
    to.restore();
  };

  let asked = false;
  const draw = () => {
    asked = false;
    // On paper nothing of this is laid out.
    if (!$("views").clientWidth) return;
    drawSurface();
    drawMap();
    drawCut();
  };
  const redraw = () => { if (!asked) { asked = true; requestAnimationFrame(draw); } };
  const fresh = () => { ground = null; redraw(); };

  // What the point is, in words.
  const say = () => {
    const panel = panelNow(), {x, y, values} = panel.grid, value = values[state.j * x.length + state.i];
    const which = panel.title ? `${panel.title}: ` : "";
    $("reading").textContent = `${which}x = ${number(x[state.i])}, y = ${number(y[state.j])}, ${panel.z.label} = ${number(value)}`;
  };
  const choose = (panel, i, j) => {
    const grid = shown()[panel].grid;
    [state.panel, state.i, state.j] = [panel, Math.min(Math.max(i, 0), grid.x.length - 1), Math.min(Math.max(j, 0), grid.y.length - 1)];
    $("panel").value = String(panel);
    say();
    redraw();
  };
  const listed = (select, names) => select.replaceChildren(...names.map((name, k) => el("option", {value: k}, name)));
  const nearest = (axis, v) => { let best = 0; axis.forEach((u, k) => { if (Math.abs(u - v) < Math.abs(axis[best] - v)) best = k; }); return best; };
  const table = $("table");
  const chooseMap = (k) => {
    state.map = k;
    const {panels, stack, title} = figure();
    state.cut = Math.min(state.cut, panels.length - 1);
    $("cut-label").hidden = !stack;
    $("cut-at").max = panels.length - 1;
    $("cut-at").value = state.cut;
    $("cut-name").textContent = stack ? panels[state.cut].title : "";
    $("cut-at").setAttribute("aria-valuetext", $("cut-name").textContent);
    listed($("panel"), shown().map((panel, n) => panel.title || `panel ${n + 1}`));
    $("panel-label").hidden = shown().length < 2;
    $("views").classList.toggle("many", shown().length > 1);
    for (const [canvas, what] of [[surface, "Surface"], [map, "Map"], [cut, "Cut"]]) canvas.setAttribute("aria-label", `${what}: ${title}`);
    document.querySelectorAll("figure.flat").forEach((flat) => {
      const own = data.figures[Number(flat.dataset.figure)];
      const gridded = maps.includes(own);
      flat.classList.toggle("chosen", !gridded || own === figure());
      flat.hidden = gridded && (Boolean(scene) || own !== figure());
    });
    const seen = new Map();
    for (const panel of panels) {
      for (const series of panel.series) if (series.label) seen.set(series.label, ["━ ", series.ink]);
      // A letter is the mark's own name.
      for (const mark of panel.marks) seen.set(mark.label, [typeof mark.sign === "string" ? "" : `${SIGNS[mark.sign % 5]} `, ""]);
    }
    $("legend").replaceChildren(...[...seen].map(([label, [shape, color]]) => {
      const key = el("span", {"aria-hidden": "true"}, shape);
      if (color && color !== "ffffff") key.style.color = `#${color}`;
      return el("li", {}, key, label);
    }));
    table.open = false;
    const {grid} = panelNow();
    if (state.i >= grid.x.length || state.j >= grid.y.length) [state.i, state.j] = [0, 0];
    say();
    fresh();
  };

  const turn = (azimuth, elevation) => {
    state.azimuth = (state.azimuth + azimuth) % 360;
    state.elevation = Math.min(Math.max(state.elevation + elevation, 5), 90);
    redraw();
  };
  const zoom = (by) => { state.zoom = Math.min(Math.max(state.zoom * by, 0.4), 5); redraw(); };
  const spin = (time) => {
    if (!state.turning) return;
    if (state.last) turn((time - state.last) * 0.03, 0);
    state.last = time;
    requestAnimationFrame(spin);
  };
  const keys = (canvas, table) => canvas.addEventListener("keydown", (event) => {
    const act = event.ctrlKey || event.altKey || event.metaKey ? null : table[event.key];
    if (!act) return;
    event.preventDefault();
    act(event.shiftKey ? 5 : 1);
  });
  const begin = () => {
    const back = () => { Object.assign(state, start); redraw(); };
    const slide = (by) => { if (!figure().stack) return; state.cut = Math.min(Math.max(state.cut + by, 0), figure().panels.length - 1); chooseMap(state.map); };
    const step = (di, dj) => choose(state.panel, state.i + di, state.j + dj);
    const cuts = {PageUp: () => slide(1), PageDown: () => slide(-1)};
    keys(surface, {ArrowLeft: (n) => turn(-3 * n, 0), ArrowRight: (n) => turn(3 * n, 0), ArrowUp: (n) => turn(0, 3 * n), ArrowDown: (n) => turn(0, -3 * n), "+": () => zoom(1.15), "=": () => zoom(1.15), "-": () => zoom(1 / 1.15), Home: back, ...cuts});
    const walk = {ArrowLeft: (n) => step(-n, 0), ArrowRight: (n) => step(n, 0), ArrowUp: (n) => step(0, n), ArrowDown: (n) => step(0, -n), Home: () => center(), ...cuts};
    keys(map, walk);
    keys(cut, walk);
    let drag = null;
    surface.addEventListener("pointerdown", (event) => { drag = [event.clientX, event.clientY]; surface.setPointerCapture(event.pointerId); });
    for (const end of ["pointerup", "pointercancel"]) surface.addEventListener(end, () => { drag = null; });
    surface.addEventListener("pointermove", (event) => {
      if (drag) {
        turn((drag[0] - event.clientX) * 0.5, (event.clientY - drag[1]) * 0.5);
        drag = [event.clientX, event.clientY];
        return;
      }
      const at = [event.offsetX, event.offsetY];
      const k = stands.findIndex(({rect}) => at[0] >= rect.left && at[0] < rect.left + rect.width && at[1] >= rect.top && at[1] < rect.top + rect.height);
      if (k < 0) return;
      // Of the nodes under the pointer the one nearest to the viewer.
      let best = -1, least = Infinity;
      meshNow(stands[k].panel).nodes.forEach((node, n) => {
        if (!node) return;
        const p = stands[k].at(node), far = Math.hypot(p[0] - at[0], p[1] - at[1]), cost = far - 6 * stands[k].depth(node);
        if (far < 14 && cost < least) [best, least] = [n, cost];
      });
      const w = stands[k].panel.grid.x.length;
      if (best >= 0) choose(k, best % w, Math.floor(best / w));
    });
    const hover = (event) => {
      const at = [event.offsetX, event.offsetY];
      const k = plots.findIndex(({area}) => at[0] >= area.left && at[0] <= area.left + area.width && at[1] >= area.top && at[1] <= area.top + area.height);
      if (k < 0) return;
      const {panel, area} = plots[k], part = [(at[0] - area.left) / area.width, 1 - (at[1] - area.top) / area.height];
      const value = (axis, t) => axis.low + t * (axis.high - axis.low);
      choose(k, nearest(panel.grid.x, value(panel.x, part[0])), nearest(panel.grid.y, value(panel.y, part[1])));
    };
    map.addEventListener("pointermove", hover);
    map.addEventListener("pointerdown", hover);
    $("map-choice").addEventListener("change", (event) => chooseMap(Number(event.target.value)));
    $("panel").addEventListener("change", (event) => choose(Number(event.target.value), state.i, state.j));
    $("along").addEventListener("change", (event) => { state.along = event.target.value; redraw(); });
    $("cut-at").addEventListener("input", (event) => { state.cut = Number(event.target.value); chooseMap(state.map); });
    $("back").addEventListener("click", back);
    $("turn").addEventListener("click", () => {
      if (calm.matches) return turn(15, 0);
      state.turning = !state.turning;
      state.last = 0;
      $("turn").setAttribute("aria-pressed", String(state.turning));
      requestAnimationFrame(spin);
    });
    $("csv").addEventListener("click", () => save(`${data.stem}-${figure().name}.csv`, "text/csv", csvOf(figure())));
    opens(table, () => tableOf(panelNow()));
    for (const asks of ["(prefers-color-scheme: dark)", "print"]) matchMedia(asks).addEventListener("change", fresh);
    new ResizeObserver(fresh).observe($("views"));
    surface.addEventListener("webglcontextlost", (event) => event.preventDefault());
    surface.addEventListener("webglcontextrestored", () => { scene.begin(); fresh(); });
    const center = () => {
      const {grid} = panelNow();
      const mark = panelNow().marks.find((one) => Number.isFinite(one.x)) || {x: 0, y: 0};
      choose(0, nearest(grid.x, mark.x), nearest(grid.y, mark.y));
    };
    listed($("map-choice"), maps.map((one) => one.choice));
    $("map-label").hidden = maps.length < 2;
    $("surface-view").hidden = !scene;
    $("no-webgl").hidden = Boolean(scene);
    for (const id of ["turn", "back"]) $(id).hidden = !scene;
    $("stage").hidden = false;
    if (figure().stack) state.cut = Math.floor(figure().panels.length / 2);
    chooseMap(0);
    center();
  };

  // Flat pictures are kept deflated but for the first.
  for (const flat of document.querySelectorAll("figure.flat")) {
    const own = data.figures[Number(flat.dataset.figure)], place = flat.querySelector(".picture");
    if (own.picture) {
      inflated(own.picture).then((text) => {
        const svg = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
        place.replaceChildren(document.adoptNode(svg));
      }).catch(() => { place.textContent = "This browser cannot unpack the picture."; });
    }
    flat.querySelector(".csv").addEventListener("click", () => save(`${data.stem}-${own.name}.csv`, "text/csv", csvOf(own)));
    const details = flat.querySelector("details");
    opens(details, () => own.panels.some((panel) => panel.grid) ? el("div", {}, ...own.panels.filter((panel) => panel.grid).map(tableOf)) : seriesTable(own));
    flat.hidden = false;
  }
  if (maps.length) begin();
  $("json").addEventListener("click", () => save(`${data.stem}.json`, "application/json", JSON.stringify(data.result, null, 2) + "\n"));
})();
