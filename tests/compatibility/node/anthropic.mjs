// The official client of Anthropic.

import Anthropic from "@anthropic-ai/sdk";
import { DESCRIPTION, MODEL, PARAMETERS, SCHEMA, milliseconds, told } from "./asked.mjs";

const TOOL = { name: "add_numbers", description: DESCRIPTION, input_schema: PARAMETERS };

function read(message) {
  const text = message.content.filter((each) => each.type === "text").map((each) => each.text).join("");
  const used = message.content.filter((each) => each.type === "tool_use");
  return told(text, used.map((each) => ({ name: each.name, arguments: each.input })), message.stop_reason);
}

export async function ask(given, say, left) {
  const client = new Anthropic({
    baseURL: given.url,
    apiKey: "none",
    ...(given.timeout != null && { timeout: milliseconds(given.timeout) }),
    ...(given.retries != null && { maxRetries: given.retries }),
  });
  const how = { signal: left.signal };
  const model = given.model ?? MODEL;
  const asked = {
    model,
    max_tokens: given.limit ?? 4096,
    messages: given.messages ?? [{ role: "user", content: given.text }],
  };
  if (given.tools) asked.tools = [TOOL];
  if (given.schema) asked.output_config = { format: { type: "json_schema", schema: SCHEMA } };
  switch (given.do ?? "chat") {
    case "list":
      return told("", [], null, (await client.models.list()).data.map((each) => each.id));
    case "show":
      return told("", [], null, [(await client.models.retrieve(model)).id]);
    case "count":
      return told("", [], null, (await client.messages.countTokens({ model, messages: asked.messages })).input_tokens);
  }
  const turn = async (asked) => {
    if (!given.stream) {
      const message = await client.messages.create(asked, how);
      say(read(message).text);
      return message;
    }
    const stream = client.messages.stream(asked, how);
    stream.on("text", say);
    return await stream.finalMessage();
  };
  const first = await turn(asked);
  const used = first.content.filter((each) => each.type === "tool_use");
  if (given.result === undefined || !used.length) return read(first);
  const results = used.map((each) => ({ type: "tool_result", tool_use_id: each.id, content: given.result }));
  asked.messages = [
    ...asked.messages,
    { role: "assistant", content: first.content },
    { role: "user", content: results },
  ];
  return { ...read(await turn(asked)), calls: read(first).calls };
}
