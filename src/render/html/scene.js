"use strict";
// The surface: a height field in a box, seen in parallel projection and drawn by WebGL 2. Coordinates are those of the flat
// pictures: x and y reach from -1 to 1 times the box's shape, heights from LIFT upwards, and contours lie on the floor at 0.

const LIFT = 0.45, RELIEF = 1.15, MIDDLE = 0.8, MESH = 25;

const SURFACE = `#version 300 es
in vec3 place; in vec3 normal; in float share;
uniform mat4 camera; uniform vec3 light;
out float tone; out float shine;
void main() { gl_Position = camera * vec4(place, 1.0); tone = share; shine = max(dot(normal, light), 0.0); }`;
const SHADED = `#version 300 es
precision highp float;
in float tone; in float shine;
uniform sampler2D colors;
out vec4 color;
void main() {
  vec3 own = texture(colors, vec2((clamp(tone, 0.0, 1.0) * 255.0 + 0.5) / 256.0, 0.5)).rgb;
  color = vec4(mix(mix(own, vec3(0.0), 0.5 * (1.0 - shine)), vec3(1.0), 0.1 * pow(shine, 4.0)), 1.0);
}`;
const LINES = `#version 300 es
in vec3 place; in vec4 ink;
uniform mat4 camera; uniform float dot_size;
out vec4 tint;
void main() { gl_Position = camera * vec4(place, 1.0); gl_PointSize = dot_size; tint = ink; }`;
const PLAIN = `#version 300 es
precision highp float;
in vec4 tint;
out vec4 color;
void main() { color = vec4(tint.rgb * tint.a, tint.a); }`;

// Half the extent of a panel's box along x and y.
function shapeOf(panel) {
  const ratio = (panel.y.high - panel.y.low) / (panel.x.high - panel.x.low);
  if (!(ratio >= 0.4 && ratio <= 2.5)) return [1, 1];
  return ratio < 1 ? [1, ratio] : [1 / ratio, 1];
}

// From -1 to 1 along an axis.
const unit = (value, axis) => 2 * (value - axis.low) / (axis.high - axis.low) - 1;

// Where the viewer is: unit vectors to the right, upwards and towards them.
function cameraOf({azimuth, elevation}) {
  const a = azimuth * Math.PI / 180, e = elevation * Math.PI / 180;
  const [sa, ca, se, ce] = [Math.sin(a), Math.cos(a), Math.sin(e), Math.cos(e)];
  return {right: [-sa, ca, 0], up: [-se * ca, -se * sa, ce], toward: [ce * ca, ce * sa, se], ground: [ca, sa]};
}

// A parallel projection into a rectangle of the canvas, in CSS pixels.
function projection(view, rect) {
  const camera = cameraOf(view);
  const scale = view.zoom * Math.max(20, Math.min((rect.width / 2 - 52) / 1.42, (rect.height - 64) / 3.0));
  const middle = [rect.left + rect.width / 2, rect.top + rect.height / 2];
  const along = (axis, p) => axis[0] * p[0] + axis[1] * p[1] + axis[2] * (p[2] - MIDDLE);
  const at = (p) => [middle[0] + scale * along(camera.right, p), middle[1] - scale * along(camera.up, p)];
  const depth = (p) => along(camera.toward, p);
  const [sx, sy, sz] = [2 * scale / rect.width, 2 * scale / rect.height, -0.2];
  const {right: r, up: u, toward: t} = camera;
  const matrix = [0, 1, 2].flatMap((k) => [sx * r[k], sy * u[k], sz * t[k], 0]);
  matrix.push(-sx * r[2] * MIDDLE, -sy * u[2] * MIDDLE, -sz * t[2] * MIDDLE, 1);
  return {at, depth, matrix, camera};
}

// The nodes of a panel as they stand in the box; those without a finite value are null.
function nodesOf(panel, share) {
  const {x, y, values} = panel.grid, [sx, sy] = shapeOf(panel), nodes = [];
  for (let j = 0; j < y.length; j++) {
    for (let i = 0; i < x.length; i++) {
      const t = share(values[j * x.length + i]);
      const height = LIFT + RELIEF * Math.min(Math.max(t, 0), 1);
      nodes.push(Number.isFinite(t) ? [sx * unit(x[i], panel.x), sy * unit(y[j], panel.y), height, t] : null);
    }
  }
  return nodes;
}

// Pieces of contour lines by marching squares, linear in the share of the colour scale: [[x, y], [x, y], level], in values of the axes.
function isolines(panel, share, levels) {
  const {x, y, values} = panel.grid, w = x.length, pieces = [];
  const tones = Array.from(values, share), at = levels.map((level) => share(level));
  for (let j = 0; j + 1 < y.length; j++) {
    for (let i = 0; i + 1 < w; i++) {
      const ring = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]];
      const t = ring.map(([a, b]) => tones[b * w + a]);
      if (!t.every(Number.isFinite)) continue;
      const low = Math.min(...t), high = Math.max(...t);
      at.forEach((level, k) => {
        if (level < low || level > high) return;
        const cuts = [];
        for (let e = 0; e < 4; e++) {
          const f = (e + 1) % 4, [p, q] = [ring[e], ring[f]];
          if ((t[e] >= level) === (t[f] >= level)) continue;
          const part = (level - t[e]) / (t[f] - t[e]);
          cuts.push([x[p[0]] + part * (x[q[0]] - x[p[0]]), y[p[1]] + part * (y[q[1]] - y[p[1]])]);
        }
        for (let e = 0; e + 1 < cuts.length; e += 2) pieces.push([cuts[e], cuts[e + 1], levels[k]]);
      });
    }
  }
  return pieces;
}

// The share of the colour scale at any place of a panel, bilinear; NaN beside the grid and beside holes.
function heightAt(panel, share, px, py) {
  const {x, y, values} = panel.grid;
  const cell = (axis, v) => {
    if (!(v >= axis[0] && v <= axis[axis.length - 1])) return -1;
    let k = 0;
    while (k + 2 < axis.length && axis[k + 1] < v) k++;
    return k;
  };
  const i = cell(x, px), j = cell(y, py);
  if (i < 0 || j < 0 || x.length < 2 || y.length < 2) return NaN;
  const [a, b] = [(px - x[i]) / (x[i + 1] - x[i]), (py - y[j]) / (y[j + 1] - y[j])];
  const t = (di, dj) => share(values[(j + dj) * x.length + i + di]);
  return (t(0, 0) * (1 - a) + t(1, 0) * a) * (1 - b) + (t(0, 1) * (1 - a) + t(1, 1) * a) * b;
}

// A surface's vertices (place, normal, share), its triangles, its mesh, floor contours and paths.
function meshOf(panel, nodes, share, colorAt, levels) {
  const {x, y} = panel.grid, [w, h] = [x.length, y.length], [sx, sy] = shapeOf(panel);
  const vertices = new Float32Array(7 * w * h), triangles = [], mesh = [], floor = [];
  const slope = (a, b, axis) => a && b && a !== b ? (b[2] - a[2]) / (b[axis] - a[axis]) : 0;
  nodes.forEach((node, k) => {
    if (!node) return;
    const [i, j] = [k % w, Math.floor(k / w)];
    const here = (di, dj) => nodes[Math.min(Math.max(j + dj, 0), h - 1) * w + Math.min(Math.max(i + di, 0), w - 1)] || node;
    const [gx, gy] = [slope(here(-1, 0), here(1, 0), 0), slope(here(0, -1), here(0, 1), 1)];
    const length = Math.hypot(gx, gy, 1);
    vertices.set([node[0], node[1], node[2], -gx / length, -gy / length, 1 / length, node[3]], 7 * k);
  });
  const whole = (...all) => all.every((k) => nodes[k]);
  const line = (into, p, q, ink) => into.push(...p.slice(0, 3), ...ink, ...q.slice(0, 3), ...ink);
  const steps = (n) => Math.max(1, Math.ceil(n / MESH));
  for (let j = 0; j < h; j++) {
    for (let i = 0; i < w; i++) {
      const k = j * w + i;
      if (i + 1 < w && j + 1 < h && whole(k, k + 1, k + w, k + w + 1)) {
        triangles.push(k, k + 1, k + w + 1, k, k + w + 1, k + w);
      }
      const ink = [0, 0, 0, 0.35];
      if (i + 1 < w && (j % steps(h) === 0 || j + 1 === h) && whole(k, k + 1)) line(mesh, nodes[k], nodes[k + 1], ink);
      if (j + 1 < h && (i % steps(w) === 0 || i + 1 === w) && whole(k, k + w)) line(mesh, nodes[k], nodes[k + w], ink);
    }
  }
  const ground = ([px, py]) => [sx * unit(px, panel.x), sy * unit(py, panel.y), 0.002];
  for (const [from, to, level] of isolines(panel, share, levels)) {
    line(floor, ground(from), ground(to), [...colorAt(share(level)).map((c) => c / 255), 1]);
  }
  const shadow = [], rim = [], trail = [], dotRim = [], dots = [];
  for (const series of panel.series) {
    const color = series.color.map((c) => c / 255), dark = [0.05, 0.05, 0.05, 1];
    series.x.forEach((px, k) => {
      const to = [px, series.y[k]], from = k ? [series.x[k - 1], series.y[k - 1]] : to;
      const many = series.lined && k ? 24 : 1;
      for (let s = 1; s <= many; s++) {
        const p = [0, 1].map((c) => from[c] + (to[c] - from[c]) * s / many);
        const t = heightAt(panel, share, p[0], p[1]);
        if (!Number.isFinite(t)) continue;
        const [gx, gy] = ground(p), z = LIFT + RELIEF * Math.min(Math.max(t, 0), 1) + 0.012;
        shadow.push(gx, gy, 0.004, 0.5, 0.5, 0.5, 0.9);
        rim.push(gx, gy, z, ...dark);
        trail.push(gx, gy, z + 0.004, ...color, 1);
        if (s < many) continue;
        dotRim.push(gx, gy, z + 0.008, ...dark);
        dots.push(gx, gy, z + 0.012, ...color, 1);
      }
    });
  }
  const floats = (all) => new Float32Array(all);
  const lines = {mesh, floor, shadow, rim, trail, dotRim, dots};
  for (const name in lines) lines[name] = floats(lines[name]);
  return {vertices, triangles: new Uint32Array(triangles), ...lines};
}

// What draws surfaces on a canvas, or null where there is no WebGL 2.
function sceneOn(canvas) {
  const gl = canvas.getContext("webgl2", {antialias: true, alpha: true, preserveDrawingBuffer: true});
  if (!gl) return null;
  const program = (vertex, fragment, names) => {
    const made = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(made, shader);
    }
    names.forEach((name, k) => gl.bindAttribLocation(made, k, name));
    gl.linkProgram(made);
    return made;
  };
  let surface, plain, texture, kept;
  const begin = () => {
    surface = program(SURFACE, SHADED, ["place", "normal", "share"]);
    plain = program(LINES, PLAIN, ["place", "ink"]);
    texture = gl.createTexture();
    kept = new Map();
  };
  begin();
  const buffer = (target, numbers) => {
    const made = gl.createBuffer();
    gl.bindBuffer(target, made);
    gl.bufferData(target, numbers, gl.STATIC_DRAW);
    return made;
  };
  const attributes = (...sizes) => {
    const stride = 4 * sizes.reduce((a, b) => a + b);
    let from = 0;
    for (let k = 0; k < 3; k++) {
      if (k >= sizes.length) { gl.disableVertexAttribArray(k); continue; }
      gl.enableVertexAttribArray(k);
      gl.vertexAttribPointer(k, sizes[k], gl.FLOAT, false, stride, 4 * from);
      from += sizes[k];
    }
  };
  const uploaded = (mesh) => {
    if (!kept.has(mesh)) {
      const all = {triangles: buffer(gl.ELEMENT_ARRAY_BUFFER, mesh.triangles)};
      for (const name in mesh) if (name !== "triangles") all[name] = buffer(gl.ARRAY_BUFFER, mesh[name]);
      kept.set(mesh, all);
    }
    return kept.get(mesh);
  };
  // Lines or dots of 7 numbers a vertex.
  const strokes = (how, own, numbers, size) => {
    gl.bindBuffer(gl.ARRAY_BUFFER, own);
    attributes(3, 4);
    gl.uniform1f(gl.getUniformLocation(plain, "dot_size"), size);
    gl.drawArrays(how, 0, numbers.length / 7);
  };
  const clear = (ratio, colors) => {
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.disable(gl.SCISSOR_TEST);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, colors);
    for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
    for (const size of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, size, gl.LINEAR);
  };
  // One surface in a rectangle (CSS pixels) with the lines of its box.
  const draw = (mesh, {matrix, camera}, rect, ratio, box) => {
    const own = uploaded(mesh);
    gl.viewport(rect.left * ratio, canvas.height - (rect.top + rect.height) * ratio, rect.width * ratio, rect.height * ratio);
    gl.enable(gl.DEPTH_TEST);
    gl.disable(gl.BLEND);
    gl.useProgram(surface);
    gl.uniformMatrix4fv(gl.getUniformLocation(surface, "camera"), false, matrix);
    // Light stands above, behind the viewer's left shoulder.
    const [gx, gy] = camera.ground, light = [0.35 * gx - 0.5 * camera.right[0], 0.35 * gy - 0.5 * camera.right[1], 0.75];
    gl.uniform3fv(gl.getUniformLocation(surface, "light"), light.map((c) => c / Math.hypot(...light)));
    gl.bindBuffer(gl.ARRAY_BUFFER, own.vertices);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, own.triangles);
    attributes(3, 3, 1);
    gl.enable(gl.POLYGON_OFFSET_FILL);
    gl.polygonOffset(1, 1);
    gl.drawElements(gl.TRIANGLES, mesh.triangles.length, gl.UNSIGNED_INT, 0);
    gl.disable(gl.POLYGON_OFFSET_FILL);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.useProgram(plain);
    gl.uniformMatrix4fv(gl.getUniformLocation(plain, "camera"), false, matrix);
    const lines = new Float32Array(box), once = buffer(gl.ARRAY_BUFFER, lines);
    strokes(gl.LINES, once, lines, 1);
    gl.deleteBuffer(once);
    strokes(gl.LINES, own.floor, mesh.floor, 1);
    strokes(gl.LINES, own.mesh, mesh.mesh, 1);
    // A path is a row of dots, each with a dark one below that shows it on every colour.
    for (const [name, size] of [["shadow", 1.5], ["rim", 4], ["trail", 2.5], ["dotRim", 6.5], ["dots", 4.5]]) {
      strokes(gl.POINTS, own[name], mesh[name], size * ratio);
    }
  };
  return {clear, draw, begin};
}
