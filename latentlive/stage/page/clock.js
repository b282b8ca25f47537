// What is heard now, in samples: the engine's position, less what the device still holds.

const JUMP = 0.3; // seconds by which a position is another one, not a late message
const FOLLOW = 0.08; // the part of a difference that is made up for with each message

export class Clock {
  constructor() {
    const at = new URLSearchParams(location.search).get("at");
    this.held = at === null || at === "" ? null : Number(at);
    this.rate = 44100;
    this.offset = 0;
    this.ahead = null; // seconds from the browser's clock to the performance's
    this.clock = { position: 0, running: false, beat: 0, bpm: 60, latency: 0 };
  }

  /** Take a state, and when it came [milliseconds]. */
  take(state, now) {
    this.rate = state.rate ?? this.rate;
    this.offset = state.show?.offset ?? 0;
    if (!state.clock) return;
    this.clock = state.clock;
    const ahead = this.clock.position / this.rate - now / 1000;
    if (this.ahead === null || Math.abs(ahead - this.ahead) > JUMP || !this.clock.running) {
      this.ahead = ahead;
    } else {
      this.ahead += FOLLOW * (ahead - this.ahead);
    }
  }

  /** The sample that is heard now. */
  heard(now = performance.now()) {
    if (this.held !== null) return this.held;
    if (this.ahead === null) return 0;
    const seconds = this.clock.running ? this.ahead + now / 1000 : this.clock.position / this.rate;
    return Math.max(0, (seconds - this.clock.latency - this.offset) * this.rate);
  }

  /** The beat that is heard now. */
  beat(now = performance.now()) {
    const since = (this.heard(now) - this.clock.position) / this.rate;
    return Math.max(0, this.clock.beat + (since * this.clock.bpm) / 60);
  }
}

/** A time as 0:00 or 0:00:00. */
export function timeText(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
