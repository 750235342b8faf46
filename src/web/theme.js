/**
 * What the theme's script leaves out for those who do not see the page, each with the check of axe that asks for it; the
 * build names the rest (`src/teardown/site/order.py`). Goes when the theme goes.
 */

import { el, whenIdle, whenLoaded } from "./dom.js";
import { engine } from "./engine.js";

function mend() {
  // landmark-unique: a copy button is no navigation
  for (const nav of document.querySelectorAll(".md-code__nav:not([role])")) nav.setAttribute("role", "none");
  // scrollable-region-focusable
  for (const box of document.querySelectorAll(".md-typeset :is(table:not([class]), .md-typeset__scrollwrap):not([tabindex])")) {
    if (box.scrollWidth > box.clientWidth) box.setAttribute("tabindex", "0");
  }
}

/** The longest that the theme's script waits for the engine, in ms from the moment that the page is there. */
const PATIENCE = 4_000;
/** How long it waits once the engine is there, in ms: it blocks the page for a moment, and the first live answer comes first. */
const REST = 1_000;

/**
 * Starts the theme's script where it waits (`src/teardown/site/order.py`): a little after the engine, which it would disturb,
 * is there, and at once when the reader turns to what the theme does: the header with its search, or a key.
 */
export function startTheme() {
  const waiting = /** @type {HTMLScriptElement | null} */ (document.querySelector("script[nomodule][src]"));
  if (!waiting) return;
  const waits = new AbortController();
  const start = () => {
    if (waits.signal.aborted) return;
    waits.abort();
    document.body.append(el("script", { src: waiting.src }));
  };
  const settled = () => ["live", "failed"].includes(engine.health) && setTimeout(() => whenIdle(start), REST);
  const { signal } = waits;
  engine.addEventListener("change", settled, { signal });
  document.querySelector(".md-header")?.addEventListener("pointerover", start, { signal });
  document.addEventListener("focusin", ({ target }) => target instanceof Element && target.closest(".md-header") && start(), { signal });
  document.addEventListener("keydown", ({ target }) => target === document.body && start(), { signal });
  whenLoaded(() => setTimeout(start, PATIENCE));
}

/** Mends the page when it is there and at rest, and whenever the theme adds to it. */
export function mendTheme() {
  let waiting = false;
  const soon = () => {
    if (waiting) return;
    waiting = true;
    // It measures, so it would have the page laid out once more in the middle of a change.
    whenIdle(() => {
      waiting = false;
      mend();
    });
  };
  whenLoaded(soon);
  new MutationObserver(soon).observe(document.querySelector(".md-content") ?? document.body, { childList: true, subtree: true });
  addEventListener("resize", soon);
}
