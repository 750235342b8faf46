/**
 * Every word that the scripts show or say. One file, so that a translation is one file.
 * What the engine says (moves, captions, reasons) comes from Python and is not here.
 */

export const player = {
  controls: "Step through the figure",
  first: "First step",
  back: "Step back",
  play: "Play",
  pause: "Pause",
  next: "Next step",
  last: "Last step",
  slider: "Step",
  speed: "Speed",
  keys: "Keys on the slider: arrows step, Page Up and Page Down go by phase, Home and End go to the ends, " +
    "Space plays, Esc stops.",
  /** @type {(step: number, last: number, line: string) => string} */
  position: (step, last, line) => `Step ${step} of ${last}, ${line}`,
  otherEdge: "This case never takes that arrow.",
};

/** @type {(n: number) => string} */
const moves = (n) => (n === 1 ? "1 move" : `${n} moves`);

export const lab = {
  moves,
  tools: "Your moves",
  undo: "Undo",
  redo: "Redo",
  restart: "Restart",
  copy: "Copy link",
  copied: "The link is copied. It opens exactly this situation.",
  copyByHand: "Copy this address. It opens exactly this situation.",
  address: "Address of this situation",
  /** @type {(move: string) => string} */
  waiting: (move) => `The engine is still starting. Your move is noted and will be played first: ${move}`,
  /** @type {(move: string, more: number) => string} */
  waitingMore: (move, more) => `The engine is still starting. Your ${more} moves are noted, the last one is: ${move}`,
  /** @type {(moves: string) => string} */
  shared: (moves) => `This address holds a situation of its own. Your own work (${moves}) is kept ` +
    "until you make a move here.",
  mine: "Back to my work",
  nothing: { undo: "There is no move to undo.", redo: "There is no move to redo." },
  restarted: "You are back at the beginning. Redo brings your moves back.",
  /** @type {(n: number) => string} */
  undone: (n) => `Undone. ${n === 0 ? "You are at the beginning." : `You have made ${moves(n)}.`}`,
  /** @type {(reason: string) => string} */
  partly: (reason) => `The rest of these moves does not fit: ${reason}`,
  cannot: "This situation cannot be opened.",
};

export const engine = {
  starting: "The engine is starting",
  list: "Looking for the engine",
  /** @type {(done: string, all: string) => string} */
  fetching: (done, all) => `Fetching the engine: ${done} of ${all} MB`,
  compiling: "Starting Python",
  importing: "Loading the TCP engine",
  restarting: "The engine stopped. It is starting again and will repeat your moves",
  live: "The engine is ready. It runs in this page.",
  retry: "Try again",
  walkthrough: "Read the walkthrough instead",
  /** @type {(what: string) => string} */
  failed: (what) => `The engine could not start. ${what}`,
  kept: "Your moves are kept.",
  offline: "A file did not arrive. Are you online?",
  /** @type {(file: string) => string} */
  missing: (file) => `The server does not have ${file}.`,
  /** @type {(file: string) => string} */
  damaged: (file) => `${file} arrived damaged.`,
  noWasm: "This browser does not run WebAssembly, or the page's policy forbids it.",
  noWorker: "Its script did not arrive, or this browser does not run module workers.",
  broken: "Python did not start.",
  crashed: "The engine stopped twice on the same move.",
};

export const editor = {
  program: "Your program",
  help: "Tab leaves the editor. Control and right bracket indents a line, control and left bracket takes it back. " +
    "With “Tab indents” on, Tab indents and Escape gives it back. Control and Enter runs.",
  shown: "Tab leaves the editor. Ctrl + ] indents, Ctrl + [ takes it back. Ctrl + Enter runs.",
  tabs: "Tab indents",
  plain: "The editor did not arrive. This is a plain text field; it works as well.",
};

export const code = {
  tools: "Your program",
  run: "Run the tests",
  stop: "Stop",
  restart: "Back to the first version",
  restarted: "This is the first version again. Your own comes back with Undo (Ctrl + Z).",
  starting: "Python is starting, in a place of its own. Your program runs as soon as it is there.",
  /** @type {(n: number, of: number) => string} */
  running: (n, of) => `Running test ${n} of ${of}`,
  /** @type {(passed: number, of: number) => string} */
  summary: (passed, of) => (passed === of ? `All ${of} tests pass. Read the summary below.` : `${passed} of ${of} tests pass.`),
  broken: "Your program does not run, so no test was tried.",
  /** @type {(ms: number) => string} */
  overrun: (ms) => `Your program did not come back within ${(ms / 1000).toFixed(1)} s and was ended. ` +
    "Your text and your results are kept, and the next run starts afresh.",
  crashed: "Your program broke the Python that ran it. Your text and your results are kept, and the next run starts afresh.",
  same: "It stops here too, in the same way as above.",
  stopped: "Stopped. Your text is kept.",
  /** @type {Record<string, string>} */
  results: { none: "not run", running: "running", passed: "passed", failed: "failed" },
  /** @type {Record<string, string>} */
  marks: { none: "–", running: "…", passed: "✓", failed: "✗" },
  printed: "It printed",
  ladder: "What happened",
  /** @type {(line: number) => string} */
  toLine: (line) => `Show line ${line} in the program`,
  older: "These results belong to an earlier version of your program.",
};

/** @type {(n: number) => string} */
const count = (n) => Math.round(n).toLocaleString("en");

export const population = {
  /** @type {Record<string, string>} */
  name: { rate: "New connections a second", buggy: "Clients that never close", size: "Room in the table" },
  /** @type {(name: string, value: number) => string} */
  value: (name, value) =>
    ({ rate: `${count(value)} a second`, buggy: `${value} %`, size: `${count(value)} entries` })[name] ?? String(value),
  /** @type {(q: {rate: number, buggy: number, size: number}) => string} */
  asks: (q) =>
    `${count(q.rate)} new connections a second, ${q.buggy} % of them from clients that never close, ` +
    `and a table with room for ${count(q.size)}.`,
  /** @type {(size: number) => string} */
  limit: (size) => `full: ${count(size)} entries`,
  /** @type {(seconds: number) => string} */
  full: (seconds) => {
    const whole = Math.round(seconds);
    return `the table is full after ${whole < 120 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`}`;
  },
  /** @type {(entries: number, entry: number) => string} */
  level: (entries, entry) => {
    const bytes = Math.round(entries) * entry;
    const memory = bytes >= 1e5 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e3).toFixed(1)} kB`;
    return `levels off at ${count(entries)} entries, ${memory}`;
  },
};

export const theme = {
  search: "Search",
};
