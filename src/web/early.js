/**
 * Loaded by the page of a lab right behind the lab: it comes to life as soon as its scripts are here, and need not wait
 * for the theme's.
 */

import { Lab } from "./lab.js";

if (!customElements.get("tcp-lab")) customElements.define("tcp-lab", Lab);
