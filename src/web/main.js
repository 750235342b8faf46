/** The one script that every page loads. Lab code is fetched only where a lab is. */

import { Player } from "./player.js";

if (!customElements.get("tcp-player")) customElements.define("tcp-player", Player);

if (document.querySelector("tcp-lab")) {
  import("./lab.js").then(({ Lab }) => {
    if (!customElements.get("tcp-lab")) customElements.define("tcp-lab", Lab);
  });
}
