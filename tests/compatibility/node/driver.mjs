// Runs cases with clients of npm: reads them from its standard input, one JSON a line, and tells what came, as the
// driver of Python does. `{"id", "leave"}` gives up a case by the client's own means.

import { createInterface } from "node:readline";

const MODULES = {
  ollama: "./ollama.mjs",
  openai: "./openai.mjs",
  anthropic: "./anthropic.mjs",
  ai: "./ai.mjs",
};

// What a client has to say to people does not stand among the lines.
console.log = console.info = console.debug = console.error;
globalThis.AI_SDK_LOG_WARNINGS = false;

const leaving = new Map();

function write(line) {
  process.stdout.write(JSON.stringify(line) + "\n");
}

function described(error) {
  const causes = [];
  for (let each = error; each; each = each.cause) causes.push(`${each.name}: ${each.message}`);
  return {
    kind: error?.constructor?.name ?? typeof error,
    status: error?.status ?? error?.statusCode ?? error?.status_code ?? null,
    message: causes.join(" < ").slice(0, 2000) || String(error),
  };
}

async function run(given) {
  const left = new AbortController();
  leaving.set(given.id, left);
  const say = (piece) => write({ id: given.id, piece });
  let end;
  try {
    const { ask } = await import(MODULES[given.client.split("-")[0]]);
    end = await ask(given, say, left);
  } catch (error) {
    end = { error: described(error) };
  }
  leaving.delete(given.id);
  write({ id: given.id, end });
}

for (const name of process.argv.slice(2)) await import(MODULES[name]);
write({ ready: true });
for await (const line of createInterface({ input: process.stdin })) {
  const given = JSON.parse(line);
  if (given.leave) leaving.get(given.id)?.abort();
  else run(given);
}
