/**
 * `<tcp-player>`: a finished figure that can be stepped and played.
 *
 * Python has drawn everything. This element reads three things from the figure (the transcript's items, the
 * height of the playhead after each step in `data-y`, the state diagram's attributes) and moves what shows
 * the step: a veil over the future, two tokens, and the mark in the transcript. The picture of a step depends
 * on the step alone, never on the way there.
 */

import { el, icon, line, setFragment } from "./dom.js";
import { StateMap } from "./map.js";
import { player as words } from "./strings.js";

/** @typedef {import("./map.js").States} States */
/** @typedef {{item: HTMLElement, line: string, y: number, chapter: string | undefined, states: States}} Stage */

/** Milliseconds. */
const FLIGHT_PLAYING = 600;
const FLIGHT_STEPPING = 250;
const TOKENS = 200;
const DWELL_LEAST = 1500;
const WORDS_PER_SECOND = 3.5;
const SPEEDS = [0.5, 1, 2];

/** Units of the drawing: how thick the veil's upper edge is. At the end it lies below the picture. */
const PLAYHEAD = 2;

/** Pixels that should be seen above the playhead; half of it below. */
const ROOM = 160;

const calm = matchMedia("(prefers-reduced-motion: reduce)");

export class Player extends HTMLElement {
  /** @type {Stage[]} */ #stages = [];
  /** @type {SVGSVGElement | null} */ #ladder = null;
  /** @type {SVGRectElement | null} */ #veil = null;
  /** @type {StateMap | null} */ #map = null;
  /** @type {Animation | null} */ #flight = null;
  /** @type {(() => void) | null} what is left to show when the flight has landed */ #landing = null;
  /** @type {AbortController | null} ends all listeners */ #leaving = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #dwell;
  #step = 0;
  #bottom = 0;
  #playing = false;
  #visible = true;

  /** @type {Record<string, HTMLElement>} */ #buttons = {};
  /** @type {HTMLInputElement} */ #slider = /** @type {HTMLInputElement} */ (el("input"));
  /** @type {HTMLSelectElement} */ #speed = /** @type {HTMLSelectElement} */ (el("select"));
  #caption = el("p");
  #status = el("p");

  /** The step shown, from 0 to `last`. Setting it cuts to the step. */
  get step() {
    return this.#step;
  }

  set step(step) {
    this.#pause();
    this.#go(step);
  }

  /** The number of the last step, which is the finished picture. */
  get last() {
    return this.#stages.length - 1;
  }

  connectedCallback() {
    this.#read();
    if (this.#stages.length < 2) return;
    this.#build();
    this.#listen();
    const linked = this.#linked();
    this.#go(linked ?? this.last, { quietly: true });
    if (linked !== null) this.#bringIntoSight();
  }

  disconnectedCallback() {
    this.#leaving?.abort();
    this.#pause();
    this.#settle();
  }

  /** Takes from the figure what the steps need. */
  #read() {
    const heights = (this.dataset.y ?? "").split(",").map(Number);
    this.#stages = [...this.querySelectorAll(".transcript > [data-step]")].map((node, i) => {
      const item = /** @type {HTMLElement} */ (node);
      const { chapter, server = "", client = "" } = item.dataset;
      return { item, line: line(item), y: heights[i] ?? 0, chapter, states: { server, client } };
    });
    this.#ladder = this.querySelector("svg.ladder");
    this.#veil = this.#ladder?.querySelector(".veil") ?? null;
    if (this.#ladder && this.#veil) {
      const { x, y, width, height } = this.#ladder.viewBox.baseVal;
      this.#bottom = y + height + PLAYHEAD;
      for (const [name, value] of Object.entries({ x, width, height })) this.#veil.setAttribute(name, String(value));
    }
    const diagram = this.querySelector("svg.states");
    this.#map = diagram && new StateMap(diagram);
    this.#map?.mark(this.#stages.map((stage) => stage.states));
  }

  /** Builds the control row, anew if the element came back with an old one. */
  #build() {
    for (const old of this.querySelectorAll(".tcp-controls, .tcp-keys")) old.remove();
    for (const action of /** @type {const} */ (["first", "back", "play", "next", "last"])) {
      this.#buttons[action] = el("button", { type: "button", "data-action": action, title: words[action] }, icon(action));
      this.#buttons[action].setAttribute("aria-label", words[action]);
    }
    this.#slider = /** @type {HTMLInputElement} */ (
      el("input", { type: "range", min: 0, max: this.last, step: 1, "aria-label": words.slider })
    );
    const speeds = SPEEDS.map((factor) => el("option", { value: factor, selected: factor === 1 }, `${factor} ×`));
    this.#speed = /** @type {HTMLSelectElement} */ (
      el("select", { "aria-label": words.speed, title: words.speed }, ...speeds)
    );
    this.#caption = el("p", { class: "tcp-caption", "aria-hidden": "true" });
    this.#status = el("p", { class: "tcp-spoken", role: "status" });
    const row = el("div", { class: "tcp-controls", role: "group", "aria-label": words.controls },
      this.#caption,
      el("div", { class: "tcp-row" }, el("div", { class: "tcp-buttons" }, ...Object.values(this.#buttons)), this.#slider, this.#speed),
      this.#status);
    const transcript = this.#stages[0].item.parentElement;
    (transcript?.closest("details, .transcript-box") ?? transcript)?.before(row, el("p", { class: "tcp-keys" }, words.keys));
  }

  #listen() {
    this.#leaving?.abort();
    this.#leaving = new AbortController();
    const { signal } = this.#leaving;
    const on = (/** @type {EventTarget} */ target, /** @type {string} */ type, /** @type {(event: any) => void} */ handler) =>
      target.addEventListener(type, handler, { signal });

    const acts = { first: () => this.#stepTo(0), back: () => this.#stepTo(this.step - 1),
      play: () => (this.#playing ? this.#pause() : this.#play()),
      next: () => this.#stepTo(this.step + 1), last: () => this.#stepTo(this.last) };
    for (const [action, act] of Object.entries(acts)) on(this.#buttons[action], "click", act);

    on(this.#slider, "input", () => this.#stepTo(this.#slider.valueAsNumber));
    on(this.#slider, "keydown", (event) => this.#key(event));
    on(this.#slider, "focus", () => this.#status.replaceChildren());
    on(this.#speed, "change", () => this.#playing && this.#wait());
    on(this, "keydown", (event) => {
      if (event.key !== "Escape" || !this.#playing) return;
      this.#pause();
      event.stopPropagation();
    });
    on(this, "click", (event) => this.#pick(event.target));

    on(window, "hashchange", () => {
      const step = this.#linked();
      if (step !== null && step !== this.step) this.#stepTo(step);
    });
    on(document, "click", (event) => {
      const link = event.target instanceof Element ? event.target.closest("a[href^='#']") : null;
      const step = link && this.#linked(link.getAttribute("href"));
      if (step === null || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.#stepTo(step);
    });
    on(document, "visibilitychange", () => this.#playing && this.#wait());
    on(window, "beforeprint", () => this.#finish());

    const watch = new IntersectionObserver((entries) => {
      this.#visible = entries[entries.length - 1].isIntersecting;
      if (this.#playing) this.#wait();
    });
    watch.observe(this);
    signal.addEventListener("abort", () => watch.disconnect());
  }

  /**
   * The step that an address fragment such as `#buggy-client/3` names in this figure, or null.
   * @param {string | null} [fragment]
   */
  #linked(fragment = location.hash) {
    const [name, step] = (fragment ?? "").slice(1).split("/");
    if (!this.dataset.scenario || name !== this.dataset.scenario || !/^\d+$/.test(step ?? "")) return null;
    return Math.min(Number(step), this.last);
  }

  /** A step that the reader asked for: stops playing. @param {number} step */
  #stepTo(step) {
    this.#pause();
    this.#go(step, { flight: Math.abs(step - this.step) === 1 ? FLIGHT_STEPPING : 0 });
    this.#bringIntoSight();
    this.#remember();
  }

  /** Scrolls just so far that the place of the step lies between the site's header and the control row. */
  #bringIntoSight() {
    const picture = (this.#ladder ?? this).getBoundingClientRect();
    const share = this.#ladder ? this.#height(this.#step) / this.#ladder.viewBox.baseVal.height : 0;
    const place = picture.top + share * picture.height;
    const top = parseFloat(getComputedStyle(this).scrollMarginTop) || 0;
    const bottom = innerHeight - (this.querySelector(".tcp-controls")?.clientHeight ?? 0);
    const up = Math.max(place - ROOM - top, picture.top - top);
    const down = place + ROOM / 2 - bottom;
    const by = down > 0 ? down : Math.min(up, 0);
    if (by) scrollBy({ top: by, behavior: calm.matches ? "auto" : "smooth" });
  }

  /**
   * Shows a step. The slider and the mark in the transcript change at once; the veil flies, and when it has
   * landed the tokens move and the sentence is spoken.
   * @param {number} step
   * @param {{flight?: number, quietly?: boolean}} [how] `flight` in milliseconds; 0 cuts
   */
  #go(step, { flight = 0, quietly = false } = {}) {
    this.#settle();
    const was = this.#step;
    this.#step = Math.max(0, Math.min(this.last, Math.round(step) || 0));
    const stage = this.#stages[this.#step];
    this.dataset.step = String(this.#step);
    this.#slider.value = String(this.#step);
    const sentence = words.position(this.#step, this.last, stage.line);
    this.#slider.setAttribute("aria-valuetext", sentence);
    this.#caption.replaceChildren(...stage.item.cloneNode(true).childNodes);
    for (const { item } of this.#stages) item.removeAttribute("aria-current");
    stage.item.setAttribute("aria-current", "step");
    this.#buttons.first.setAttribute("aria-disabled", String(this.#step === 0));
    this.#buttons.back.setAttribute("aria-disabled", String(this.#step === 0));
    this.#buttons.next.setAttribute("aria-disabled", String(this.#step === this.last));
    this.#buttons.last.setAttribute("aria-disabled", String(this.#step === this.last));

    const moving = !calm.matches && flight > 0 && this.#step !== was;
    this.#landing = () => {
      const before = this.#step > 0 ? this.#stages[this.#step - 1].states : null;
      this.#map?.show(stage.states, before, moving ? TOKENS : 0);
      if (!quietly && document.activeElement !== this.#slider) this.#status.textContent = sentence;
    };
    this.#fly(this.#height(was), this.#height(this.#step), moving ? flight : 0);
  }

  /** Where the veil begins once a step is shown: the last step leaves nothing veiled. @param {number} step */
  #height(step) {
    return step >= this.last ? this.#bottom : this.#stages[step].y;
  }

  /** @param {number} from @param {number} to @param {number} ms */
  #fly(from, to, ms) {
    this.#veil?.setAttribute("y", String(to));
    if (!ms || !this.#veil) return this.#land();
    const start = { transform: `translateY(${from - to}px)` };
    this.#flight = this.#veil.animate([start, { transform: "none" }], { duration: ms, easing: "ease-in-out" });
    this.#flight.onfinish = () => this.#land();
  }

  #land() {
    const landing = this.#landing;
    this.#flight = null;
    this.#landing = null;
    landing?.();
  }

  /** Completes at once whatever still moves. */
  #settle() {
    if (this.#flight) {
      this.#flight.onfinish = null;
      this.#flight.cancel();
      this.#land();
    }
    this.#map?.settle();
  }

  #play() {
    if (this.step === this.last) this.#go(0);
    this.#bringIntoSight();
    this.#playing = true;
    this.#name("pause");
    this.#wait();
  }

  #pause() {
    clearTimeout(this.#dwell);
    if (!this.#playing) return;
    this.#playing = false;
    this.#name("play");
    this.#remember();
  }

  /** Lets the reader read the sentence, then goes on; stands still while nobody can see. */
  #wait() {
    clearTimeout(this.#dwell);
    if (this.step === this.last) return this.#pause();
    if (!this.#visible || document.hidden) return;
    const speed = Number(this.#speed.value);
    const reading = (this.#stages[this.step].line.split(" ").length / WORDS_PER_SECOND) * 1000;
    const flight = this.#flight ? FLIGHT_PLAYING : 0;
    this.#dwell = setTimeout(() => {
      this.#go(this.step + 1, { flight: FLIGHT_PLAYING / speed });
      this.#bringIntoSight();
      this.#wait();
    }, (Math.max(DWELL_LEAST, reading) + flight) / speed);
  }

  /** Names the play button by what it will do. @param {"play" | "pause"} name */
  #name(name) {
    this.#buttons.play.setAttribute("aria-label", words[name]);
    this.#buttons.play.title = words[name];
    this.#buttons.play.replaceChildren(icon(name));
  }

  /** Keeps the step in the address, so that a copied link opens it. */
  #remember() {
    if (this.dataset.scenario) setFragment(`${this.dataset.scenario}/${this.step}`);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const to = { ArrowRight: this.step + 1, ArrowDown: this.step + 1, ArrowLeft: this.step - 1, ArrowUp: this.step - 1,
      Home: 0, End: this.last, PageDown: this.#chapter(1), PageUp: this.#chapter(-1) }[event.key];
    if (to !== undefined) this.#stepTo(to);
    else if (event.key === " ") this.#playing ? this.#pause() : this.#play();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** The first step of the next or the previous phase; the ends where there is none. @param {1 | -1} direction */
  #chapter(direction) {
    const chapters = this.#stages.map((stage) => stage.chapter);
    const starts = chapters.flatMap((chapter, i) => (i === 0 || chapter !== chapters[i - 1] ? [i] : []));
    if (direction > 0) return starts.find((start) => start > this.step) ?? this.last;
    return starts.findLast((start) => start < this.step) ?? 0;
  }

  /** A click on a line of the transcript or on an arrow of the diagram goes to its step. @param {EventTarget | null} target */
  #pick(target) {
    if (!(target instanceof Element) || target.closest("a, button, summary")) return;
    const line = this.#stages.findIndex((stage) => stage.item.contains(target));
    if (line >= 0 && getSelection()?.isCollapsed !== false) return this.#stepTo(line);
    const step = this.#map?.stepAt(target, this.#stages.map((stage) => stage.states), this.step);
    if (step) this.#stepTo(step);
    else if (step === 0) this.#status.textContent = this.#caption.textContent = words.otherEdge;
  }

  /** Paper shows the finished picture; afterwards the reader is back where they were. */
  #finish() {
    const { step } = this;
    this.#pause();
    this.#go(this.last, { quietly: true });
    addEventListener("afterprint", () => this.#go(step, { quietly: true }), { once: true });
  }
}
