/** Which worker several pages share: what the page's script and the few lines ahead of it (`ahead.js`) must agree on. */

/** Whether a shared worker here lives on from one page to the next: whether the browser looks at that wish. */
export function outlives() {
  let looked = false;
  try {
    // No address, so nothing is started.
    new SharedWorker("https://:", /** @type {WorkerOptions} */ ({ get extendedLifetime() { return (looked = true); } }));
  } catch {
    /* as meant */
  }
  return looked;
}

/** What this visit remembers from page to page. */
export const session = {
  /** @param {string} key */
  get(key) {
    try {
      return sessionStorage.getItem(`teardown:${key}`);
    } catch {
      return null; // not allowed here
    }
  },
  /** @param {string} key @param {string} value */
  set(key, value) {
    try {
      sessionStorage.setItem(`teardown:${key}`, value);
    } catch {
      /* not allowed here */
    }
  },
};

/** How many workers this visit has given up: a shared one of the same name might still hang. */
export const spent = () => Number(session.get("spent")) || 0;

/**
 * The name of the shared worker that runs a build of the engine. @param {string} build
 * @param {{plain?: boolean, given?: number}} [how] the ordinary way, and how many workers were given up
 */
export const sharedName = (build, { plain = false, given = spent() } = {}) =>
  [build, plain ? "plain" : "", given || ""].join(" ").trim();
