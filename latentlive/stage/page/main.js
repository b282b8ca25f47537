// One page that shows a performance. Keys: t the theme, c the colours of the map, f the whole
// screen, space silences what is auditioned.

import { Clock } from "./clock.js";
import { Knobs, padsOf } from "./knobs.js";
import { Levels } from "./levels.js";
import { Link } from "./link.js";
import { SoundMap } from "./map.js";
import { Panels } from "./panels.js";
import { Hand } from "./pointing.js";

const PANELS = ["map", "layers", "plan", "code"];

const root = document.documentElement;
const bright = window.matchMedia("(prefers-color-scheme: light)");
const clock = new Clock();
const levels = new Levels();
const panels = new Panels();
const map = new SoundMap(document.querySelector("#map canvas"));
const asked = new URLSearchParams(location.search);
let chosen = asked.get("theme") ?? "";
let chart = "";
let shown = "";

const link = new Link({
  changed(state, changed, now) {
    clock.take(state, now);
    levels.take(state, now);
    if (changed.show || shown === "") arrange(state.show ?? {});
    panels.take(state, clock.heard(now));
    map.pads = padsOf(state.knobs);
    knobs.show(state.knobs, link.points);
    if (state.chart && state.chart !== chart) read(state.chart);
    document.body.classList.toggle("points", link.points);
  },
  told(line) {
    panels.tell(line, true);
  },
});
const knobs = new Knobs(link);
new Hand(map, link, (line) => panels.tell(line));

/** Read the map, when there is another one. */
async function read(digest) {
  chart = digest;
  const token = asked.get("token");
  const query = token === null ? "" : `?token=${encodeURIComponent(token)}`;
  try {
    map.take(await (await fetch(`/map.json${query}`)).json());
    legend();
  } catch {
    chart = ""; // with the next state
  }
}

function legend() {
  const name = map.chart ? `${map.chart.corpus}: ${map.chart.count} sounds, coloured by ${map.by}` : "";
  document.querySelector("#legend").textContent = name;
}

/** Arrange the panels that the performer chose. */
function arrange(show) {
  shown = JSON.stringify(show);
  const wanted = show.panels ?? PANELS;
  panels.wanted = wanted;
  const side = document.querySelector("#side");
  const last = document.querySelector("#knobs");
  for (const name of wanted) {
    if (name !== "map") side.insertBefore(document.querySelector(`#${name}`), last);
  }
  for (const name of PANELS) {
    document.querySelector(`#${name}`).classList.toggle("off", !wanted.includes(name));
  }
  document.body.classList.toggle("nomap", !wanted.includes("map"));
  document.body.classList.toggle("noside", wanted.every((name) => name === "map"));
  root.style.setProperty("--size", show.size ?? 1);
  dress(chosen || show.theme);
}

function dress(theme) {
  const next = theme || (bright.matches ? "light" : "dark");
  if (root.dataset.theme !== next) root.dataset.theme = next;
  map.resize();
}

bright.addEventListener("change", () => dress(chosen || link.state.show?.theme));

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === "t") dress((chosen = root.dataset.theme === "dark" ? "light" : "dark"));
  else if (event.key === "c") {
    map.next();
    legend();
  } else if (event.key === "f") {
    if (document.fullscreenElement) document.exitFullscreen();
    else root.requestFullscreen().catch(() => {});
  } else if (event.key === " ") link.ask({ do: "quiet" });
});

/** What a test, or a curious performer, may look at. */
window.stage = {
  frames: 0,
  map,
  clock,
  get state() { return link.state; },
  get points() { return link.points; },
  get received() { return link.received; },
};

function frame(now) {
  window.stage.frames++;
  const state = link.state;
  const moment = now - 1000 * (clock.clock.latency + clock.offset);
  const loud = (name) => levels.at(name, moment);
  panels.draw(state, clock, now, loud);
  if (!document.body.classList.contains("nomap")) map.draw(state, clock.heard(now), clock.rate, loud);
  requestAnimationFrame(frame);
}
requestAnimationFrame(frame);
