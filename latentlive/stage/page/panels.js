// The panels of words: the bar above, layers, plan, code, and the line below.

import { timeText } from "./clock.js";
import { layerColour, themed } from "./colours.js";
import { write } from "./python.js";

const FLOOR = -48; // decibels of an empty meter
const AHEAD = 2; // seconds rendered ahead that fill a bar
const STAYS = 15000; // milliseconds of a line
const SPECTRUM_EVERY = 100; // milliseconds
const COLUMNS = 300; // spectra that are shown: half a minute
const FAINTEST = -78; // decibels of a band that is not seen
const LATER = 2; // cells to come that are shown

const $ = (selector) => document.querySelector(selector);

/** Set what an element says, if it says something else. */
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function made(kind, name, ...children) {
  const element = document.createElement(kind);
  element.className = name;
  element.append(...children);
  return element;
}

/** Keep one element for each key, in order. */
class Rows {
  constructor(list, make) {
    Object.assign(this, { list, make, rows: new Map() });
  }

  show(entries, fill) {
    const known = new Set(entries.map(([key]) => key));
    for (const [key, row] of this.rows) {
      if (!known.has(key)) {
        row.remove();
        this.rows.delete(key);
      }
    }
    let before = null;
    for (const [key, value] of entries) {
      let row = this.rows.get(key);
      if (!row) this.rows.set(key, (row = this.make(key, value)));
      const place = before ? before.nextSibling : this.list.firstChild;
      if (place !== row) this.list.insertBefore(row, place);
      fill(row, value, key);
      before = row;
    }
  }
}

/** What is said below a layer, with what its curves are now. */
function values(state, name, seconds, said) {
  const curves = state.ways?.[name]?.[Math.floor(seconds)]?.curves ?? {};
  const told = Object.entries(curves).map(([code, all]) => {
    const moment = (seconds % 1) * all.length, low = Math.min(Math.floor(moment), all.length - 1);
    const high = Math.min(low + 1, all.length - 1);
    const value = all[low] + (all[high] - all[low]) * (moment - low);
    return `${code} = ${value.toFixed(2)}`;
  });
  return [said, ...told].filter(Boolean).join(" · ");
}

function bar(name) {
  return made("div", name, made("i", ""));
}

export class Panels {
  constructor() {
    this.layers = new Rows($("#layers ol"), (name) => {
      const bars = made("div", "bars", bar("level"), bar("ready"));
      const parts = [made("span", "name", name), made("span", "state"), bars];
      return made("li", "", ...parts, made("span", "code"), made("span", "more"));
    });
    this.plan = new Rows($("#plan ol"), () => {
      const bars = made("div", "bars", bar("ready"));
      return made("li", "", made("span", "name"), made("span", "when"), bars);
    });
    this.cells = new Rows($("#code ol"), (key, cell) => {
      const row = document.createElement("li");
      if (cell.name) row.append(made("span", "cell", cell.name));
      write(row, cell.code);
      if (cell.error) row.append(made("span", "error", cell.error));
      return row;
    });
    this.dots = [...document.querySelectorAll("#beat i")];
    this.lines = new Set();
    this.line = { text: "", until: 0, bad: false };
    this.landed = "";
    this.spectra = [];
    this.pictured = 0;
    new ResizeObserver(() => this.scroll()).observe($("#code ol"));
  }

  /** Show a line for a while. */
  tell(text, bad = false, stays = STAYS) {
    if (text) this.line = { text, bad, until: performance.now() + stays };
  }

  /** Show a state, as it came. */
  take(state, heard) {
    this.takeLayers(state);
    this.takeCells(state, heard);
    this.takeEngine(state);
    for (const [number, line] of Object.entries(state.lines ?? {})) {
      if (!this.lines.has(number)) this.tell(line, / cannot |failed|fault|died|hung|gone|late|refused/.test(line));
      this.lines.add(number);
    }
    if (this.lines.size > 1000) this.lines = new Set(Object.keys(state.lines ?? {}));
    if (state.ended) this.tell(state.ended, true, Infinity);
  }

  takeEngine(state) {
    const engine = state.engine;
    if (!engine) return;
    const parts = [];
    if (state.hangs) parts.push(["bad", "the engine does not answer"]);
    if (!engine.ready) parts.push(["", "warming up"]);
    if (engine.replaying) parts.push(["", "replay"]);
    if (engine.recording) parts.push(["", "recording"]);
    parts.push([engine.load >= 0.8 ? "bad" : "", `load ${Math.round(100 * engine.load)}%`]);
    if (engine.dropouts) parts.push(["bad", `dropouts ${engine.dropouts}`]);
    parts.push(["", state.space]);
    const text = parts.map(([kind, word]) => kind + word).join("  ");
    if (text === this.engine) return;
    this.engine = text;
    $("#told").replaceChildren(...parts.map(([kind, word]) => made("span", kind, word)));
  }

  takeLayers(state) {
    const light = document.documentElement.dataset.theme === "light";
    const entries = Object.entries(state.layers ?? {}).sort((a, b) => a[1].number - b[1].number);
    $("#layers").className = entries.length > 9 ? "many" : entries.length > 3 ? "" : "few";
    if (this.wanted && !this.wanted.includes("layers")) $("#layers").classList.add("off");
    this.layers.show(entries, (row, layer, name) => {
      const [title, mood, bars, code, more] = row.children;
      const shown = layer.muted ? "muted" : layer.late ? "late" : layer.state;
      row.className = layer.late || layer.error ? `bad ${shown}` : shown;
      title.style.color = layerColour(name, light);
      say(mood, shown);
      bars.children[1].firstChild.style.width = `${Math.min(100, (100 * layer.ready) / AHEAD)}%`;
      if (code.title !== layer.code) {
        code.title = layer.code;
        code.replaceChildren();
        write(code, layer.code);
      }
      more.said = layer.error || [layer.effects, layer.lead ? `lead ${layer.lead} s` : ""].filter(Boolean).join(" · ");
      more.className = layer.error ? "more error" : "more";
    });
  }

  /** Mark the cell that landed last; show what comes next, and what was before. */
  takeCells(state, heard) {
    const cells = Object.entries(state.cells ?? {}).sort((a, b) => a[0] - b[0]);
    const landed = cells.filter(([, cell]) => !cell.error && cell.sample <= heard);
    const last = landed.length ? landed.reduce((a, b) => (b[1].sample >= a[1].sample ? b : a))[0] : "";
    const later = cells.filter(([, cell]) => cell.sample > heard && !cell.error).slice(0, LATER);
    const shown = cells.filter(([key, cell]) => cell.sample <= heard || cell.error || later.some(([one]) => one === key));
    this.cells.show(shown, (row, cell, key) => {
      const kind = cell.error ? "refused" : key === last ? "landed" : cell.sample > heard ? "later" : "";
      if (row.className !== kind) row.className = kind;
    });
    if (last !== this.landed || this.shown !== shown.length) {
      this.landed = last;
      this.shown = shown.length;
      this.scroll();
    }
  }

  /** Bring the landed cell into view, with what comes next below it. */
  scroll() {
    const list = $("#code ol");
    const row = this.cells.rows.get(this.landed) ?? list.lastChild;
    if (!row) return;
    const next = row.nextSibling, below = next ? Math.min(next.offsetHeight, list.clientHeight / 3) : 0;
    const bottom = row.offsetTop - list.offsetTop + row.offsetHeight + below;
    const top = row.offsetTop - list.offsetTop;
    list.scrollTop = Math.max(0, Math.min(bottom - list.clientHeight + 20, top));
  }

  /** Show what moves all the time. */
  draw(state, clock, now, loud) {
    const heard = clock.heard(now), beat = clock.beat(now);
    say($("#time"), timeText(heard / clock.rate));
    say($("#beats"), String(Math.floor(beat)));
    const four = state.clock?.running ? Math.floor(beat) % 4 : -1;
    this.dots.forEach((dot, at) => dot.classList.toggle("on", at === four && beat % 1 < 0.6));
    say($("#tempo"), `${Math.round(10 * clock.clock.bpm) / 10} bpm`);
    if (now - (this.valued ?? 0) > 66) {
      this.valued = now;
      for (const [name, row] of this.layers.rows) {
        const more = row.children[4];
        say(more, more.className.includes("error") ? more.said : values(state, name, heard / clock.rate, more.said));
      }
    }
    for (const [name, row] of this.layers.rows) {
      const level = Math.min(1, Math.max(0, 1 - loud(name) / FLOOR));
      row.children[2].firstChild.firstChild.style.width = `${(100 * level).toFixed(1)}%`;
    }
    this.drawMaster(state.engine, now);
    this.drawPlan(state, beat, heard / clock.rate, clock);
    const line = $("#line"), shown = this.line.until > now;
    say(line, shown ? this.line.text : "");
    line.className = shown && this.line.bad ? "bad" : "";
  }

  drawPlan(state, beat, seconds, clock) {
    const rows = (state.plan ?? []).map((row, at) => [`${row.name} ${at}`, row]);
    $("#plan").classList.toggle("off", !rows.length || this.wanted?.includes("plan") === false);
    this.plan.show(rows, (element, row) => {
      const [name, when, bars] = element.children;
      say(name, row.name);
      const layers = row.layers.length ? `   ${row.layers.join(" ")}` : "";
      let moment = row.when === "go" ? "waits for go" : row.when;
      if (row.beat !== undefined) {
        const left = Math.max(0, row.beat - beat);
        moment = `in ${left.toFixed(left < 10 ? 1 : 0)} beats`;
      } else if (row.sample !== undefined) {
        moment = `in ${Math.max(0, row.sample / clock.rate - seconds).toFixed(1)} s`;
      }
      say(when, moment + layers);
      bars.firstChild.firstChild.style.width = `${Math.min(100, (100 * row.ready) / AHEAD)}%`;
    });
  }

  /** The spectrum of what was heard in the last half minute, the newest at the right; above it
      a mark where the master came near its ceiling. */
  drawMaster(engine, now) {
    if (!engine || now - this.pictured < SPECTRUM_EVERY) return;
    this.pictured = now;
    const canvas = $("#master"), pen = canvas.getContext("2d");
    const dense = window.devicePixelRatio || 1, theme = document.documentElement.dataset.theme;
    const wide = Math.round(canvas.clientWidth * dense), high = Math.round(canvas.clientHeight * dense);
    const again = canvas.width !== wide || canvas.height !== high || this.worn !== theme;
    if (again) {
      [canvas.width, canvas.height, this.worn] = [wide, high, theme];
      pen.fillStyle = themed("panel");
      pen.fillRect(0, 0, wide, high);
    }
    this.spectra.push([engine.bands ?? [], engine.meter]);
    if (this.spectra.length > COLUMNS) this.spectra.shift();
    const step = Math.max(1, Math.round(wide / COLUMNS));
    if (again) this.spectra.forEach((one, at) => this.drawSpectrum(pen, one, wide - (this.spectra.length - at) * step, step, high));
    else {
      pen.drawImage(canvas, -step, 0);
      this.drawSpectrum(pen, this.spectra.at(-1), wide - step, step, high);
    }
  }

  drawSpectrum(pen, [bands, meter], x, step, high) {
    pen.fillStyle = themed("panel");
    pen.fillRect(x, 0, step, high);
    const tall = high / Math.max(bands.length, 1), light = this.worn === "light";
    bands.forEach((level, at) => {
      const loud = Math.min(1, Math.max(0, 1 - (level + 12) / (FAINTEST + 12))) ** 1.5;
      if (!loud) return;
      const shade = light ? 90 - 66 * loud : 12 + 72 * loud;
      pen.fillStyle = `hsl(205 ${80 - 30 * loud}% ${shade}%)`;
      pen.fillRect(x, Math.floor(high - (at + 1) * tall), step, Math.ceil(tall));
    });
    if (meter > -1) {
      pen.fillStyle = themed("bad");
      pen.fillRect(x, 0, step, Math.max(2, high / 12));
    }
  }
}
