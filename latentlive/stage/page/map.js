// The map: sounds as dots, what is heard lit up, and the way of each layer.

import { layerColour, soundColours, themed } from "./colours.js";

const PAST = 9, FUTURE = 2.2; // seconds of a way that are drawn
const AGES = 10; // steps in which a way fades
const NAMES = 7; // lit sounds that are named
const NEAR = 16; // pixels to a sound that is pointed at
const LOUD = 42; // decibels from silence to full light

export class SoundMap {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.ground = document.createElement("canvas");
    this.chart = null;
    this.by = "group";
    this.pointed = null; // a row of the drawn sounds
    this.lasso = [];
    this.pads = new Map(); // what knobs tell
    this.pad = null; // where the hand is that moves one
    this.lights = new Map();
    new ResizeObserver(() => this.resize()).observe(canvas);
  }

  /** Take a map; its sounds are drawn once. */
  take(chart) {
    this.chart = chart.rows ? chart : null;
    this.why = chart.why ?? "";
    this.index = new Map((chart.rows ?? []).map((row, at) => [String(row), at]));
    this.resize();
  }

  get light() {
    return document.documentElement.dataset.theme === "light";
  }

  resize() {
    const dense = Math.min(window.devicePixelRatio || 1, 2);
    const box = this.canvas.getBoundingClientRect();
    this.dense = dense;
    this.width = Math.max(1, Math.round(box.width));
    this.height = Math.max(1, Math.round(box.height));
    for (const one of [this.canvas, this.ground]) {
      one.width = this.width * dense;
      one.height = this.height * dense;
    }
    this.margin = Math.max(14, 0.035 * Math.min(this.width, this.height));
    this.letter = Math.max(12, 0.0265 * this.height);
    this.paint();
  }

  /** Where a place of the map is on the canvas: y upwards. */
  x(place) {
    return this.margin + place * (this.width - 2 * this.margin);
  }

  y(place) {
    return this.height - this.margin - place * (this.height - 2 * this.margin);
  }

  /** The place of the map under a point of the canvas. */
  place(x, y) {
    const within = (value) => Math.min(1, Math.max(0, value));
    return [
      within((x - this.margin) / (this.width - 2 * this.margin)),
      within((this.height - this.margin - y) / (this.height - 2 * this.margin)),
    ];
  }

  /** The drawn sound nearest to a point of the canvas, null if none is near. */
  nearest(x, y) {
    let best = NEAR * NEAR, found = null;
    for (let at = 0; at < (this.chart?.rows.length ?? 0); at++) {
      const dx = this.x(this.chart.x[at]) - x, dy = this.y(this.chart.y[at]) - y;
      const apart = dx * dx + dy * dy;
      if (apart < best) [best, found] = [apart, at];
    }
    return found;
  }

  /** The drawn sounds inside an outline of canvas points. */
  inside(outline) {
    const rows = [];
    for (let at = 0; at < (this.chart?.rows.length ?? 0); at++) {
      const x = this.x(this.chart.x[at]), y = this.y(this.chart.y[at]);
      let within = false;
      for (let i = 0, j = outline.length - 1; i < outline.length; j = i++) {
        const [xi, yi] = outline[i], [xj, yj] = outline[j];
        if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) within = !within;
      }
      if (within) rows.push(this.chart.rows[at]);
    }
    return rows;
  }

  get radius() {
    const room = Math.min(this.width, this.height);
    return Math.min(6, Math.max(1.3, (0.17 * room) / Math.sqrt(this.chart.rows.length)));
  }

  /** Draw the sounds themselves, which stay. */
  paint() {
    const pen = this.ground.getContext("2d");
    pen.setTransform(this.dense, 0, 0, this.dense, 0, 0);
    pen.fillStyle = themed("panel");
    pen.fillRect(0, 0, this.width, this.height);
    if (!this.chart) return;
    const colours = soundColours(this.chart, this.by, this.light), radius = this.radius;
    pen.globalAlpha = this.light ? 0.62 : 0.5;
    for (let at = 0; at < colours.length; at++) {
      pen.fillStyle = colours[at];
      pen.beginPath();
      pen.arc(this.x(this.chart.x[at]), this.y(this.chart.y[at]), radius, 0, 2 * Math.PI);
      pen.fill();
    }
    pen.globalAlpha = 1;
  }

  /** Colour the sounds by the next thing that is known of them. */
  next() {
    if (!this.chart) return;
    const all = ["group", ...Object.keys(this.chart.by)];
    this.by = all[(all.indexOf(this.by) + 1) % all.length];
    this.paint();
  }

  /** Draw what is heard at a sample. */
  draw(state, heard, rate, loud) {
    const pen = this.pen;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.drawImage(this.ground, 0, 0);
    pen.setTransform(this.dense, 0, 0, this.dense, 0, 0);
    pen.lineJoin = pen.lineCap = "round";
    if (!this.chart) {
      this.write(this.why, this.margin, this.height / 2, themed("quiet"));
      return;
    }
    const taken = [];
    const layers = this.layers(state, heard, rate, loud);
    this.drawLights(layers);
    for (const layer of layers) this.drawWay(layer);
    for (const layer of layers) this.drawPoint(layer, taken);
    this.nameLights(taken);
    this.drawHand(taken);
  }

  /** The layers that are somewhere on the map, with their levels from 0 to 1. */
  layers(state, heard, rate, loud) {
    const found = [];
    const now = heard / rate;
    for (const [name, seconds] of Object.entries(state.ways ?? {})) {
      const level = Math.min(1, Math.max(0, 1 + loud(name) / LOUD));
      const way = [];
      const from = Math.floor(now - PAST), to = Math.floor(now + FUTURE);
      for (let second = from; second <= to; second++) {
        const known = seconds[second];
        if (!known) {
          way.push(null);
          continue;
        }
        for (let i = 0; i < known.x.length; i++) {
          const at = second + i / known.x.length;
          const there = known.m[i] > 0.03 && at >= now - PAST && at <= now + FUTURE;
          way.push(there ? [at, known.x[i], known.y[i], known.m[i]] : null);
        }
      }
      const second = seconds[Math.floor(now)];
      found.push({ name, level, way, now, second, part: now - Math.floor(now) });
    }
    return found;
  }

  drawLights(layers) {
    this.lights.clear();
    for (const { name, level, second, part } of layers) {
      for (const [row, parts] of Object.entries(second?.lit ?? {})) {
        const at = this.index.get(row);
        if (at === undefined) continue;
        const moment = part * parts.length, low = Math.floor(moment);
        const high = Math.min(low + 1, parts.length - 1);
        const much = parts[low] + (parts[high] - parts[low]) * (moment - low);
        const light = level * much;
        if (light > (this.lights.get(at)?.light ?? 0.02)) this.lights.set(at, { light, name });
      }
    }
    const pen = this.pen, most = 0.06 * this.height;
    pen.globalCompositeOperation = this.light ? "multiply" : "lighter";
    for (const [at, { light, name }] of this.lights) {
      const x = this.x(this.chart.x[at]), y = this.y(this.chart.y[at]);
      const radius = this.radius + most * Math.sqrt(light);
      const glow = pen.createRadialGradient(x, y, 0, x, y, radius);
      glow.addColorStop(0, layerColour(name, this.light, 0.95));
      glow.addColorStop(0.3, layerColour(name, this.light, 0.5));
      glow.addColorStop(1, layerColour(name, this.light, 0));
      pen.fillStyle = glow;
      pen.beginPath();
      pen.arc(x, y, radius, 0, 2 * Math.PI);
      pen.fill();
    }
    pen.globalCompositeOperation = "source-over";
    pen.fillStyle = themed("text");
    for (const [at, { light }] of this.lights) {
      pen.globalAlpha = Math.min(1, 0.3 + 2 * light);
      pen.beginPath();
      pen.arc(this.x(this.chart.x[at]), this.y(this.chart.y[at]), this.radius + 1, 0, 2 * Math.PI);
      pen.fill();
    }
    pen.globalAlpha = 1;
  }

  /** Draw a way in a few strokes: thousands of short ones would take most of a frame. */
  drawWay({ name, level, way, now }) {
    const pen = this.pen;
    const parts = Array.from({ length: AGES + 1 }, () => new Path2D());
    for (let i = 1; i < way.length; i++) {
      const from = way[i - 1], to = way[i];
      if (!from || !to) continue;
      const later = from[0] >= now;
      if (later && i % 2) continue; // dots of what is to come
      const part = parts[later ? AGES : age(now - to[0])];
      part.moveTo(this.x(from[1]), this.y(from[2]));
      part.lineTo(this.x(to[1]), this.y(to[2]));
    }
    parts.forEach((part, at) => {
      const fresh = 1 - at / AGES;
      pen.strokeStyle = layerColour(name, this.light, at === AGES ? 0.55 : 0.15 + 0.75 * fresh);
      pen.lineWidth = at === AGES ? 1.6 : 1 + (1 + 2.5 * level) * fresh;
      pen.stroke(part);
    });
  }

  drawPoint({ name, level, way, now }, taken) {
    let before = null, after = null;
    for (const point of way) {
      if (!point) continue;
      if (point[0] <= now) before = point;
      else if (!after) after = point;
    }
    if (!before || now - before[0] > 0.2) return;
    const part = after && after[0] - before[0] < 0.2 ? (now - before[0]) / (after[0] - before[0]) : 0;
    const mix = (i) => before[i] + part * ((after ?? before)[i] - before[i]);
    const x = this.x(mix(1)), y = this.y(mix(2)), pen = this.pen;
    const radius = 5 + 0.014 * this.height * level;
    pen.fillStyle = layerColour(name, this.light);
    pen.strokeStyle = themed("ground");
    pen.lineWidth = 2;
    pen.beginPath();
    pen.arc(x, y, radius, 0, 2 * Math.PI);
    pen.fill();
    pen.stroke();
    this.label(name, x, y, radius, layerColour(name, this.light), taken, 700);
  }

  nameLights(taken) {
    const loud = [...this.lights].sort((a, b) => b[1].light - a[1].light).slice(0, NAMES);
    for (const [at, { light }] of loud) {
      if (light < 0.05) continue;
      const x = this.x(this.chart.x[at]), y = this.y(this.chart.y[at]);
      this.label(this.chart.names[at], x, y, this.radius + 3, themed("text"), taken, 400);
    }
  }

  /** Draw the hand: what it points at, its outline, the pad. */
  drawHand(taken) {
    const pen = this.pen;
    const pads = new Map(this.pads);
    if (this.pad) pads.set("pad", { x: this.pad[0], y: this.pad[1] });
    for (const [name, pad] of pads) {
      const x = this.x(pad.x), y = this.y(pad.y);
      pen.strokeStyle = themed("coming");
      pen.lineWidth = 1.5;
      pen.setLineDash([3, 5]);
      pen.beginPath();
      pen.moveTo(x, this.margin);
      pen.lineTo(x, this.height - this.margin);
      pen.moveTo(this.margin, y);
      pen.lineTo(this.width - this.margin, y);
      pen.stroke();
      pen.setLineDash([]);
      pen.beginPath();
      pen.arc(x, y, 9, 0, 2 * Math.PI);
      pen.stroke();
      this.label(name, x, y, 9, themed("coming"), taken, 700);
    }
    if (this.lasso.length > 1) {
      pen.strokeStyle = themed("name");
      pen.fillStyle = this.light ? "rgb(0 70 122 / 0.1)" : "rgb(127 212 255 / 0.12)";
      pen.lineWidth = 2;
      pen.beginPath();
      for (const [x, y] of this.lasso) pen.lineTo(x, y);
      pen.closePath();
      pen.fill();
      pen.stroke();
    }
    if (this.pointed !== null && this.pointed < this.chart.rows.length) {
      const x = this.x(this.chart.x[this.pointed]), y = this.y(this.chart.y[this.pointed]);
      pen.strokeStyle = themed("name");
      pen.lineWidth = 2.5;
      pen.beginPath();
      pen.arc(x, y, this.radius + 5, 0, 2 * Math.PI);
      pen.stroke();
      const name = `${this.chart.names[this.pointed]}  ${this.chart.seconds[this.pointed]} s`;
      this.label(name, x, y, this.radius + 5, themed("name"), [], 700);
    }
  }

  /** Write beside a point, where nothing is written yet; leave it out if there is no room. */
  label(text, x, y, radius, colour, taken, weight) {
    const pen = this.pen, high = this.letter * 1.15;
    pen.font = `${weight} ${this.letter}px ${themed("words")}`;
    const wide = pen.measureText(text).width + 6, away = radius + 4;
    const places = [
      [x + away, y - high / 2], [x - away - wide, y - high / 2],
      [x - wide / 2, y - away - high], [x - wide / 2, y + away],
      [x + away, y - high - 4], [x + away, y + 4],
      [x - away - wide, y - high - 4], [x - away - wide, y + 4],
    ];
    for (const [left, top] of places) {
      const box = [left, top, left + wide, top + high];
      const out = box[0] < 2 || box[1] < 2 || box[2] > this.width - 2 || box[3] > this.height - 2;
      if (out || taken.some((other) => crosses(box, other))) continue;
      taken.push(box);
      this.write(text, left + 3, top + high * 0.78, colour);
      return;
    }
  }

  write(text, x, y, colour) {
    const pen = this.pen;
    pen.strokeStyle = themed("panel");
    pen.lineWidth = 4;
    pen.strokeText(text, x, y);
    pen.fillStyle = colour;
    pen.fillText(text, x, y);
  }
}

/** The step in which what was so many seconds ago is drawn. */
function age(seconds) {
  return Math.min(AGES - 1, Math.max(0, Math.floor((seconds / PAST) * AGES)));
}

function crosses(a, b) {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}
