// How loud each layer is when it is heard: what the engine told, that much later.

const KEPT = 3000; // milliseconds
const FLOOR = -120; // decibels of silence

export class Levels {
  constructor() {
    this.told = [];
  }

  take(state, now) {
    this.told.push([now, state.layers ?? {}]);
    while (this.told.length > 2 && this.told[0][0] < now - KEPT) this.told.shift();
  }

  /** The level of a layer [dB] at a moment of this page's clock. */
  at(name, moment) {
    let next = this.told.length - 1;
    while (next > 0 && this.told[next - 1][0] > moment) next--;
    const after = this.told[next], before = this.told[Math.max(next - 1, 0)];
    if (!after) return FLOOR;
    const low = before[1][name]?.level ?? FLOOR, high = after[1][name]?.level ?? FLOOR;
    const part = (moment - before[0]) / Math.max(after[0] - before[0], 1);
    return low + (high - low) * Math.min(1, Math.max(0, part));
  }
}
