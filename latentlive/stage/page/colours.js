// Colours of layers, groups and descriptors, for both themes.

const HUES = [200, 45, 130, 330, 265, 20, 170, 300, 95, 230, 0, 65, 285, 150, 350, 110];

/** The number of a layer's colour: d1 to d16 have their own. */
function numberOf(name) {
  const own = /^d(\d+)$/.exec(name);
  if (own) return Number(own[1]) - 1;
  let sum = 7;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 4096;
  return sum;
}

export function layerColour(name, light, alpha = 1) {
  const number = numberOf(name);
  const hue = HUES[number % HUES.length];
  return light ? `hsl(${hue} 85% 28% / ${alpha})` : `hsl(${hue} 90% 72% / ${alpha})`;
}

/** The colour of a group of the map: groups side by side have hues side by side. */
function groupColour(group, side, light) {
  const x = (group % side) / Math.max(side - 1, 1), y = Math.floor(group / side) / Math.max(side - 1, 1);
  const hue = (Math.atan2(y - 0.5, x - 0.5) * 180) / Math.PI + 360;
  const far = Math.min(1, Math.hypot(x - 0.5, y - 0.5) * 1.6);
  return light
    ? `hsl(${hue} ${30 + 45 * far}% 45%)`
    : `hsl(${hue} ${25 + 50 * far}% 58%)`;
}

/** From blue over green to yellow, in equal steps of lightness. */
function rankColour(rank, light) {
  const part = rank / 255;
  const hue = 265 - 205 * part;
  const lightness = light ? 62 - 32 * part : 34 + 42 * part;
  return `hsl(${hue} 65% ${lightness}%)`;
}

/** The colour of each sound of a map. */
export function soundColours(chart, by, light) {
  if (by === "group") return chart.group.map((group) => groupColour(group, chart.side, light));
  return chart.by[by].map((rank) => rankColour(rank, light));
}

const known = new Map();

/** A colour of the theme, or its letters. */
export function themed(name) {
  const theme = document.documentElement.dataset.theme;
  const key = `${theme} ${name}`;
  if (!known.has(key)) {
    known.set(key, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
  }
  return known.get(key);
}
