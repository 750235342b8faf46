/**
 * `<tcp-lab>`: the reader makes the moves, Python answers with the next picture.
 *
 * A situation is a seed and a list of moves, and nothing else. Both stand in the address (`#seed=7&moves=a,b`), are
 * kept in this browser, and go whole to the engine with each question; undo is a shorter list. The page's first
 * frame was made by the same Python at build time, so there is something to read and to press at once.
 */

import { el, setFragment, wayToBook, whenIdle } from "./dom.js";
import { engine, Overrun, Refusal } from "./engine.js";
import { forked, Forks } from "./forks.js";
import { prefetch } from "./futures.js";
import { Hints } from "./hints.js";
import { StateMap } from "./map.js";
import { Predictions } from "./predictions.js";
import { speakOf } from "./said.js";
import { blank, decode, encode, keep, kept, lastSeed, same } from "./situation.js";
import { WorkPanel } from "./work.js";
import { engine as engineWords, lab as words } from "./strings.js";

/** @typedef {import("./engine.js").Answer} Answer */
/** @typedef {import("./situation.js").Work} Work */
/** For so many ms answers are asked for before a move is made: to all moves on a quick machine, to some on a slow one. */
const AHEAD = 700;
/** After this many ms a reader wonders whether a press did anything. */
const SOON = 150;

/**
 * What the reader asks for. `open` shows what a link or this browser holds, `take` another future, `back` undoes to `to`.
 * @typedef {{kind: "move" | "try" | "undo" | "redo" | "restart" | "back" | "open" | "take",
 *            id?: string, to?: number, work?: Work}} Wish
 */

export class Lab extends HTMLElement {
  /** @type {Work} where the reader is, and what has been done */ #work = blank();
  /** @type {Work | null} saved work that a link has put aside */ #aside = null;
  /** @type {Wish[]} what the reader asked for and the engine has not answered */ #wishes = [];
  /** @type {AbortController | null} ends all listeners */ #leaving = null;
  /** @type {Map<string, string>} what the regions hold, as it came */ #shown = new Map();
  /** @type {Map<string, Promise<Answer>>} answers to what the reader may do next, by request */ #ahead = new Map();
  /** @type {[string, ...Node[]] | null} what to say once the next answer is shown */ #note = null;
  #answering = false;
  #news = el("div", { "data-region": "news", role: "status" });
  #spoken = el("p", { class: "tcp-spoken", role: "status" });
  #copy = el("button", { type: "button", "data-action": "copy" }, words.copy);
  /** @type {Predictions} */ #predictions;
  /** @type {Forks} */ #forks;
  /** @type {Hints} */ #hints;
  /** @type {WorkPanel} */ #panel;

  constructor() {
    super();
    const ask = (/** @type {string} */ what, /** @type {object} */ more) =>
      engine.ask({ ask: what, lab: this.#name, moves: this.#work.moves, ...this.#seeded, ...more });
    this.#predictions = new Predictions(el("div", { "data-region": "prediction" }), (id) => this.#answeredRight(id));
    this.#forks = new Forks(el("div", { "data-region": "futures" }), (moves, nth) => ask("future", { moves, nth }));
    this.#hints = new Hints(this, (goal) => ask("hint", { goal }), (text, ...more) => this.#tell(text, ...more));
    this.#panel = new WorkPanel(el("div", { "data-region": "work" }), {
      tell: (text, ...more) => this.#tell(text, ...more),
      variant: (seed) => this.#change(seed),
      reload: (...note) => {
        this.#note = note;
        this.#change(lastSeed(this.#name));
      },
    });
  }

  connectedCallback() {
    this.#build();
    this.#listen();
    this.#restore();
    this.#startEngineInTime();
    this.#showEngine();
  }

  disconnectedCallback() {
    this.#leaving?.abort();
  }

  /** @param {string} name @returns {HTMLElement | null} */
  #region(name) {
    return this.querySelector(`[data-region="${name}"]`);
  }

  /** Whether the page's address speaks of this lab. */
  get #ownsAddress() {
    return this === document.querySelector("tcp-lab");
  }

  /** Adds what only makes sense with a script. */
  #build() {
    const tools = this.#region("tools") ?? el("div", { "data-region": "tools" });
    tools.setAttribute("role", "group");
    tools.setAttribute("aria-label", words.tools);
    const actions = /** @type {const} */ (["undo", "redo", "restart", "hint"]);
    tools.replaceChildren(
      ...actions.map((action) => el("button", { type: "button", "data-action": action }, words[action])), this.#copy);
    if (!tools.isConnected) this.#region("moves")?.before(this.#predictions.region, tools);
    this.#region("status")?.before(this.#news);
    this.#region("states")?.before(this.#forks.region);
    this.#region("transcript")?.before(this.#panel.region);
    this.#region("message")?.setAttribute("role", "status");
    this.append(this.#spoken);
    this.#showTools();
  }

  #listen() {
    this.#leaving?.abort();
    this.#leaving = new AbortController();
    const { signal } = this.#leaving;
    this.addEventListener("click", (event) => this.#press(event), { signal });
    this.addEventListener("keydown", (event) => {
      // A key held down would rush through moves that the reader has not seen yet.
      if (event.repeat && event.target instanceof HTMLButtonElement) event.preventDefault();
    }, { signal });
    addEventListener("hashchange", () => this.#follow(), { signal });
    engine.addEventListener("change", () => this.#showEngine(), { signal });
  }

  /**
   * Starts the engine now where it has run before, else when the reader turns to the lab or has nothing to wait for.
   * Until then the answers beyond the first press come from a file.
   */
  #startEngineInTime() {
    const signal = /** @type {AbortController} */ (this.#leaving).signal;
    const start = () => engine.health === "idle" && engine.start();
    if (engine.known) return start();
    whenIdle(() => prefetch(this.#name));
    for (const intent of ["pointerover", "focusin"]) this.addEventListener(intent, start, { once: true, signal });
    new IntersectionObserver(([entry], observer) => {
      if (!entry.isIntersecting) return;
      observer.disconnect();
      whenIdle(() => signal.aborted || start());
    }).observe(this);
  }

  /** Opens what the address holds, else what this browser kept. */
  #restore() {
    const linked = this.#ownsAddress ? decode(location.hash) : null;
    const seed = linked?.seed ?? lastSeed(this.#name);
    const saved = kept(this.#name, seed);
    const { prediction } = this.dataset; // of the first frame, made at build time
    this.#predictions.show(prediction && !seed ? JSON.parse(prediction) : null, saved?.answered ?? []);
    this.#work = { ...(saved ?? blank(seed)), moves: [], redo: saved?.moves.length ? [] : (saved?.redo ?? []) };
    if (linked?.moves.length) {
      const own = saved && same(saved.moves, linked.moves);
      this.#aside = own || !saved?.moves.length ? null : saved;
      this.#wish({ kind: "open", work: own ? saved : { ...this.#work, moves: linked.moves, redo: [] } });
      if (this.#aside) this.#tellAside();
    } else if (saved?.moves.length || seed) {
      this.#wish({ kind: "open", work: saved ?? blank(seed) });
    } else {
      this.#showWork();
    }
  }

  /** Turns to another variant, or reads again what is kept for this one. @param {number} seed */
  #change(seed) {
    this.#aside = null;
    this.#work = blank(seed);
    const own = kept(this.#name, seed) ?? blank(seed);
    this.#wish({ kind: "take", work: own });
  }

  /** The seed as a request names it: the lab as it is written has none. */
  get #seeded() {
    return this.#work.seed ? { seed: this.#work.seed } : {};
  }

  get #name() {
    return this.dataset.lab ?? "";
  }

  /** Someone changed the address by hand or came back to it. */
  #follow() {
    const linked = this.#ownsAddress ? decode(location.hash) : null;
    if (!linked || encode(linked) === encode(this.#work)) return;
    if (linked.seed !== this.#work.seed) return this.#restore();
    this.#wish({ kind: "open", work: { ...this.#work, moves: linked.moves, redo: [] } });
  }

  /** @param {MouseEvent} event */
  #press(event) {
    const link = event.target instanceof Element ? event.target.closest("a[data-take]") : null;
    if (link instanceof HTMLElement && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      const moves = decode(link.dataset.take ?? "")?.moves ?? [];
      return this.#wish({ kind: "take", work: { ...this.#work, moves, redo: [] } }, link);
    }
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    if (!button || button.closest("[inert]")) return;
    const { move, try: attempt, action } = button.dataset;
    if (move) this.#wish({ kind: "move", id: move }, button);
    else if (attempt) this.#wish({ kind: "try", id: attempt }, button);
    else if (action === "undo" || action === "redo" || action === "restart") this.#wish({ kind: action }, button);
    else if (action === "back") this.#wish({ kind: "back", to: Number(button.dataset.to) }, button);
    else if (action === "hint") this.#giveHint();
    else if (action === "copy") this.#copyLink();
    else if (action === "retry") engine.start(), this.#answerAll();
    else if (action === "mine" && this.#aside) this.#wish({ kind: "open", work: this.#aside });
  }

  /** @param {Wish} wish @param {HTMLElement} [button] */
  #wish(wish, button) {
    if ((wish.kind === "undo" || wish.kind === "redo") && !this.#wishes.length && !this.#plan(wish)) {
      return this.#tell(words.nothing[wish.kind]);
    }
    this.#wishes.push(wish);
    if (engine.health !== "live" && button) {
      const name = (button.textContent ?? "").replace(/\s+/g, " ").trim();
      // Most first moves are answered before that is worth saying.
      setTimeout(() => {
        if (!this.#wishes.includes(wish)) return;
        this.#tell(this.#wishes.length > 1 ? words.waitingMore(name, this.#wishes.length) : words.waiting(name));
      }, SOON);
    }
    // The first frame's moves do not belong to a situation that is still to be opened.
    this.#region("moves")?.toggleAttribute("inert", this.#wishes.some(({ kind }) => kind === "open"));
    this.#answerAll();
  }

  /** Carries out the wishes one after another. A wish that the engine could not answer stays. */
  async #answerAll() {
    if (this.#answering) return;
    this.#answering = true;
    try {
      while (this.#wishes.length) {
        await this.#answer(this.#wishes[0]);
        this.#wishes.shift();
      }
    } catch {
      /* the engine failed and says so itself */
    } finally {
      this.#answering = false;
      this.#region("moves")?.toggleAttribute("inert", this.#wishes.some(({ kind }) => kind === "open"));
    }
  }

  /** @param {Wish} wish */
  async #answer(wish) {
    const plan = this.#plan(wish);
    if (!plan) return;
    const attempt = wish.kind === "try" ? (wish.id ?? null) : null;
    /** @type {Answer} */ let answer;
    try {
      const request = this.#asking(plan.moves, attempt);
      answer = await (this.#ahead.get(JSON.stringify(request)) ?? engine.ask(request));
    } catch (error) {
      if (!(error instanceof Refusal || error instanceof Overrun)) throw error;
      return this.#tell(wish.kind === "open" ? `${words.cannot} ${error.message}` : error.message);
    }
    this.#show(answer, wish, plan.redo);
  }

  /** @param {string[]} moves @param {string | null} [attempt] */
  #asking(moves, attempt = null) {
    return { ask: "situation", lab: this.#name, moves, attempt, ...this.#seeded };
  }

  /** Asks for the answers to the moves that are offered, one after the other, while the reader reads. */
  async #lookAhead() {
    this.#ahead.clear();
    const { moves } = this.#work;
    const offered = /** @type {HTMLElement[]} */ ([...this.querySelectorAll('[data-region="moves"] button[data-move]')]);
    const until = performance.now() + AHEAD;
    for (const { dataset } of offered) {
      if (performance.now() > until || engine.health !== "live" || this.#wishes.length || this.#work.moves !== moves) return;
      const request = this.#asking([...moves, dataset.move ?? ""]);
      const answer = engine.ask(request);
      this.#ahead.set(JSON.stringify(request), answer);
      await answer.catch(() => {}); // whoever makes the move hears of it
    }
  }

  /**
   * The moves that a wish would lead to, or null when there is nothing to do.
   * @param {Wish} wish @returns {{moves: string[], redo: string[]} | null}
   */
  #plan({ kind, id = "", to = 0, work }) {
    const { moves, redo } = this.#work;
    if (kind === "open" || kind === "take") return work ?? null;
    if (kind === "try") return this.#work;
    if (kind === "back") return { moves: moves.slice(0, to), redo: [...redo, ...moves.slice(to).toReversed()] };
    if (kind === "move") return { moves: [...moves, id], redo: redo.at(-1) === id ? redo.slice(0, -1) : [] };
    if (kind === "restart") return { moves: [], redo: [...redo, ...moves.toReversed()] };
    if (kind === "undo") return moves.length ? { moves: moves.slice(0, -1), redo: [...redo, ...moves.slice(-1)] } : null;
    return redo.length ? { moves: [...moves, ...redo.slice(-1)], redo: redo.slice(0, -1) } : null;
  }

  /** Shows an answer and keeps it. @param {Answer} answer @param {Wish} wish @param {string[]} redo */
  #show(answer, wish, redo) {
    const before = this.#work;
    const refused = answer.refused !== null;
    const opened = wish.kind === "open";
    const old = [...before.moves, ...before.redo.toReversed()];
    const chose = wish.kind === "move" || wish.kind === "take";
    this.#work = {
      ...((opened || wish.kind === "take") && wish.work ? wish.work : before),
      moves: answer.moves,
      redo: refused && !opened ? before.redo : redo,
    };
    if (chose && !refused) this.#work.futures = forked(this.#work.futures, old, [...answer.moves, ...redo.toReversed()]);
    const fresh = !opened && this.#count(answer.goals);
    const focused = this.#focused();
    for (const [name, html] of Object.entries(answer.html)) this.#fill(name, html);
    this.#predictions.show(answer.prediction, this.#work.answered);
    this.#showStates(answer);
    this.dataset.step = String(answer.moves.length);
    this.#showTools();
    this.#showWork(fresh);
    // With the next picture, for which the page is laid out in any case.
    requestAnimationFrame(() => this.#showNewest(opened));
    whenIdle(() => this.#lookAhead());

    const changed = encode(answer) !== encode(before);
    if (!opened) {
      if (changed) this.#aside = null;
      if (!this.#aside) keep(this.#name, this.#work);
    } else if (wish.work === this.#aside) {
      this.#aside = null;
    }
    if (this.#ownsAddress && (changed || !opened)) setFragment(encode(answer));

    if (refused) this.#tell(opened ? words.partly(answer.refused ?? "") : (answer.refused ?? ""));
    else if (this.#aside) this.#tellAside();
    else this.#tell(...(this.#note ?? [""]));
    this.#note = null;
    this.#refocus(focused);
    if (!refused) this.#spoken.textContent = `${this.#sentence(answer, wish)} ${this.#predictions.sentence}`.trim();
  }

  /**
   * Puts new content into a region. A list has most often only grown: then only what is new is added.
   * @param {string} name @param {string} html
   */
  #fill(name, html) {
    const region = this.#region(name);
    if (!region) return;
    const [end, old] = ["</ol>", this.#shown.get(name) ?? ""];
    const kept = old.slice(0, -end.length);
    if (kept && old.endsWith(end) && html.endsWith(end) && html.startsWith(kept)) {
      region.lastElementChild?.insertAdjacentHTML("beforeend", html.slice(kept.length, -end.length));
    } else {
      region.innerHTML = html;
    }
    this.#shown.set(name, html);
  }

  /** Notes the goals that are reached. @param {Record<string, boolean>} goals @returns {boolean} whether one was just now */
  #count(goals) {
    const fresh = Object.keys(goals).filter((id) => goals[id] && !this.#work.done.includes(id));
    this.#work.done = [...this.#work.done, ...fresh];
    return fresh.length > 0;
  }

  /** Says above the picture's story that a goal was reached just now, and which is next; at the end, that it is the end. @param {boolean} fresh */
  #showNews(fresh) {
    const goals = [...this.querySelectorAll("[data-goal]")];
    const open = goals.filter((item) => !this.#work.done.includes(item.getAttribute("data-goal") ?? ""));
    if (!open.length) {
      const end = el("p", {}, el("b", {}, words.finished(goals.length, this.#work.answered.length)), " ",
        el("a", { href: "#closing" }, words.finishedLink));
      return this.#news.replaceChildren(end);
    }
    const next = open[0].querySelector(".lab-goal")?.textContent ?? "";
    this.#news.replaceChildren(...(fresh ? [el("p", {}, words.reached(goals.length - open.length, goals.length, next))] : []));
  }

  /** What the reader has done before and this future does not show, and the other futures. @param {boolean} [fresh] a goal just now */
  #showWork(fresh = false) {
    for (const item of this.querySelectorAll("[data-goal][data-reached=no]")) {
      if (!this.#work.done.includes(item.getAttribute("data-goal") ?? "")) continue;
      item.setAttribute("data-reached", "before");
      const [box, said] = item.children;
      box.textContent = "☑";
      said.textContent = words.doneBefore;
    }
    this.#showNews(fresh);
    this.#forks.show(this.#work);
    this.#panel.show(this.#work.seed);
    speakOf(this.#name, this.#work.seed);
  }

  /** @param {string} id */
  #answeredRight(id) {
    this.#work.answered = [...this.#work.answered, id];
    if (!this.#aside) keep(this.#name, this.#work);
  }

  async #giveHint() {
    try {
      await this.#hints.give(this.#work.done, this.#work.moves.length);
    } catch (error) {
      this.#tell(error instanceof Error ? error.message : String(error));
    }
  }

  /** @param {Answer} answer @param {Wish} wish */
  #sentence(answer, { kind }) {
    if (kind === "undo" || kind === "back") return words.undone(answer.moves.length);
    if (kind === "restart") return words.restarted;
    return answer.say;
  }

  /** @param {Answer} answer */
  #showStates({ states }) {
    const diagram = this.querySelector("[data-region='states'] svg.states");
    if (diagram) new StateMap(diagram).show(states, null);
  }

  /**
   * Turns ladder and page so that what is new can be seen: the ladder's end, and above the moves what the last one did.
   * Nothing turns where both are in sight. @param {boolean} opened the page is being opened, so it stays where it is
   */
  #showNewest(opened) {
    const ladder = this.#region("ladder");
    ladder?.scrollTo({ top: ladder.scrollHeight });
    const news = this.#news.firstChild ? this.#news : this.#region("status")?.firstElementChild;
    const [picture, told, asked, moves] = [ladder, news, this.#predictions.region, this.#region("moves")]
      .map((part) => part?.getBoundingClientRect());
    if (opened || !picture || !told || !asked || !moves) return;
    const beside = told.left >= picture.right;
    const header = parseFloat(getComputedStyle(this).scrollMarginTop);
    const free = beside ? header : Math.max(header, picture.bottom); // above this the page is covered
    let by = Math.min(told.top - free, 0);
    if (beside && moves.bottom > innerHeight) by = told.top - free;
    else if (!by) by = Math.max(picture.bottom + 8 - innerHeight, 0);
    if (asked.height && !beside && asked.bottom > innerHeight) by = asked.top - free;
    if (by) scrollBy({ top: by, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth" });
  }

  #showTools() {
    const { moves, redo } = this.#work;
    const idle = { undo: !moves.length, redo: !redo.length, restart: !moves.length };
    for (const [action, is] of Object.entries(idle)) {
      this.querySelector(`[data-action="${action}"]`)?.setAttribute("aria-disabled", String(is));
    }
  }

  /** What has the focus in here, so that it can be found again after its region is replaced. */
  #focused() {
    const button = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    return button && this.contains(button) ? button : null;
  }

  /** @param {HTMLElement | null} was */
  #refocus(was) {
    if (!was || was.isConnected) return;
    const buttons = /** @type {HTMLElement[]} */ ([...this.querySelectorAll("button")]);
    const { move, try: attempt, action } = was.dataset;
    const next =
      (action && buttons.find((button) => button.dataset.action === action)) ||
      (attempt && buttons.find((button) => button.dataset.try === attempt)) ||
      ((move || attempt) && buttons.find((button) => button.dataset.move)) ||
      this.#region("moves")?.querySelector("h2, h3, h4, p");
    if (!next) return;
    if (!next.matches("button")) next.tabIndex = -1;
    next.focus({ preventScroll: true });
  }

  /** @param {string} text @param {...Node} more */
  #tell(text, ...more) {
    this.#region("message")?.replaceChildren(...(text ? [el("p", {}, text)] : []), ...more);
  }

  #tellAside() {
    const own = words.moves(this.#aside?.moves.length ?? 0);
    this.#tell(words.shared(own), el("button", { type: "button", "data-action": "mine" }, words.mine));
  }

  async #copyLink() {
    const address = location.href;
    try {
      await navigator.clipboard.writeText(address);
      this.#tell(words.copied);
    } catch {
      const field = /** @type {HTMLInputElement} */ (el("input", { readonly: true, value: address, "aria-label": words.address }));
      this.#tell(words.copyByHand, field);
      field.select();
    }
  }

  /** How the engine is: a bar while it starts, one line while it lives, a way out when it failed. */
  #showEngine() {
    const { health, progress, reason } = engine;
    this.dataset.engine = health === "idle" ? "starting" : health;
    const region = this.#region("progress");
    if (!region) return;
    if (health === "live") region.replaceChildren(el("p", {}, engineWords.live));
    else if (health === "failed") region.replaceChildren(...this.#wayOut(reason));
    else this.#showProgress(region, progress);
  }

  /** @param {HTMLElement} region @param {{text: string, share: number | null}} progress */
  #showProgress(region, { text, share }) {
    let bar = region.querySelector("progress");
    if (!bar) {
      bar = /** @type {HTMLProgressElement} */ (el("progress", { max: 1, "aria-label": engineWords.starting }));
      region.replaceChildren(bar, el("p", {}));
    }
    if (share === null) bar.removeAttribute("value");
    else bar.value = share;
    const label = region.querySelector("p");
    if (label) label.textContent = text;
  }

  /** @param {string} reason */
  #wayOut(reason) {
    const { walkthrough } = this.dataset;
    const kept = this.#wishes.length || this.#work.moves.length ? ` ${engineWords.kept}` : "";
    return [
      el("p", { role: "alert" }, engineWords.failed(reason) + kept),
      el("button", { type: "button", "data-action": "retry" }, engineWords.retry),
      ...(walkthrough ? [el("a", { href: walkthrough }, engineWords.walkthrough)] : []),
      ...wayToBook(engineWords.book),
    ];
  }
}
