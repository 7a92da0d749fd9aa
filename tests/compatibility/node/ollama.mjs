// The official client of Ollama.

import { Ollama } from "ollama";
import { MODEL, SCHEMA, TOOL, told } from "./asked.mjs";

export async function ask(given, say, left) {
  const client = new Ollama({
    host: given.url,
    fetch: (url, options) => fetch(url, { ...options, signal: AbortSignal.any([left.signal, ...(options?.signal ? [options.signal] : [])]) }),
  });
  const model = given.model ?? MODEL;
  switch (given.do ?? "chat") {
    case "list":
      return told("", [], null, (await client.list()).models.map((each) => each.model));
    case "show":
      return told("", [], null, Object.keys((await client.show({ model })).model_info).sort());
    case "running":
      return told("", [], null, (await client.ps()).models.map((each) => each.model));
    case "pull": {
      if (!given.stream) return told("", [], null, [(await client.pull({ model, stream: false })).status]);
      const seen = [];
      for await (const part of await client.pull({ model, stream: true })) seen.push(part.status);
      return told("", [], null, seen);
    }
    case "embed":
      return told("", [], null, (await client.embed({ model, input: given.text })).embeddings);
    case "delete":
      return told("", [], null, (await client.delete({ model })).status);
    case "generate":
      return generate(client, model, given, say);
    default:
      return chat(client, model, given, say);
  }
}

async function generate(client, model, given, say) {
  if (!given.stream) {
    const answer = await client.generate({ model, prompt: given.text });
    say(answer.response);
    return told(answer.response, [], answer.done_reason);
  }
  let text = "", finish = null;
  for await (const part of await client.generate({ model, prompt: given.text, stream: true })) {
    if (part.response) { text += part.response; say(part.response); }
    finish = part.done_reason ?? finish;
  }
  return told(text, [], finish);
}

async function chat(client, model, given, say) {
  const asked = { model, messages: given.messages ?? [{ role: "user", content: given.text }] };
  if (given.tools) asked.tools = [TOOL];
  if (given.schema) asked.format = SCHEMA;
  const first = await turn(client, asked, given.stream, say);
  if (given.result === undefined || !first.calls.length) return first;
  asked.messages = [
    ...asked.messages,
    { role: "assistant", content: first.text, tool_calls: first.raw },
    { role: "tool", content: given.result, tool_name: first.calls[0].name },
  ];
  return { ...(await turn(client, asked, given.stream, say)), calls: first.calls };
}

async function turn(client, asked, streams, say) {
  let text = "", finish = null;
  const raw = [];
  const take = (part) => {
    if (part.message.content) { text += part.message.content; say(part.message.content); }
    raw.push(...(part.message.tool_calls ?? []));
    finish = part.done_reason ?? finish;
  };
  if (streams) for await (const part of await client.chat({ ...asked, stream: true })) take(part);
  else take(await client.chat(asked));
  const calls = raw.map((each) => ({ name: each.function.name, arguments: each.function.arguments }));
  return { ...told(text, calls, finish), raw };
}
