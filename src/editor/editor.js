/**
 * The program editor of the labs: CodeMirror 6, bundled when the site is built and fetched only where one is shown.
 *
 * It lives in a shadow tree. There CodeMirror adds its styles with `adoptedStyleSheets` and not as `<style>` elements,
 * so a strict Content-Security-Policy lets it. Colours are the site's own variables, which reach into shadow trees.
 */

import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { pythonLanguage } from "@codemirror/lang-python";
import {
  bracketMatching, HighlightStyle, indentOnInput, indentUnit, LanguageSupport, StreamLanguage, syntaxHighlighting,
} from "@codemirror/language";
import { Compartment, EditorState, StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, highlightSpecialChars, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

/** packetdrill scripts: comments, commands, and where a packet goes. */
const packetdrill = StreamLanguage.define({
  token(stream) {
    if (stream.sol() && stream.match(/^#\w+.*/)) return "meta";
    if (stream.match(/^\/\/.*/)) return "comment";
    if (stream.match(/^`[^`]*`?/)) return "string";
    if (stream.match(/^[+~]?\d[\d.]*/)) return "number";
    if (stream.match(/^[<>]/)) return "keyword";
    if (stream.match(/^[A-Za-z_]\w*(?=\()/)) return "propertyName";
    stream.next();
    return null;
  },
});

const LANGUAGES = { python: new LanguageSupport(pythonLanguage), packetdrill: new LanguageSupport(packetdrill) };

const highlighting = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.controlKeyword], color: "var(--tcp-active)", fontWeight: "600" },
  { tag: [tags.string, tags.docString], color: "var(--tcp-established)" },
  { tag: tags.comment, color: "var(--tcp-soft)", fontStyle: "italic" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--tcp-fin-wait-2)" },
  { tag: [tags.definition(tags.variableName), tags.definition(tags.className), tags.className], fontWeight: "600" },
  { tag: [tags.function(tags.propertyName), tags.propertyName], color: "var(--tcp-passive)" },
  { tag: [tags.meta, tags.self], color: "var(--tcp-soft)" },
  { tag: tags.invalid, color: "var(--tcp-fault)" },
]);

const look = EditorView.theme({
  "&": { color: "var(--tcp-ink)", backgroundColor: "var(--tcp-page)", border: "1px solid var(--tcp-hair)", fontSize: "13.5px" },
  "&.cm-focused": { outline: "3px solid var(--tcp-fin-wait-2)", outlineOffset: "2px" },
  ".cm-scroller": { fontFamily: "var(--md-code-font-family, monospace)", lineHeight: "1.5" },
  ".cm-content": { caretColor: "var(--tcp-ink)", padding: "0.5em 0" },
  ".cm-lineNumbers .cm-gutterElement": { minWidth: "2.2em", padding: "0 0.4em 0 0.2em" },
  ".cm-gutters": { color: "var(--tcp-soft)", backgroundColor: "var(--tcp-neutral-tint)", border: "0" },
  ".cm-line": { padding: "0 0.5em" },
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": { backgroundColor: "var(--tcp-fin-wait-2-tint)", outline: "1px solid var(--tcp-hair)" },
  ".cm-marked": { backgroundColor: "var(--tcp-fault-tint)", boxShadow: "inset 4px 0 var(--tcp-fault)" },
});

/** @type {import("@codemirror/state").StateEffectType<number | null>} */
const mark = StateEffect.define();
const marked = StateField.define({
  create: () => Decoration.none,
  update(lines, change) {
    for (const effect of change.effects) {
      if (!effect.is(mark)) continue;
      const { doc } = change.state;
      if (effect.value === null || effect.value < 1 || effect.value > doc.lines) return Decoration.none;
      return Decoration.set(Decoration.line({ class: "cm-marked" }).range(doc.line(effect.value).from));
    }
    return change.docChanged ? Decoration.none : lines;
  },
  provide: (field) => EditorView.decorations.from(field),
});

/**
 * An editor below `parent`. Tab leaves it, until `tabs(true)`; Esc gives Tab back.
 * @param {HTMLElement} parent
 * @param {{text: string, language: "python" | "packetdrill", label: string, help: string, indents?: number,
 *   changed: () => void, run: () => void, tabs: (on: boolean) => void}} options
 */
export function edit(parent, { text, language, label, help, indents = 4, changed, run, tabs }) {
  const root = parent.shadowRoot ?? parent.attachShadow({ mode: "open" });
  const tab = new Compartment();
  const told = document.createElement("p");
  told.id = "help";
  told.hidden = true;
  told.textContent = help;

  /** @param {boolean} on */
  const setTabs = (on) => {
    view.dispatch({ effects: tab.reconfigure(on ? keymap.of([indentWithTab]) : []) });
    tabs(on);
  };
  const own = keymap.of([
    { key: "Mod-Enter", run: () => (run(), true) },
    { key: "Escape", run: () => (setTabs(false), false) },
  ]);
  const extensions = [
    own, tab.of([]), lineNumbers(), highlightSpecialChars(), history(), indentOnInput(), bracketMatching(), marked, look,
    EditorView.lineWrapping, indentUnit.of(" ".repeat(indents)), LANGUAGES[language], syntaxHighlighting(highlighting),
    keymap.of([...defaultKeymap.filter(({ key }) => key !== "Ctrl-m"), ...historyKeymap]),
    EditorView.contentAttributes.of({ "aria-label": label, "aria-describedby": "help", spellcheck: "false" }),
    EditorView.updateListener.of((update) => update.docChanged && changed()),
  ];
  const view = new EditorView({ parent: root, root, state: EditorState.create({ doc: text, extensions }) });
  root.append(told);
  return {
    get text() {
      return view.state.doc.toString();
    },
    set text(doc) {
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: doc } });
    },
    tabs: setTabs,
    focus: () => view.focus(),
    /** Marks a line, from 1, and shows it. @param {number | null} line */
    mark(line) {
      const effects = [mark.of(line)];
      if (line !== null && line >= 1 && line <= view.state.doc.lines) {
        const { from } = view.state.doc.line(line);
        view.dispatch({ effects: [...effects, EditorView.scrollIntoView(from, { y: "center" })] });
      } else view.dispatch({ effects });
    },
  };
}
