/**
 * What the theme leaves out for those who do not see the page: names and roles, each with the check of axe that
 * asks for it. Goes when the theme goes.
 */

import { line } from "./dom.js";
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

/** Mends the page now and whenever the theme adds to it. */
export function mendTheme() {
  mend();
  new MutationObserver(mend).observe(document.querySelector(".md-content") ?? document.body, { childList: true, subtree: true });
  addEventListener("resize", mend);
}
