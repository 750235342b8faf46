/**
 * What the theme leaves out for those who do not see the page: names and roles, each with the check of axe that
 * asks for it. Goes when the theme goes.
 */

import { el, line, whenIdle, whenLoaded } from "./dom.js";
import { engine } from "./engine.js";
import { theme as words } from "./strings.js";

function mend() {
  // aria-dialog-name
  document.querySelector(".md-search[role=dialog]:not([aria-label])")?.setAttribute("aria-label", words.search);
  // landmark-unique: some navigation is labelled by an empty element, and a copy button is no navigation
  for (const nav of document.querySelectorAll(".md-nav[aria-labelledby]")) {
    const label = document.getElementById(nav.getAttribute("aria-labelledby") ?? "");
    const title = nav.querySelector(".md-nav__title");
    if (!title || label?.textContent?.trim()) continue;
    nav.removeAttribute("aria-labelledby");
    nav.setAttribute("aria-label", line(title));
  }
  for (const nav of document.querySelectorAll(".md-code__nav:not([role])")) nav.setAttribute("role", "none");
  // scrollable-region-focusable
  for (const box of document.querySelectorAll(".md-typeset :is(table:not([class]), .md-typeset__scrollwrap):not([tabindex])")) {
    if (box.scrollWidth > box.clientWidth) box.setAttribute("tabindex", "0");
  }
}

/** The longest that the theme's script waits for the engine, in ms from the moment that the page is there. */
const PATIENCE = 4_000;

/**
 * Starts the theme's script where it waits (`src/teardown/site/order.py`): when the engine is there, which it would disturb,
 * and at once when the reader turns to what the theme does: the header with its search, or a key.
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
  const settled = () => ["live", "failed"].includes(engine.health) && whenIdle(start);
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
