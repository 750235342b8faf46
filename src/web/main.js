/**
 * The one script that every page loads: all modules of this folder, which the build makes one file of. On most pages it
 * runs when the page has been parsed. On the page of a lab it may run sooner, and the first picture waits for it
 * (`src/teardown/site/order.py`).
 */

import { CodeLab } from "./code.js";
import { engine } from "./engine.js";
import { Lab } from "./lab.js";
import { Machine } from "./machine.js";
import { keepPages } from "./offline.js";
import { Packetdrill } from "./pkt.js";
import { Player } from "./player.js";
import { Population } from "./population.js";
import { mendTheme, startTheme } from "./theme.js";

// Whoever needs the page's own engine imports it from here.
export { engine };
export { foreseen } from "./futures.js";
export { supply } from "./supply.js";

const elements = {
  "tcp-player": Player, "tcp-lab": Lab, "tcp-code": CodeLab,
  "tcp-machine": Machine, "tcp-pkt": Packetdrill, "tcp-population": Population,
};

// Where the engine has run before, all its files are here, and nothing of the page is needed to start it.
if (document.querySelector("script[data-lab]") && engine.known) engine.start();

/** @param {string[]} names */
function define(...names) {
  for (const name of names) customElements.get(name) ?? customElements.define(name, elements[/** @type {keyof typeof elements} */ (name)]);
}

function begin() {
  define(...Object.keys(elements));
  mendTheme();
  startTheme();
  keepPages();
}

// An element that is defined before it is parsed would come to life without its content. After this event all is there,
// and the page may have been painted; a lab that is there already is painted once, with its tools.
if (document.readyState !== "loading") begin();
else {
  document.addEventListener("readystatechange", begin, { once: true });
  if (document.querySelector("tcp-lab")?.nextSibling) define("tcp-lab");
}
