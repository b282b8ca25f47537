// The knobs that textures follow, as sliders; those of pads are on the map.

const PAUSE = 25; // milliseconds between two values

const $ = (selector) => document.querySelector(selector);

/** The pads among some knobs: name, x and y. */
export function padsOf(knobs) {
  const pads = new Map();
  for (const [name, value] of Object.entries(knobs ?? {})) {
    const found = /^(.+)\.([xy])$/.exec(name);
    if (!found) continue;
    const pad = pads.get(found[1]) ?? { x: 0.5, y: 0.5 };
    pad[found[2]] = value;
    pads.set(found[1], pad);
  }
  return pads;
}

export class Knobs {
  /** @param {import("./link.js").Link} link */
  constructor(link) {
    this.link = link;
    this.rows = new Map();
    this.held = null; // the name of the one that is being turned
    this.sent = 0;
    this.timer = 0;
  }

  show(knobs, points) {
    const pads = padsOf(knobs);
    const own = Object.entries(knobs ?? {}).filter(([name]) => !pads.has(name.slice(0, -2)));
    $("#knobs").classList.toggle("off", !own.length);
    for (const [name, row] of this.rows) {
      if (!(name in (knobs ?? {}))) {
        row.remove();
        this.rows.delete(name);
      }
    }
    for (const [name, value] of own) {
      const row = this.rows.get(name) ?? this.make(name);
      row.slider.disabled = !points;
      if (this.held !== name) row.slider.value = String(value);
      row.value.textContent = Number(row.slider.value).toFixed(2);
    }
  }

  make(name) {
    const row = document.createElement("label");
    const title = document.createElement("span");
    title.textContent = name;
    row.slider = document.createElement("input");
    Object.assign(row.slider, { type: "range", min: "0", max: "1", step: "0.001" });
    row.value = document.createElement("b");
    row.append(title, row.slider, row.value);
    row.slider.addEventListener("input", () => this.turn(name, row.slider));
    row.slider.addEventListener("change", () => { this.held = null; });
    $("#knobs").append(row);
    this.rows.set(name, row);
    return row;
  }

  /** Turn a knob; the last value of a quick turn is always sent. */
  turn(name, slider) {
    this.held = name;
    if (this.timer) return;
    const wait = Math.max(0, PAUSE - (performance.now() - this.sent));
    this.timer = setTimeout(() => {
      this.timer = 0;
      this.sent = performance.now();
      this.link.ask({ do: "turn", name, value: Number(slider.value) });
    }, wait);
  }
}
