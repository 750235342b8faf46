/**
 * An editor in place of a text: CodeMirror where it arrives, else a plain text field with the same few methods.
 * The text itself stays in the page for paper, and follows the editor.
 */

import { el } from "./dom.js";
import { read, VERSION, write } from "./store.js";
import { editor as words } from "./strings.js";

/**
 * What this browser keeps of a learner's program.
 * @typedef {{text: string, passed: string[], done: boolean, seed: number}} Kept the program, the tests that it passes in
 *   that variant, and whether some version of it has passed them all
 */

/** The program kept under a name, or null: none, unreadable, or storage is not allowed here. @param {string} name @returns {Kept | null} */
export function keptProgram(name) {
  const { version, text, passed, done, seed } = read(`code:${name}`) ?? {};
  const sound = version === VERSION && typeof text === "string" && Array.isArray(passed);
  return sound ? { text, passed, done: done === true, seed: Number.isInteger(seed) ? seed : 0 } : null;
}

/** Keeps a program; silently does not where storage is full or forbidden. @param {string} name @param {Kept} kept */
export function keepProgram(name, kept) {
  write(`code:${name}`, { version: VERSION, ...kept });
}

/**
 * @typedef {object} Program
 * @property {string} text
 * @property {() => void} focus
 * @property {(line: number | null) => void} mark
 * @property {(on: boolean) => void} tabs
 * @property {boolean} plain whether it is only a text field
 */

/**
 * @param {HTMLElement} text the `<pre>` that it stands for; hidden on screens from now on
 * @param {{language: "python" | "packetdrill", indents?: number, label?: string, start?: string, changed: () => void, run: () => void}} options
 * @returns {Promise<Program>}
 */
export async function program(text, { language, indents, label = words.program, start, changed, run }) {
  const place = el("div", { class: "code-editor" });
  const switches = el("div", { class: "code-switches" });
  const paper = text.querySelector("code") ?? text;
  let dirty = false;
  /** @type {Program} */ let made;
  const follow = () => {
    if (dirty) paper.textContent = made.text;
    dirty = false;
  };
  addEventListener("beforeprint", follow);
  const told = () => {
    dirty = true;
    changed();
  };
  text.after(place, switches);
  const first = start ?? paper.textContent ?? "";
  try {
    const { edit } = await import("../editor/editor.js");
    const button = el("button", { type: "button", "aria-pressed": "false", "data-action": "tabs" }, words.tabs);
    const view = edit(place, {
      text: first, language, label, indents, help: words.help, changed: told, run,
      tabs: (/** @type {boolean} */ on) => button.setAttribute("aria-pressed", String(on)),
    });
    button.addEventListener("click", () => view.tabs(button.getAttribute("aria-pressed") !== "true"));
    switches.append(button, el("span", {}, words.shown));
    made = Object.assign(view, { plain: false });
  } catch {
    made = field(place, first, label, told, run);
    switches.append(el("span", {}, words.plain));
  }
  text.classList.add("code-paper");
  dirty = start !== undefined;
  return made;
}

/** @param {HTMLElement} place @param {string} text @param {string} label @param {() => void} changed @param {() => void} run @returns {Program} */
function field(place, text, label, changed, run) {
  const area = /** @type {HTMLTextAreaElement} */ (el("textarea", { "aria-label": label, spellcheck: "false", rows: 24, wrap: "off" }));
  area.value = text;
  area.addEventListener("input", changed);
  area.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.preventDefault(), run();
  });
  place.append(area);
  return {
    plain: true,
    get text() {
      return area.value;
    },
    set text(value) {
      area.value = value;
      changed();
    },
    focus: () => area.focus(),
    tabs() {},
    mark(line) {
      if (line === null) return;
      const lines = area.value.split("\n");
      const from = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
      area.setSelectionRange(from, from + (lines[line - 1] ?? "").length);
    },
  };
}
