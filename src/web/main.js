/** The one script that every page loads. Code for labs and special figures is fetched only where there is one. */

import { keepPages } from "./offline.js";
import { Player } from "./player.js";
import { mendTheme } from "./theme.js";

/** @type {Record<string, () => Promise<CustomElementConstructor>>} */
const rare = {
  "tcp-lab": async () => (await import("./lab.js")).Lab,
  "tcp-code": async () => (await import("./code.js")).CodeLab,
  "tcp-machine": async () => (await import("./machine.js")).Machine,
  "tcp-pkt": async () => (await import("./pkt.js")).Packetdrill,
  "tcp-population": async () => (await import("./population.js")).Population,
};

if (!customElements.get("tcp-player")) customElements.define("tcp-player", Player);

for (const [name, load] of Object.entries(rare)) {
  if (!document.querySelector(name) || customElements.get(name)) continue;
  load().then((element) => customElements.get(name) ?? customElements.define(name, element));
}

mendTheme();
keepPages();
