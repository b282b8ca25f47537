// The hand on the map: hover names, click auditions, shift-click inserts, drag moves the pad,
// shift-drag is a lasso.

const STILL = 5; // pixels that a click may move
const PAUSE = 25; // milliseconds between two places of the pad
const MOST = 64; // sounds that are inserted at a time

export class Hand {
  /**
   * @param {import("./map.js").SoundMap} map
   * @param {import("./link.js").Link} link
   * @param {function(string): void} tell
   */
  constructor(map, link, tell) {
    Object.assign(this, { map, link, tell, down: null, sent: 0, timer: 0 });
    const canvas = map.canvas;
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointerup", (event) => this.release(event));
    canvas.addEventListener("pointercancel", () => this.drop());
    canvas.addEventListener("pointerleave", () => { if (!this.down) map.pointed = null; });
  }

  at(event) {
    const box = this.map.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  press(event) {
    if (event.button !== 0) return;
    this.map.canvas.setPointerCapture(event.pointerId);
    this.down = { from: this.at(event), moved: false, lasso: event.shiftKey };
  }

  move(event) {
    const [x, y] = this.at(event);
    if (!this.down) {
      this.map.pointed = this.map.nearest(x, y);
      return;
    }
    const [fromX, fromY] = this.down.from;
    if (!this.down.moved && Math.hypot(x - fromX, y - fromY) < STILL) return;
    if (!this.link.points) return;
    if (!this.down.moved) {
      this.down.moved = true;
      if (this.down.lasso) this.map.lasso = [this.down.from];
    }
    if (this.down.lasso) this.map.lasso.push([x, y]);
    else this.movePad(x, y);
  }

  release(event) {
    const down = this.down, [x, y] = this.at(event);
    if (!down) return;
    this.down = null;
    setTimeout(() => { if (!this.down) this.map.pad = null; }, 500); // the engine tells where it is
    if (down.moved && down.lasso) this.insertInside();
    else if (!down.moved) this.click(this.map.nearest(x, y), event.shiftKey);
  }

  drop() {
    this.down = null;
    this.map.lasso = [];
  }

  click(at, insert) {
    if (at === null) {
      this.link.ask({ do: "quiet" });
      return;
    }
    const row = this.map.chart.rows[at];
    this.map.pointed = at;
    this.link.ask(insert ? { do: "insert", rows: [row] } : { do: "audition", row });
  }

  insertInside() {
    const rows = this.map.inside(this.map.lasso);
    this.map.lasso = [];
    if (!rows.length) return;
    if (rows.length > MOST) this.tell(`${rows.length} sounds; the first ${MOST} are inserted`);
    this.link.ask({ do: "insert", rows: rows.slice(0, MOST), list: true });
  }

  /** Move the pad; the last place of a quick move is always sent. */
  movePad(x, y) {
    this.map.pad = this.map.place(x, y);
    const wait = PAUSE - (performance.now() - this.sent);
    if (this.timer) return;
    this.timer = setTimeout(() => {
      this.timer = 0;
      this.sent = performance.now();
      const [px, py] = this.map.pad;
      this.link.ask({ do: "pad", name: "pad", x: px, y: py });
    }, Math.max(0, wait));
  }
}
