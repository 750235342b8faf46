/**
 * `<tcp-population>`: sliders for the figure of a table that fills.
 *
 * The stays of single connections come from the engine, with the figure; here they are only added up, by the same
 * three lines of arithmetic as in `teardown.draw.population` (a test holds the two together).
 */

import { el } from "./dom.js";
import { population as words } from "./strings.js";

/** @typedef {{id: string, name: string, healthy: number | null, buggy: number | null}} Stay */
/** @typedef {{rate: number, buggy: number, size: number, entry: number}} Question */

const SECOND = 1e6;

/** Entries in the table after `t` seconds, if it had no limit. @param {Stay} stay @param {Question} q @param {number} t */
export function entries(stay, q, t) {
  const part = (/** @type {number} */ share, /** @type {number | null} */ hold) =>
    share === 0 ? 0 : q.rate * share * (hold === null ? t : Math.min(t, hold / SECOND));
  return part(1 - q.buggy / 100, stay.healthy) + part(q.buggy / 100, stay.buggy);
}

/** Seconds until the table is full; null if that never happens. @param {Stay} stay @param {Question} q */
export function fullAfter(stay, q) {
  if (entries(stay, q, Infinity) <= q.size) return null;
  const corners = [stay.healthy, stay.buggy].filter((h) => h !== null).map((h) => h / SECOND).sort((a, b) => a - b);
  let at = 0;
  for (const corner of [...corners, Infinity]) {
    const have = entries(stay, q, at);
    const slope = (entries(stay, q, at + 1e-3) - have) * 1000;
    if (corner === Infinity || have + slope * (corner - at) >= q.size) return at + (q.size - have) / slope;
    at = corner;
  }
  return null;
}

export class Population extends HTMLElement {
  connectedCallback() {
    if (this.querySelector("input")) return;
    const { stays, question, limits, horizon, box } = JSON.parse(this.dataset.figure ?? "{}");
    /** @type {Question} */ const q = { ...question };
    const fields = Object.entries(limits).map(([name, [least, most]]) => {
      // Sizes and rates span decades: the slider counts in steps of equal ratio, the share in per cent.
      const share = name === "buggy";
      const top = share ? 100 : 100;
      const value = (/** @type {number} */ step) =>
        share ? step : nice(least * (most / least) ** (step / top));
      const input = el("input", { type: "range", min: 0, max: top, step: 1, "data-name": name });
      input.value = String(share ? q.buggy : Math.round((top * Math.log(q[name] / least)) / Math.log(most / least)));
      const show = () => input.setAttribute("aria-valuetext", words.value(name, q[name]));
      show();
      input.addEventListener("input", () => {
        q[name] = value(Number(input.value));
        show();
        this.#show(stays, q, horizon, box);
      });
      return el("label", {}, el("span", {}, words.name[name]), input);
    });
    this.querySelector("figcaption")?.after(el("div", { class: "population-sliders" }, ...fields));
  }

  /** @param {Stay[]} stays @param {Question} q @param {number} horizon @param {number[]} box */
  #show(stays, q, horizon, [left, right, top, bottom]) {
    const x = (/** @type {number} */ t) => left + ((right - left) * t) / horizon;
    const y = (/** @type {number} */ n) => bottom - (bottom - top) * Math.min(n / (q.size * 1.25), 1);
    for (const stay of stays) {
      const full = fullAfter(stay, q);
      const times = [0, horizon, full, ...[stay.healthy, stay.buggy].map((h) => (h === null ? null : h / SECOND))];
      const points = times
        .filter((t) => t !== null && t <= horizon)
        .sort((a, b) => a - b)
        .map((t) => `${x(t).toFixed(1)},${y(Math.min(entries(stay, q, t), q.size)).toFixed(1)}`);
      this.querySelector(`polyline[data-case="${stay.id}"]`)?.setAttribute("points", points.join(" "));
      const says = this.querySelector(`li[data-case="${stay.id}"] [data-says]`);
      if (says) says.textContent = full === null ? words.level(entries(stay, q, Infinity), q.entry) : words.full(full);
    }
    const label = this.querySelector(".limit-label");
    if (label) label.textContent = words.limit(q.size);
    const asks = this.querySelector("[data-asks]");
    if (asks) asks.textContent = words.asks(q);
  }
}

/** Two digits are enough on a slider. @param {number} n */
function nice(n) {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(n)) - 1);
  return Math.round(n / unit) * unit;
}
