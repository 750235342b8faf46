/** Small helpers for building elements. No markup strings: text stays text. */

/**
 * An element with attributes and children; an attribute that is null or false is left out.
 * @param {string} tag
 * @param {Record<string, string | number | boolean | null>} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children);
  return element;
}

/**
 * A link to the book, with a blank before it; nothing where the line at the foot of the page does not offer it.
 * @param {string} text
 * @returns {Node[]}
 */
export function wayToBook(text) {
  const book = document.querySelector('.takeaway a[href$="fin-wait-2.pdf"]');
  return book ? [document.createTextNode(" "), el("a", { href: book.getAttribute("href") }, text)] : [];
}

const SVG = "http://www.w3.org/2000/svg";

/** Outlines of the icons, drawn in a box of 24 units. */
const ICONS = {
  first: "M6 5v14M18 5l-9 7 9 7z",
  back: "M16 5l-9 7 9 7z",
  play: "M8 5l11 7-11 7z",
  pause: "M8 5v14M16 5v14",
  next: "M8 5l9 7-9 7z",
  last: "M18 5v14M6 5l9 7-9 7z",
};

/**
 * A picture for a button that carries its name elsewhere.
 * @param {keyof typeof ICONS} name
 * @returns {SVGElement}
 */
export function icon(name) {
  const svg = /** @type {SVGElement} */ (document.createElementNS(SVG, "svg"));
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "tcp-icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/**
 * The text of an element as one line, as a reader or a screen reader meets it.
 * @param {Element} element
 */
export function line(element) {
  return (element.textContent ?? "").replace(/\s+/g, " ").trim();
}

/**
 * Replaces what follows `#` without a new entry in the history, so that Back leaves the page.
 * Browsers refuse more than about a hundred replacements in half a minute: the picture matters more.
 * @param {string} fragment empty for none
 */
export function setFragment(fragment) {
  const address = fragment ? `#${fragment}` : location.pathname + location.search;
  try {
    history.replaceState(history.state, "", address);
  } catch {
    /* too many replacements: the next step sets it */
  }
}

/** Calls when the page has nothing more urgent to do, half a second from now at the latest. @param {() => void} then */
export const whenIdle = (then) => (globalThis.requestIdleCallback ?? setTimeout)(then, { timeout: 500 });

/** Calls when the page has shown what has just changed; at once where nobody looks. @param {() => void} then */
export function afterPaint(then) {
  if (document.hidden) setTimeout(then);
  else requestAnimationFrame(() => setTimeout(then));
}

/** Calls when the page and all that it names is there. @param {() => void} then */
export function whenLoaded(then) {
  if (document.readyState === "complete") then();
  else addEventListener("load", then, { once: true });
}
