// The official client of OpenAI: chat, completions and responses.

import OpenAI from "openai";
import { DESCRIPTION, MODEL, PARAMETERS, SCHEMA, TOOL, milliseconds, told } from "./asked.mjs";

const FLAT = { type: "function", name: "add_numbers", description: DESCRIPTION, parameters: PARAMETERS, strict: false };

export async function ask(given, say, left) {
  const client = new OpenAI({
    baseURL: `${given.url}/v1`,
    apiKey: "none",
    ...(given.timeout != null && { timeout: milliseconds(given.timeout) }),
    ...(given.retries != null && { maxRetries: given.retries }),
  });
  const how = { signal: left.signal };
  const model = given.model ?? MODEL;
  if (given.client === "openai-js-responses") return responses(client, model, given, say, how);
  switch (given.do ?? "chat") {
    case "list":
      return told("", [], null, (await client.models.list()).data.map((each) => each.id));
    case "show":
      return told("", [], null, [(await client.models.retrieve(model)).id]);
    case "embed":
      return told("", [], null, (await client.embeddings.create({ model, input: given.text })).data);
    case "completions":
      return completions(client, model, given, say, how);
    default:
      return chat(client, model, given, say, how);
  }
}

async function chat(client, model, given, say, how) {
  const asked = { model, messages: given.messages ?? [{ role: "user", content: given.text }], ...given.options };
  if (given.tools) asked.tools = [TOOL];
  if (given.schema)
    asked.response_format = { type: "json_schema", json_schema: { name: "place", schema: SCHEMA, strict: true } };
  const first = await turn(client, asked, given.stream, say, how);
  const calls = first.calls.map((each) => ({ name: each.function.name, arguments: JSON.parse(each.function.arguments) }));
  if (given.result === undefined || !calls.length) return told(first.text, calls, first.finish);
  const results = first.calls.map((each) => ({ role: "tool", tool_call_id: each.id, content: given.result }));
  const message = { role: "assistant", content: first.text || null, tool_calls: first.calls };
  const next = { ...asked, messages: [...asked.messages, message, ...results] };
  const second = await turn(client, next, given.stream, say, how);
  return told(second.text, calls, second.finish);
}

async function turn(client, asked, streams, say, how) {
  if (!streams) {
    const choice = (await client.chat.completions.create(asked, how)).choices[0];
    say(choice.message.content ?? "");
    return { text: choice.message.content ?? "", calls: choice.message.tool_calls ?? [], finish: choice.finish_reason };
  }
  let text = "", finish = null;
  const calls = [];
  for await (const chunk of await client.chat.completions.create({ ...asked, stream: true }, how))
    for (const choice of chunk.choices) {
      if (choice.delta.content) { text += choice.delta.content; say(choice.delta.content); }
      for (const call of choice.delta.tool_calls ?? []) {
        calls[call.index] ??= { id: call.id, type: "function", function: { name: "", arguments: "" } };
        calls[call.index].function.name += call.function?.name ?? "";
        calls[call.index].function.arguments += call.function?.arguments ?? "";
      }
      finish = choice.finish_reason ?? finish;
    }
  return { text, calls, finish };
}

async function completions(client, model, given, say, how) {
  const asked = { model, prompt: given.text };
  if (!given.stream) {
    const choice = (await client.completions.create(asked, how)).choices[0];
    say(choice.text);
    return told(choice.text, [], choice.finish_reason);
  }
  let text = "", finish = null;
  for await (const chunk of await client.completions.create({ ...asked, stream: true }, how))
    for (const choice of chunk.choices) {
      if (choice.text) { text += choice.text; say(choice.text); }
      finish = choice.finish_reason ?? finish;
    }
  return told(text, [], finish);
}

async function responses(client, model, given, say, how) {
  const asked = { model, input: given.text, ...given.options };
  if (given.tools) asked.tools = [FLAT];
  if (given.schema) asked.text = { format: { type: "json_schema", name: "place", schema: SCHEMA, strict: true } };
  const turn = async (asked) => {
    if (!given.stream) {
      const answer = await client.responses.create(asked, how);
      say(answer.output_text);
      return answer;
    }
    const stream = client.responses.stream(asked, how);
    stream.on("response.output_text.delta", (event) => say(event.delta));
    return await stream.finalResponse();
  };
  const text = (answer) =>
    answer.output.flatMap((each) => each.content ?? []).map((part) => part.text ?? "").join("");
  const first = await turn(asked);
  const made = first.output.filter((each) => each.type === "function_call");
  const calls = made.map((each) => ({ name: each.name, arguments: JSON.parse(each.arguments) }));
  if (given.result === undefined || !made.length) return told(text(first), calls, first.status);
  const results = made.map((each) => ({ type: "function_call_output", call_id: each.call_id, output: given.result }));
  const second = await turn({ ...asked, input: results, previous_response_id: first.id });
  return told(text(second), calls, second.status);
}
