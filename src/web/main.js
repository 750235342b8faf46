/**
 * The one script that every page loads: all modules of this folder, which the build makes one file of. The page of a
 * lab names it right behind the lab, which then comes to life before the rest of the page and the theme's scripts are here.
 */

import { CodeLab } from "./code.js";
import { Lab } from "./lab.js";
import { Machine } from "./machine.js";
import { keepPages } from "./offline.js";
import { Packetdrill } from "./pkt.js";
import { Player } from "./player.js";
import { Population } from "./population.js";
import { mendTheme } from "./theme.js";

// Whoever needs the page's own engine imports it from here.
export { engine } from "./engine.js";
export { foreseen } from "./futures.js";
export { supply } from "./supply.js";

/** @param {Record<string, CustomElementConstructor>} elements */
function define(elements) {
  for (const [name, element] of Object.entries(elements)) customElements.get(name) ?? customElements.define(name, element);
}

/** What needs the whole page: an element defined before it is parsed would come to life without its content. */
function begin() {
  define({
    "tcp-player": Player, "tcp-lab": Lab, "tcp-code": CodeLab,
    "tcp-machine": Machine, "tcp-pkt": Packetdrill, "tcp-population": Population,
  });
  mendTheme();
  keepPages();
}

if (document.querySelectorAll("tcp-lab").length === 1) define({ "tcp-lab": Lab });
if (document.readyState === "loading") addEventListener("DOMContentLoaded", begin, { once: true });
else begin();
