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
  hint: "Hint",
  doneBefore: "Done before: ",
  /** @type {(done: number, all: number, next: string) => string} */
  reached: (done, all, next) => `☑ ${done} of ${all} goals reached. Next: ${next}`,
  /** @type {(goals: number, questions: number) => string} */
  finished: (goals, questions) => `All ${goals} goals are reached` +
    `${questions ? `, and ${questions === 1 ? "1 question is" : `${questions} questions are`} answered` : ""}.`,
  finishedLink: "Read what it means, and where to go on",
  work: "Variant, saving, loading",
  variant: "Variant",
  variantGo: "Show",
  variantNext: "Another variant",
  variantNote: "The same number is the same lab everywhere. Each variant keeps its own work.",
  /** @type {(seed: number) => string} */
  variantShown: (seed) => `This is variant ${seed}.`,
  save: "Save all my work as a file",
  load: "Load a file",
  file: "teardown-work.json",
  saveNote: "The file holds your moves and programs of all labs. Nothing leaves this browser unless you send it.",
  saved: "The file is saved.",
  noStorage: "This browser does not let the page keep anything.",
  /** @type {(n: number) => string} */
  loaded: (n) => `${n === 1 ? "1 entry is" : `${n} entries are`} loaded. What was here before is kept.`,
  unload: "Bring back what was here before",
  unloaded: "What was here before is back.",
  /** @type {Record<string, (what: string) => string>} */
  unfit: {
    large: () => "This file is too large to be work of these labs. Nothing has changed.",
    json: () => "This file is not JSON. Nothing has changed.",
    other: () => "This file is not work of these labs. Nothing has changed.",
    version: (what) => `This file is of version ${what}, and this page reads version 1. Nothing has changed; a copy of what is here is kept.`,
    key: (what) => `This file holds something that this page does not know: “${what}”. Nothing has changed.`,
    full: () => "This browser has no room for it. What was here is kept.",
  },
};

export const forks = {
  title: "Other futures",
  here: "Link to the present one",
  /** @type {(n: number, made: number) => string} */
  nth: (n, made) => `Future ${n}: ${moves(made)}`,
  go: "Go to this one",
  drawing: "The picture comes with the engine.",
  noPicture: "There is no picture of it.",
};

export const predictions = {
  title: "Before you go on",
  skip: "You can also go on without an answer.",
  right: "Right.",
  wrong: "Not so. Try again.",
  /** @type {(question: string) => string} */
  spoken: (question) => `A question, before the moves: ${question}`,
};

export const hints = {
  /** @type {(n: number, all: number, goal: string, text: string) => string} */
  nth: (n, all, goal, text) => `Hint ${n} of ${all} for “${goal}” ${text}`,
  searching: "Looking for the shortest way …",
  nothing: "All goals are reached.",
  /** @type {(text: string, left: number, goal: string) => string} */
  move: (text, left, goal) => `The next move for “${goal}” is: ${text}. ` +
    (left === 1 ? "It is the last one." : `${moves(left - 1)} more after it.`),
  /** @type {(n: number, goal: string) => string} */
  lost: (n, goal) => `From here no way leads to “${goal}” any more, as far as the search can see. ` +
    `${moves(n)} earlier there is one.`,
  /** @type {(n: number) => string} */
  back: (n) => `Go back ${moves(n)}`,
  /** @type {(goal: string) => string} */
  none: (goal) => `The search has found no way to “${goal}” within its bounds.`,
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
  book: "Or take the book, which has the lab on paper (PDF)",
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
  variantNote: "The same number is the same tests everywhere. Your program goes along: it should pass them in every variant.",
};

export const machine = {
  tools: "Your machine",
  run: "Run all scenarios",
  stop: "Stop",
  reset: "Back to the standard",
  none: "Nothing is changed yet: this is the machine of the standard.",
  /** @type {(row: string, to: string) => string} */
  row: (row, to) => (to === "" ? `dropped: ${row}` : `${row} now leads to ${to === "stay" ? "the same state" : to}`),
  /** @type {(stack: string, name: string, value: string) => string} */
  value: (stack, name, value) => `${stack}: ${name} = ${value}`,
  undo: "Take back",
  /** @type {(n: number, of: number) => string} */
  running: (n, of) => `Running scenario ${n} of ${of}`,
  /** @type {(differ: number, broken: number, of: number) => string} */
  summary: (differ, broken, of) =>
    differ ? `${differ} of ${of} scenarios go another way${broken ? `, ${broken} of them break a rule that must always hold or cannot go on` : ""}.`
      : `All ${of} scenarios go as before.`,
  /** @type {Record<string, string>} */
  results: { none: "not run", running: "running", same: "as before", differs: "another way", broken: "broken" },
  /** @type {Record<string, string>} */
  marks: { none: "–", running: "…", same: "=", differs: "≠", broken: "✗" },
  /** @type {(step: number) => string} */
  first: (step) => `The first difference is at step ${step}.`,
  was: "Before",
  now: "Now",
  end: "The end",
  /** @type {(rule: string, step: number) => string} */
  broke: (rule, step) => `Broken at step ${step}: ${rule}`,
  draw: "Show both ladders",
  older: "These results belong to another machine.",
  overrun: "That took too long and was ended.",
};

export const pkt = {
  tools: "Your script",
  label: "Your packetdrill script",
  run: "Run the script",
  /** @type {Record<string, (answer: {line: number, message: string, stack: string, checked: number}) => string>} */
  told: {
    ok: ({ stack, checked }) => `The engine does what the script says, as ${stack}: ${checked} things compared.`,
    "not ok": ({ line, message, stack }) => `Line ${line} does not fit ${stack}: ${message}.`,
    skip: ({ line, message }) => `Not run. Line ${line}: ${message}.`,
    unreadable: ({ line, message }) => (line ? `Line ${line} cannot be read. ${message}` : message),
  },
  starting: "The engine is starting.",
  overrun: "The script took too long and was ended. Your text is kept.",
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

export const offline = {
  update: "A newer version of these pages is here.",
  reload: "Reload",
};
