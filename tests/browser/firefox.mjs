/**
 * Drives a stock Firefox by WebDriver BiDi: `node firefox.mjs FIREFOX PROFILE`, then one JSON value a line on standard
 * input, each answered by one line: `{open: address}` goes there, `{run: expression}` gives its value, a promise's too.
 * Playwright drives only a Firefox of its own, which no package registry has.
 */

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

const [firefox, profile] = process.argv.slice(2);
const browser = spawn(firefox, ["--headless", "--no-remote", "--profile", profile, "--remote-debugging-port=0", "about:blank"], {
  stdio: ["ignore", "ignore", "pipe"],
});
process.on("exit", () => browser.kill());

const address = await new Promise((then, fail) => {
  let said = "";
  browser.stderr.on("data", (text) => {
    said += text;
    const found = said.match(/WebDriver BiDi listening on (ws:\S+)/);
    if (found) then(found[1]);
  });
  browser.on("exit", () => fail(new Error(`Firefox ended: ${said.slice(-500)}`)));
});
const line = new WebSocket(`${address}/session`);
await new Promise((then) => (line.onopen = then));

let asked = 0;
const open = new Map();
line.onmessage = ({ data }) => {
  const message = JSON.parse(data);
  open.get(message.id)?.(message);
};
const PATIENCE = 40_000;
function ask(method, params) {
  return new Promise((then, fail) => {
    setTimeout(() => fail(new Error(`${method} took too long`)), PATIENCE).unref();
    open.set(++asked, (message) => (message.type === "error" ? fail(new Error(message.message)) : then(message.result)));
    line.send(JSON.stringify({ id: asked, method, params }));
  });
}

await ask("session.new", { capabilities: {} });
const { contexts: [{ context }] } = await ask("browsingContext.getTree", {});

for await (const command of createInterface({ input: process.stdin })) {
  const { open: url, run } = JSON.parse(command);
  let answer = null;
  try {
    if (url) {
      await ask("browsingContext.navigate", { context, url, wait: "complete" });
    } else {
      const expression = `Promise.resolve(${run}).then((value) => JSON.stringify(value ?? null))`;
      const { result, exceptionDetails } = await ask("script.evaluate", { expression, target: { context }, awaitPromise: true });
      if (exceptionDetails) throw new Error(exceptionDetails.text);
      answer = JSON.parse(result.value);
    }
    console.log(JSON.stringify({ answer }));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error) }));
  }
}
process.exit();
