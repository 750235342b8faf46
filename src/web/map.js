/**
 * The state diagram as a map: two tokens that move, the arrows just taken, the states just left.
 * Names and places come from the drawing's attributes; nothing here knows what a state is.
 *
 * @typedef {{server: string, client: string}} States
 */

const HOSTS = /** @type {const} */ (["server", "client"]);

export class StateMap {
  /** @type {Map<string, SVGElement>} */ #nodes;
  /** @type {SVGElement[]} */ #edges;
  /** @type {Map<string, SVGElement>} */ #tokens;
  /** @type {Animation[]} */ #moving = [];

  /** @param {Element} svg the drawing, `<svg class="states">` */
  constructor(svg) {
    const all = (/** @type {string} */ selector) => /** @type {SVGElement[]} */ ([...svg.querySelectorAll(selector)]);
    this.#nodes = new Map(all(".node[data-state]").map((node) => [node.dataset.state ?? "", node]));
    this.#edges = all(".edge[data-from]");
    this.#tokens = new Map(all(".token[data-host]").map((token) => [token.dataset.host ?? "", token]));
  }

  /**
   * Shows both hosts in their states; `before` is where they were one step earlier, or null.
   * @param {States} states
   * @param {States | null} before
   * @param {number} [ms] how long the tokens take; 0 cuts
   */
  show(states, before, ms = 0) {
    this.settle();
    for (const host of HOSTS) this.#place(host, states[host], ms);
    for (const [state, node] of this.#nodes) {
      node.classList.toggle("here", HOSTS.some((host) => states[host] === state));
      node.classList.toggle("left", HOSTS.some((host) => before?.[host] === state && states[host] !== state));
    }
    for (const edge of this.#edges) {
      edge.classList.toggle("taken", before !== null && HOSTS.some((host) => follows(edge, before[host], states[host])));
    }
  }

  /**
   * Marks the arrows that `states`, in order, ever takes.
   * @param {States[]} states
   */
  mark(states) {
    for (const edge of this.#edges) edge.classList.toggle("on-path", this.#stepOf(edge, states) > 0);
  }

  /**
   * The index in `states` reached by the arrow under `target`: the next one after `now`, or the first.
   * Zero when `states` never takes it, null when there is no arrow.
   * @param {Element} target
   * @param {States[]} states
   * @param {number} now
   */
  stepAt(target, states, now) {
    const edge = this.#edges.find((candidate) => candidate.contains(target));
    return edge ? this.#stepOf(edge, states, now) || this.#stepOf(edge, states) : null;
  }

  /** Ends any movement at its goal. */
  settle() {
    for (const animation of this.#moving) animation.cancel();
    this.#moving = [];
  }

  /** @param {SVGElement} edge @param {States[]} states @param {number} [after] */
  #stepOf(edge, states, after = 0) {
    for (let i = after + 1; i < states.length; i++) {
      if (HOSTS.some((host) => follows(edge, states[i - 1][host], states[i][host]))) return i;
    }
    return 0;
  }

  /** @param {"server" | "client"} host @param {string} state @param {number} ms */
  #place(host, state, ms) {
    const token = this.#tokens.get(host);
    const node = this.#nodes.get(state);
    if (!token) return;
    token.classList.toggle("off-map", !node);
    if (!node) return;
    const from = token.dataset.at?.split(" ");
    const [x, y] = [node.dataset.x ?? "0", node.dataset.y ?? "0"];
    token.dataset.at = `${x} ${y}`;
    token.setAttribute("transform", `translate(${x} ${y})`);
    if (!from || !ms || (from[0] === x && from[1] === y)) return;
    const shift = (/** @type {string[]} */ [a, b]) => ({ transform: `translate(${a}px, ${b}px)` });
    this.#moving.push(token.animate([shift(from), shift([x, y])], { duration: ms, easing: "ease-in-out" }));
  }
}

/** @param {SVGElement} edge @param {string} from @param {string} to */
function follows(edge, from, to) {
  return from !== to && edge.dataset.from === from && edge.dataset.to === to;
}
