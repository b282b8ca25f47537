// The socket: one whole state, then what changes. A page that was asleep gets all of it anew.

const FIRST_PAUSE = 300, LONGEST_PAUSE = 5000; // milliseconds

/** Merge a patch into a state (RFC 7396): null takes a key away. */
export function merge(state, patch) {
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) {
      delete state[key];
    } else if (isObject(value) && isObject(state[key])) {
      merge(state[key], value);
    } else {
      state[key] = value;
    }
  }
  return state;
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export class Link {
  /**
   * @param {{changed: function(object, object): void, told: function(string): void}} to
   *   `changed` gets the state and what changed in it; `told` gets a line.
   */
  constructor(to) {
    this.to = to;
    this.state = {};
    this.points = false;
    this.received = 0;
    this.token = new URLSearchParams(location.search).get("token");
    this.pause = FIRST_PAUSE;
    this.open();
  }

  open() {
    const query = this.token === null ? "" : `?token=${encodeURIComponent(this.token)}`;
    const socket = new WebSocket(`ws://${location.host}/live${query}`);
    this.socket = socket;
    socket.onmessage = (event) => this.take(JSON.parse(event.data), event.data.length);
    socket.onclose = () => this.closed(query);
  }

  take(message, size) {
    this.received += size;
    this.pause = FIRST_PAUSE;
    if ("state" in message) {
      this.points = message.points;
      this.state = message.state;
      this.to.changed(this.state, this.state, performance.now());
    } else if ("patch" in message) {
      merge(this.state, message.patch);
      this.to.changed(this.state, message.patch, performance.now());
    } else if ("told" in message) {
      this.to.told(message.told);
    }
  }

  async closed(query) {
    const ended = this.state.ended;
    this.to.told(ended || "the stage view does not answer; looking for it ...");
    if (ended) return;
    await new Promise((after) => setTimeout(after, this.pause));
    this.pause = Math.min(2 * this.pause, LONGEST_PAUSE);
    if (query && (await this.refused(query))) return;
    this.open();
  }

  /** Whether the token is a wrong one: a socket does not say why it was closed. */
  async refused(query) {
    try {
      const answer = await fetch(`/hello${query}`);
      if (answer.ok) return false;
      this.to.told((await answer.text()).trim());
      return answer.status === 403;
    } catch {
      return false; // nobody is there
    }
  }

  ask(message) {
    if (this.points && this.socket.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify(message));
    }
  }
}
